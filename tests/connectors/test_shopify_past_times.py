"""When the orders of a Shopify store's past were stated: as the file was begun, or when they were asked for again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from shopify_nodes import ASKED

from connectors.base import StoreAccess
from connectors.shopify import ShopifyConnector
from connectors.shopify.sandbox import ShopifySandbox

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(("shop_is_ahead", "stated"), [(-HOUR, ASKED - HOUR), (HOUR, ASKED)])
def test_an_order_of_the_file_was_stated_when_the_operation_began(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox,
    shop_is_ahead: timedelta, stated: object,
) -> None:  # fmt: skip
    shopify_shop.now = lambda: ASKED + shop_is_ahead
    mug = shopify_shop.add_product("Mug", 500)["id"]
    plain, refunded = (shopify_shop.place_order((mug, 1))["id"] for _ in range(2))
    shopify_shop.refund(refunded, amount=100)
    cursor: str | None = "start 0"
    told = {}
    while cursor is not None:
        page = shopify.read_past(shopify_access, None, cursor, with_products=False, now=ASKED)
        told |= {each.key_id: each.observed_at for each in page.messages}
        cursor = page.next
    assert told == {str(plain): stated, str(refunded): ASKED}
