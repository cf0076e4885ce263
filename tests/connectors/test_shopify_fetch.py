"""What is read again from a Shopify store: whole, however long; and what is only too old to be shown is not gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from builders import STORE

from connectors.base import FetchedMessage, RawMessage, StoreAccess
from connectors.shopify import ShopifyConnector
from connectors.shopify.sandbox import ShopifySandbox
from loyalty.clock import utc_now
from loyalty.commerce import (
    CouponStated,
    CustomerDeleted,
    CustomerSnapshot,
    Fact,
    Ignored,
    OrderDeleted,
    OrderSnapshot,
    OrderState,
    ProductFacts,
    Read,
)
from loyalty.pushes import PushError, PutCoupon, TokenRefused

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Reading:
    """Reads a shop as the workers do: fetches, and parses what came."""

    def __init__(self, connector: ShopifyConnector, access: StoreAccess) -> None:
        self.connector, self.access = connector, access

    def facts(self, kind: Read, *ids: Any, with_products: bool = False) -> list[Fact | Ignored]:
        messages = self.fetch(kind, [str(each) for each in ids], with_products=with_products)
        return [self.parse(message) for message in messages]

    def fetch(self, kind: Read, ids: Sequence[str], *, with_products: bool = False) -> list[FetchedMessage]:
        return self.connector.fetch(self.access, kind, ids, with_products=with_products, now=NOW)

    def parse(self, message: FetchedMessage) -> Fact | Ignored:
        raw = RawMessage("fetch", message.topic, message.body, message.observed_at)
        parsed = self.connector.parse(STORE, raw, with_products=False)
        if isinstance(parsed, Ignored):
            return parsed
        assert isinstance(parsed, tuple)
        (fact,) = parsed
        return fact

    def order(self, number: int, *, with_products: bool = False) -> OrderSnapshot:
        (fact,) = self.facts(Read.ORDER, number, with_products=with_products)
        assert isinstance(fact, OrderSnapshot)
        return fact


@pytest.fixture
def reading(shopify: ShopifyConnector, shopify_access: StoreAccess) -> Reading:
    return Reading(shopify, shopify_access)


@pytest.fixture
def mug(shopify_shop: ShopifySandbox) -> int:
    return int(shopify_shop.add_product("Mug", 500)["id"])


def test_an_order_is_read_with_lines_payments_and_buyer(
    reading: Reading, shopify_shop: ShopifySandbox, mug: int
) -> None:
    amy = shopify_shop.add_customer("amy@example.test")
    placed = shopify_shop.place_order((mug, 2), customer=amy["id"], shipping=60)
    order = reading.order(placed["id"])
    assert (order.external_id, order.state, order.total) == (
        str(placed["id"]),
        OrderState.LIVE,
        Decimal(1060),
    )
    assert [(each.quantity, each.total) for each in order.lines] == [(2, Decimal(1000)), (1, Decimal(60))]
    assert (order.buyer.customer_id, order.observed_at) == (str(amy["id"]), NOW)
    assert order.paid_at is not None


def test_refunds_are_read_with_the_order(reading: Reading, shopify_shop: ShopifySandbox, mug: int) -> None:
    placed = shopify_shop.place_order((mug, 2), shipping=60)
    line = placed["line_items"][0]["id"]
    shopify_shop.refund(placed["id"], [(line, 1)], pending=True)
    shopify_shop.refund(placed["id"], amount=100)
    order = reading.order(placed["id"])
    assert order.state is OrderState.LIVE
    assert [(each.amount, len(each.lines)) for each in order.refunds] == [
        (Decimal(500), 1),
        (Decimal(100), 0),
    ]


def test_what_is_longer_than_a_page_is_read_to_its_end(
    reading: Reading, shopify_shop: ShopifySandbox
) -> None:
    products = [shopify_shop.add_product(f"P{each}", 10 + each)["id"] for each in range(65)]
    placed = shopify_shop.place_order(*[(each, 1) for each in products])
    lines = [each["id"] for each in placed["line_items"]]
    shopify_shop.refund(placed["id"], [(each, 1) for each in lines[:25]])
    for each in lines[25:33]:
        shopify_shop.refund(placed["id"], [(each, 1)])
    order = reading.order(placed["id"])
    assert len([each for each in order.lines if each.product_id]) == 65
    assert sorted(len(each.lines) for each in order.refunds) == [1] * 8 + [25]
    assert sum(each.amount for each in order.refunds) == sum(10 + each for each in range(33))


def test_many_orders_are_read_within_the_points_of_one_query(
    reading: Reading, shopify_shop: ShopifySandbox, mug: int
) -> None:
    numbers = [shopify_shop.place_order((mug, 1))["id"] for _ in range(24)]
    facts = reading.facts(Read.ORDER, *numbers)
    assert [fact.external_id for fact in facts if isinstance(fact, OrderSnapshot)] == [
        str(each) for each in numbers
    ]
    assert 3 <= len(shopify_shop.requests) <= 12


def test_products_are_read_when_they_are_asked_for(reading: Reading, shopify_shop: ShopifySandbox) -> None:
    cups = shopify_shop.add_collection("Cups")["id"]
    mug = shopify_shop.add_product("Mug", 400, tags=["Kitchen"], collections=[cups], compare_at_price=500)
    gift = shopify_shop.add_product("Gift card", 1000, gift_card=True)
    placed = shopify_shop.place_order((mug["id"], 1), (gift["id"], 1))
    facts = [
        each.product for each in reading.order(placed["id"], with_products=True).lines if each.product_id
    ]
    assert facts == [ProductFacts((str(cups),), ("Kitchen",), False, True), ProductFacts(gift_card=True)]
    plain = [each.product for each in reading.order(placed["id"]).lines if each.product_id]
    assert plain == [None, ProductFacts(gift_card=True)]


def test_an_order_that_the_shop_does_not_have_is_deleted(
    reading: Reading, shopify_shop: ShopifySandbox, mug: int
) -> None:
    shopify_shop.place_order((mug, 1))
    gone = shopify_shop.place_order((mug, 1))["id"]
    shopify_shop.cancel(gone)
    shopify_shop.delete(gone)
    assert reading.facts(Read.ORDER, gone) == [OrderDeleted(STORE, str(gone), NOW)]


def test_an_order_before_the_oldest_that_is_shown_may_be_hidden_and_is_not_deleted(
    reading: Reading, shopify_shop: ShopifySandbox, mug: int
) -> None:
    shopify_shop.grant("read_orders")
    shown = shopify_shop.place_order((mug, 1))["id"]
    (fact,) = reading.facts(Read.ORDER, shown - 1)
    assert isinstance(fact, Ignored)
    assert "read_all_orders" in fact.reason
    (sighting,) = reading.connector.sight_orders(reading.access, [str(shown - 1)])
    assert sighting.modified_at.year == 1970


def test_who_may_read_all_orders_believes_that_one_is_gone(
    reading: Reading, shopify_shop: ShopifySandbox, mug: int
) -> None:
    shown = shopify_shop.place_order((mug, 1))["id"]
    assert reading.facts(Read.ORDER, shown - 1) == [OrderDeleted(STORE, str(shown - 1), NOW)]
    assert reading.connector.sight_orders(reading.access, [str(shown - 1)]) == []


@pytest.mark.parametrize(("granted", "now"), [("", "read_all_orders"), ("read_all_orders", "")])
def test_what_the_shop_says_now_of_the_right_counts_and_not_what_was_granted_with_the_token(
    shopify: ShopifyConnector,
    shopify_access: StoreAccess,
    shopify_shop: ShopifySandbox,
    mug: int,
    granted: str,
    now: str,
) -> None:
    old = shopify_shop.place_order((mug, 1))["id"]
    shopify_shop.now = lambda: utc_now() + timedelta(days=90)
    shopify_shop.place_order((mug, 1))
    shopify_shop.grant("read_orders", *filter(None, [now]))
    keys = shopify_access.credentials | {"scopes": f"read_orders,{granted}"}
    access = StoreAccess(shopify_access.store_id, shopify_access.url, keys, "UTC")
    (fact,) = Reading(shopify, access).facts(Read.ORDER, old)
    assert isinstance(fact, OrderSnapshot if now else Ignored)
    (gone,) = Reading(shopify, access).facts(Read.ORDER, old - 1)
    assert isinstance(gone, OrderDeleted if now else Ignored)
    assert [each.status for each in shopify.sight_orders(access, [str(old - 1)])] == ["hidden"] * (not now)


def test_a_customer_is_read_and_one_who_is_gone_is_told(
    reading: Reading, shopify_shop: ShopifySandbox
) -> None:
    amy = shopify_shop.add_customer("Amy@example.test", firstName="Amy", lastName="Lin")["id"]
    known, gone = reading.facts(Read.CUSTOMER, amy, 424242)
    assert isinstance(known, CustomerSnapshot)
    assert (known.external_id, known.email.lower(), known.name) == (str(amy), "amy@example.test", "Amy Lin")
    assert gone == CustomerDeleted(STORE, "424242", NOW)


@pytest.mark.parametrize(
    ("kind", "amount", "more"),
    [
        ("fixed_discount", "100", {}),
        ("percent_discount", "12.5", {}),
        ("free_shipping", "0", {"free_shipping": True}),
        ("free_product", "100", {"product_ids": True}),
    ],
)
def test_a_coupon_is_stated_as_it_was_asked_for(
    reading: Reading, shopify_shop: ShopifySandbox, mug: int, kind: str, amount: str, more: dict[str, Any]
) -> None:
    amy = shopify_shop.add_customer("Amy@example.test")["id"]
    scope = more | ({"product_ids": (str(mug),)} if "product_ids" in more else {})
    ends = datetime(2027, 1, 31, 16, 0, tzinfo=UTC)
    command = PutCoupon(
        "lrab23", kind, Decimal(amount), Decimal(300), ends, "amy@example.test", "gift", **scope
    )
    (receipt,) = reading.connector.push(reading.access, [command])
    assert not isinstance(receipt, PushError)
    (fact,) = reading.facts(Read.COUPON, receipt.external_id)
    assert isinstance(fact, CouponStated)
    assert fact.terms is not None
    assert (fact.terms.amount, fact.terms.minimum_subtotal) == (Decimal(amount), Decimal(300))
    assert (fact.terms.customers, fact.terms.most_uses) == ((str(amy),), 1)
    assert fact.terms.last_second == datetime(2027, 1, 31, 15, 59, 59, tzinfo=UTC)


def test_a_coupon_of_somebody_without_a_mail_is_stated_as_his(
    reading: Reading, shopify_shop: ShopifySandbox
) -> None:
    phone = shopify_shop.add_customer(None)["id"]
    command = PutCoupon(
        "lrab23", "fixed_discount", Decimal(10), Decimal(0), None, "", "gift", customer_id=str(phone)
    )
    (receipt,) = reading.connector.push(reading.access, [command])
    assert not isinstance(receipt, PushError)
    (fact,) = reading.facts(Read.COUPON, receipt.external_id)
    assert isinstance(fact, CouponStated)
    assert fact.terms is not None
    assert fact.terms.customers == (str(phone),)


def test_a_coupon_that_was_deleted_is_told(reading: Reading) -> None:
    assert reading.facts(Read.COUPON, 424242) == [CouponStated(STORE, "424242", NOW, None)]


def test_fields_that_are_not_approved_are_left_out_and_the_rest_is_used(
    reading: Reading, shopify_shop: ShopifySandbox, mug: int
) -> None:
    amy = shopify_shop.add_customer("amy@example.test")["id"]
    placed = shopify_shop.place_order((mug, 1), customer=amy)
    shopify_shop.grant("read_orders", "read_products")
    order = reading.order(placed["id"])
    assert (order.total, order.buyer.customer_id) == (Decimal(500), "")


def test_a_right_that_is_missing_altogether_is_no_deletion(
    reading: Reading, shopify_shop: ShopifySandbox
) -> None:
    amy = shopify_shop.add_customer("amy@example.test")["id"]
    shopify_shop.grant("read_orders")
    with pytest.raises(PushError) as raised:
        reading.fetch(Read.CUSTOMER, [str(amy)])
    assert (raised.value.permanent, raised.value.reason) == (True, "permission")


def test_a_token_that_may_be_had_anew_is_told_from_one_that_may_not(
    shopify: ShopifyConnector, shopify_access: StoreAccess
) -> None:
    for mode, kind in (("client_credentials", TokenRefused), ("legacy", PushError)):
        keys = {"mode": mode, "access_token": "old", "issued_at": "2026-01-01T00:00:00+00:00"}
        access = StoreAccess(shopify_access.store_id, shopify_access.url, keys, "UTC")
        with pytest.raises(PushError) as raised:
            shopify.read_clock(access)
        assert type(raised.value) is kind
        assert raised.value.permanent is (kind is PushError)
