from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from woocommerce_recordings import delivery, rest

from connectors.base import RawMessage
from connectors.woocommerce.parse import parse
from loyalty.commerce import (
    LineKind,
    OrderSnapshot,
    OrderState,
    Parsed,
    ProductFacts,
    RefundLine,
)
from loyalty.errors import MalformedMessage
from loyalty.values import StoreId

STORE = StoreId(UUID(int=7))
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def parsed(topic: str, body: bytes | dict[str, Any], *, with_products: bool = False) -> Parsed:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse(STORE, RawMessage("webhook", topic, raw), with_products=with_products)


def order_of(changes: dict[str, Any], number: str = "042") -> OrderSnapshot:
    one = delivery(number)
    answer = parsed(one.topic, {**json.loads(one.body), **changes})
    assert isinstance(answer, tuple)
    assert isinstance(answer[0], OrderSnapshot)
    return answer[0]


def fetched(topic: str, **body: Any) -> Parsed:
    return parse(STORE, RawMessage("fetch", topic, json.dumps(body).encode(), NOW), with_products=False)


def test_recorded_order_is_read_to_the_last_line() -> None:
    order = order_of({})
    assert (order.external_id, order.number, order.currency, order.total) == (
        "30",
        "30",
        "TWD",
        Decimal(3580),
    )
    assert order.paid_at == order.placed_at == datetime(2026, 11, 21, 21, 9, 49, tzinfo=UTC)
    assert order.completed_at is None
    assert [line.kind for line in order.lines] == [LineKind.PRODUCT] * 4 + [LineKind.SHIPPING] + [
        LineKind.FEE
    ] * 2
    assert [line.total for line in order.lines] == [1000, 720, 800, 1000, 80, 30, -50]
    assert (order.lines[2].product_id, order.lines[2].variation_id) == ("14", "16")
    assert (order.buyer.customer_id, order.buyer.email, order.buyer.name) == (
        "2",
        "amy@example.test",
        "Amelia Chen",
    )
    assert (order.buyer.region, order.channel, order.observed_at, order.test) == (
        "TW",
        "rest-api",
        None,
        False,
    )


def test_coupon_is_inside_the_line_and_named_beside_it() -> None:
    order = order_of({}, "036")
    assert (order.lines[0].subtotal, order.lines[0].total) == (1000, 900)
    assert [(use.code, use.discount) for use in order.coupons] == [("gold-amy-7f3k", Decimal(100))]


def test_guest_has_no_customer_id() -> None:
    assert order_of({}, "024").buyer.customer_id == ""


def test_region_carries_the_state_where_there_is_one() -> None:
    billing = json.loads(delivery("042").body)["billing"] | {"country": "US", "state": "NY"}
    assert order_of({"billing": billing}).buyer.region == "US-NY"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", OrderState.OPEN),
        ("checkout-draft", OrderState.OPEN),
        ("auto-draft", OrderState.OPEN),
        ("processing", OrderState.LIVE),
        ("on-hold", OrderState.LIVE),
        ("completed", OrderState.LIVE),
        ("shipped-by-ship", OrderState.LIVE),
        ("refunded", OrderState.REFUNDED),
        ("cancelled", OrderState.DEAD),
        ("failed", OrderState.DEAD),
        ("trash", OrderState.DEAD),
    ],
)
def test_status_says_what_it_means_for_points(status: str, state: OrderState) -> None:
    order = order_of({"status": status})
    assert (order.state, order.status) == (state, status)


CREATED, PAID, DONE = "2026-01-01T00:00:00", "2026-01-02T00:00:00", "2026-01-03T00:00:00"


@pytest.mark.parametrize(
    ("status", "paid", "completed", "paid_at", "completed_at"),
    [
        ("processing", None, None, None, None),
        ("processing", PAID, None, PAID, None),
        ("processing", PAID, DONE, PAID, DONE),
        ("processing", None, DONE, None, DONE),
        ("on-hold", PAID, None, PAID, None),
        ("completed", PAID, DONE, PAID, DONE),
        ("completed", None, DONE, DONE, DONE),
        ("completed", PAID, None, PAID, PAID),
        ("completed", None, None, CREATED, CREATED),
        ("refunded", None, DONE, DONE, DONE),
        ("refunded", None, None, None, None),
        ("cancelled", None, DONE, DONE, DONE),
        ("cancelled", None, None, None, None),
        ("trash", PAID, None, PAID, None),
        ("pending", None, None, None, None),
    ],
)
def test_paid_and_completed_follow_the_rules(
    status: str, paid: str | None, completed: str | None, paid_at: str | None, completed_at: str | None
) -> None:
    dates = {"date_created_gmt": CREATED, "date_paid_gmt": paid, "date_completed_gmt": completed}
    order = order_of({"status": status, **dates})
    assert order.paid_at == (datetime.fromisoformat(paid_at).replace(tzinfo=UTC) if paid_at else None)
    assert order.completed_at == (
        datetime.fromisoformat(completed_at).replace(tzinfo=UTC) if completed_at else None
    )


