"""What a delivery states and what the shop answers are the same order, and its lines sum to its total."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from builders import STORE
from shopify_nodes import stated

from connectors.base import RawMessage, StoreAccess
from connectors.shopify import ShopifyConnector
from connectors.shopify.sandbox import ShopifySandbox
from loyalty.commerce import OrderSnapshot, Read
from loyalty.pushes import PutCoupon

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
Story = Callable[[ShopifySandbox, dict[str, Any]], None]


def nothing(shop: ShopifySandbox, order: dict[str, Any]) -> None:
    """Leave it as it was placed."""


def refund_one(shop: ShopifySandbox, order: dict[str, Any]) -> None:
    shop.refund(order["id"], [(order["line_items"][0]["id"], 1)])


def refund_with_shipping(shop: ShopifySandbox, order: dict[str, Any]) -> None:
    shop.refund(order["id"], [(order["line_items"][1]["id"], 1)], shipping=2)


def goodwill(shop: ShopifySandbox, order: dict[str, Any]) -> None:
    shop.refund(order["id"], amount="1.50")


def pending(shop: ShopifySandbox, order: dict[str, Any]) -> None:
    shop.refund(order["id"], [(order["line_items"][0]["id"], 1)], pending=True)


def restocking_fee(shop: ShopifySandbox, order: dict[str, Any]) -> None:
    shop.refund(order["id"], [(order["line_items"][0]["id"], 1)], amount="2.00")


def everything(shop: ShopifySandbox, order: dict[str, Any]) -> None:
    shop.refund_all(order["id"])


def cancel(shop: ShopifySandbox, order: dict[str, Any]) -> None:
    shop.cancel(order["id"])


def edit(shop: ShopifySandbox, order: dict[str, Any]) -> None:
    shop.edit(order["id"], remove=[(order["line_items"][0]["id"], 1)])


def send(shop: ShopifySandbox, order: dict[str, Any]) -> None:
    shop.fulfil(order["id"])


STORIES = (
    nothing, refund_one, refund_with_shipping, goodwill, pending, restocking_fee, everything, cancel, edit, send,
)  # fmt: skip


def fetched(shop: ShopifySandbox, number: int) -> OrderSnapshot:
    keys = {"mode": "legacy", "access_token": shop.access_token, "scopes": ""}
    access, connector = StoreAccess(STORE, shop.url, keys, "UTC"), ShopifyConnector(True, per_second=10_000)
    (message,) = connector.fetch(access, Read.ORDER, [str(number)], with_products=False, now=NOW)
    raw = RawMessage("fetch", message.topic, message.body, message.observed_at)
    parsed = connector.parse(STORE, raw, with_products=False)
    assert isinstance(parsed, tuple)
    assert isinstance(parsed[0], OrderSnapshot)
    return parsed[0]


def place(shop: ShopifySandbox, **more: Any) -> dict[str, Any]:
    amy = shop.add_customer("amy@example.test")["id"]
    pan, brush = (
        shop.add_product(name, price)["id"] for name, price in (("Pan", "40.00"), ("Brush", "25.90"))
    )
    keys = {"mode": "legacy", "access_token": shop.access_token, "scopes": ""}
    coupon = PutCoupon("lrten", "percent_discount", Decimal(10), Decimal(0), None, "amy@example.test", "ten")
    ShopifyConnector(True, per_second=10_000).push(StoreAccess(STORE, shop.url, keys, "UTC"), [coupon])
    return shop.place_order((pan, 2), (brush, 1), customer=amy, shipping="5.00", codes=("LRTEN",), **more)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
@pytest.mark.parametrize(("included", "rate"), [(False, "0"), (False, "0.19"), (True, "0.19")])
def test_a_delivery_states_what_the_shop_answers(story: Story, included: bool, rate: str) -> None:
    with ShopifySandbox("EUR", 2, "UTC", taxes_included=included, tax_rate=rate) as shop:
        order = place(shop)
        story(shop, order)
        answer = fetched(shop, order["id"])
        said = stated("orders/updated", json.dumps(shop.order(order["id"])).encode())
    assert said.is_partial
    assert replace(said, paid_at=None, is_partial=False) == replace(answer, paid_at=None, observed_at=None)
    assert (said.paid_at is None) == (answer.paid_at is None)
    assert sum(line.total + line.total_tax for line in answer.lines) == answer.total
    (use,) = answer.coupons
    before = sum(line.subtotal - line.total for line in answer.lines)
    assert abs(use.discount - before) < Decimal("0.01")


def test_an_order_in_another_currency_is_told_in_the_shops_own() -> None:
    with ShopifySandbox("EUR", 2, "UTC") as shop:
        order = place(shop, currency="JPY", rate="170")
        answer = fetched(shop, order["id"])
        said = stated("orders/paid", json.dumps(shop.order(order["id"])).encode())
    assert (answer.currency, answer.total) == ("EUR", Decimal("100.31"))
    assert said.lines == answer.lines
