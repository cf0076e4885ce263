"""Orders at whose refunds a Shopify store fails are told without them, and hide no other."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from builders import STORE

from connectors.base import RawMessage, StoreAccess
from connectors.halving import MOST_IN_A_ROW
from connectors.shopify import ShopifyConnector
from connectors.shopify.sandbox import ShopifySandbox
from loyalty.clock import utc_now
from loyalty.commerce import OrderSnapshot, Read
from loyalty.pushes import OneFailed
from loyalty.reconciliation.differences import difference

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def mug(shopify_shop: ShopifySandbox) -> int:
    return int(shopify_shop.add_product("Mug", 500)["id"])


def snapshot(shopify: ShopifyConnector, access: StoreAccess, number: str) -> OrderSnapshot:
    """The order as it is read."""
    (message,) = shopify.fetch(access, Read.ORDER, [number], with_products=False, now=utc_now())
    raw = RawMessage("fetch", message.topic, message.body, message.observed_at)
    parsed = shopify.parse(STORE, raw, with_products=False)
    assert isinstance(parsed, tuple)
    assert isinstance(parsed[0], OrderSnapshot)
    return parsed[0]


def test_an_order_at_whose_refund_the_shop_fails_is_told_and_hides_no_other(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, mug: int
) -> None:
    numbers = [str(shopify_shop.place_order((mug, 1))["id"]) for _ in range(5)]
    refunds = [shopify_shop.refund(int(each), amount=100)["id"] for each in numbers[1:4]]
    shopify_shop.state.failing.add(int(refunds[1]))
    known = [snapshot(shopify, shopify_access, each) for each in numbers if each != numbers[2]]
    listed = shopify.list_changed(shopify_access, LONG_AGO, None).sightings
    for seen in (listed, shopify.sight_orders(shopify_access, numbers)):
        states = {each.external_id: each for each in seen}
        assert [states[each].is_whole for each in numbers] == [True, True, False, True, True]
        assert [difference(states[each.external_id], each, None) for each in known] == [None] * 4
    assert [each.modified_at for each in listed] == sorted(each.modified_at for each in listed)


def test_a_shop_that_fails_at_the_refunds_of_all_orders_is_asked_again_later(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, mug: int
) -> None:
    for _ in range(MOST_IN_A_ROW):
        refund = shopify_shop.refund(shopify_shop.place_order((mug, 1))["id"], amount=100)
        shopify_shop.state.failing.add(int(refund["id"]))
    with pytest.raises(OneFailed):
        shopify.list_changed(shopify_access, LONG_AGO, None)