def test_order_never_modified_is_as_new_as_its_creation() -> None:
    order = order_of({"date_modified_gmt": None})
    assert order.modified_at == order.placed_at


@pytest.mark.parametrize(
    ("given", "read"), [(3580, "3580"), (0.5, "0.5"), ("-0", "0"), ("0.00000001", "0.00000001")]
)
def test_money_is_exact_whatever_its_json_form(given: object, read: str) -> None:
    assert order_of({"total": given}).total == Decimal(read)


@pytest.mark.parametrize("given", ["", "NaN", "1e3", "1,000", " 1", None, True, [], "9" * 17, "1.123456789"])
def test_money_in_any_other_form_is_malformed(given: object) -> None:
    with pytest.raises(MalformedMessage, match=r"total: Not an amount\."):
        order_of({"total": given})


def test_mistake_in_a_line_names_its_path() -> None:
    line = json.loads(delivery("042").body)["line_items"][0]
    with pytest.raises(MalformedMessage, match=r"line_items\.1\.total: Not an amount\."):
        order_of({"line_items": [line, {**line, "total": "x"}]})


@pytest.mark.parametrize("missing", ["id", "status", "currency", "total", "billing", "date_created_gmt"])
def test_missing_field_is_named(missing: str) -> None:
    body = json.loads(delivery("042").body)
    del body[missing]
    with pytest.raises(MalformedMessage, match=f"^{missing}: "):
        parsed("order.updated", body)


def test_text_that_no_database_takes_is_cleaned() -> None:
    billing = json.loads(delivery("042").body)["billing"] | {"first_name": "A\x00m\ud800y", "last_name": None}
    assert order_of({"billing": billing}).buyer.name == "Amy"


def test_part_of_a_piece_counts_as_one() -> None:
    line = json.loads(delivery("042").body)["line_items"][0]
    assert order_of({"line_items": [{**line, "quantity": 0.5}]}).lines[0].quantity == 1


def test_fetched_order_has_its_refunds_by_line_and_by_amount() -> None:
    order, refunds = rest("orders-get-with-refunds").answer, rest("orders-refunds-list").answer
    (snapshot,) = fetched("fetch.order", id="30", order=order, refunds=refunds, products=None)  # type: ignore[misc]
    assert isinstance(snapshot, OrderSnapshot)
    assert [(refund.id, refund.amount) for refund in snapshot.refunds] == [
        ("33", 240),
        ("32", 500),
        ("31", 100),
    ]
    assert snapshot.refunds[0].lines == (RefundLine("10", 1, Decimal(240)),)
    assert snapshot.refunds[2].lines == ()
    assert (snapshot.observed_at, snapshot.lines[0].product) == (NOW, None)


def test_refund_takes_tax_with_its_line_and_keeps_shipping() -> None:
    meta = [{"key": "_refunded_item_id", "value": "13"}]
    shipping = {"total": "-80", "total_tax": "-4", "meta_data": meta}
    refund = {"id": 9, "date_created_gmt": CREATED, "amount": "84", "shipping_lines": [shipping]}
    order = rest("orders-get-with-refunds").answer
    (snapshot,) = fetched("fetch.order", id="30", order=order, refunds=[refund])  # type: ignore[misc]
    assert isinstance(snapshot, OrderSnapshot)
    assert snapshot.refunds[0].lines == (RefundLine("13", 0, Decimal(84)),)


def test_fetched_order_carries_the_facts_of_its_products() -> None:
    facts = {"11": {"categories": [17], "tags": ["tea"], "on_sale": True, "gift_card": False}}
    order = rest("orders-get-with-refunds").answer
    (snapshot,) = fetched("fetch.order", id="30", order=order, refunds=[], products=facts)  # type: ignore[misc]
    assert isinstance(snapshot, OrderSnapshot)
    assert snapshot.lines[0].product == ProductFacts(("17",), ("tea",), False, True)
    assert snapshot.lines[1].product == ProductFacts()


def test_mistake_in_a_fetched_order_names_its_whole_path() -> None:
    with pytest.raises(MalformedMessage, match=r"^order\.total: "):
        fetched("fetch.order", id="30", order=rest("orders-get").answer | {"total": "x"}, refunds=[])
