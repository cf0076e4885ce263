"""What a till says: read into facts, judged strictly, recognised when it is said again; nothing is ever told to it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from builders import make_sale

from connectors.base import RawMessage, StoreAccess
from connectors.till import TillConnector
from loyalty.commerce import (
    Buyer,
    CouponUse,
    LineKind,
    OrderDeleted,
    OrderLine,
    OrderSnapshot,
    OrderState,
    Parsed,
    ProductFacts,
    Read,
    Refund,
    RefundLine,
)
from loyalty.errors import MalformedMessage
from loyalty.pushes import DisableCoupon, PushError, SetMemberTier
from loyalty.values import StoreId

STORE = StoreId(UUID(int=7))
NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)
TILL = TillConnector()
ACCESS = StoreAccess(STORE, "till:counter", {"currency": "TWD", "decimals": "0"}, "Asia/Taipei")
MEMBER = "018f0000-0000-7000-8000-000000000001"


def parsed(body: Any) -> Parsed:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return TILL.parse(STORE, RawMessage("api", "order", raw), with_products=True)


def order(**more: Any) -> OrderSnapshot:
    (fact,) = parsed(make_sale(**more))  # type: ignore[misc]
    assert isinstance(fact, OrderSnapshot)
    return fact


def line(**more: Any) -> OrderLine:
    return order(lines=[{"id": "1", "total": "100", **more}]).lines[0]


def test_a_sale_says_only_what_it_must() -> None:
    assert order() == OrderSnapshot(
        store_id=STORE, external_id="R-1", number="R-1", state=OrderState.LIVE, status="completed", currency="TWD",
        total=Decimal(1000), prices_include_tax=True, placed_at=NOON, modified_at=NOON, paid_at=NOON,
        completed_at=NOON, channel="till",
        lines=(
            OrderLine("1", LineKind.PRODUCT, 1, Decimal(1000), Decimal(0), Decimal(1000), Decimal(0), sku="MUG-1"),
        ),
    )  # fmt: skip


def test_a_sale_may_say_everything() -> None:
    said = order(
        number="2026/17", prices_include_tax=False, channel="market", test=True,
        lines=[{"id": "a", "kind": "product", "quantity": 2, "subtotal": "200", "subtotal_tax": "10", "total": "180",
                "total_tax": "9", "product_id": "P1", "variation_id": "V1", "sku": "烏龍茶", "category_ids": ["tea"],
                "tags": ["new"], "gift_card": False, "on_sale": True},
               {"id": "b", "kind": "fee", "total": "-20.5000", "total_tax": "-1"}],
        refunds=[{"id": "1", "created_at": "2026-03-11T12:00:00+08:00", "amount": "94.5",
                  "lines": [{"line_id": "a", "quantity": 1, "amount": "94.5"}]}],
        coupons=[{"code": "lr92z7aksye6", "discount": "20", "discount_tax": "1"}],
        buyer={"customer_id": "55", "email": "amy@example.test", "phone": "+886912345678", "name": "Amy",
               "region": "TW"},
    )  # fmt: skip
    goods = OrderLine(
        "a", LineKind.PRODUCT, 2, Decimal(200), Decimal(10), Decimal(180), Decimal(9), "P1", "V1", "烏龍茶",
        ProductFacts(("tea",), ("new",), False, True),
    )  # fmt: skip
    fee = OrderLine("b", LineKind.FEE, 1, Decimal("-20.5"), Decimal(-1), Decimal("-20.5"), Decimal(-1))
    assert said.lines == (goods, fee)
    back = RefundLine("a", 1, Decimal("94.5"))
    assert said.refunds == (Refund("R-1/1", NOON + timedelta(days=1), Decimal("94.5"), (back,)),)
    assert said.coupons == (CouponUse("lr92z7aksye6", Decimal(20), Decimal(1)),)
    assert said.buyer == Buyer("55", "amy@example.test", "+886912345678", "Amy", "TW")
    assert (said.number, said.prices_include_tax, said.channel, said.test) == (
        "2026/17", False, "market", True,
    )  # fmt: skip


LATER = "2026-03-10T18:00:00+08:00"
EVENING = NOON + timedelta(hours=6)


@pytest.mark.parametrize(
    ("state", "dates", "means"),
    [
        ("open", {}, (OrderState.OPEN, None, None)),
        ("paid", {}, (OrderState.LIVE, NOON, None)),
        ("paid", {"paid_at": LATER}, (OrderState.LIVE, EVENING, None)),
        ("completed", {}, (OrderState.LIVE, NOON, NOON)),
        ("completed", {"paid_at": LATER}, (OrderState.LIVE, EVENING, EVENING)),
        ("completed", {"completed_at": LATER}, (OrderState.LIVE, NOON, EVENING)),
        ("refunded", {}, (OrderState.REFUNDED, NOON, None)),
        ("refunded", {"completed_at": LATER}, (OrderState.REFUNDED, NOON, EVENING)),
        ("cancelled", {}, (OrderState.DEAD, None, None)),
        ("cancelled", {"paid_at": LATER}, (OrderState.DEAD, EVENING, None)),
    ],
)
def test_a_state_says_what_is_paid_and_handed_over(
    state: str, dates: dict[str, str], means: tuple[object, ...]
) -> None:
    said = order(state=state, **dates)
    assert (said.state, said.paid_at, said.completed_at) == means


def test_a_deleted_order_needs_no_more_than_its_id_and_when() -> None:
    gone = (OrderDeleted(STORE, "R-1", EVENING),)
    assert parsed({"id": "R-1", "state": "deleted", "modified_at": LATER}) == gone
    assert parsed(make_sale(state="deleted", modified_at=LATER)) == gone


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ({}, None),
        ({"category_ids": []}, ProductFacts()),
        ({"gift_card": True}, ProductFacts(gift_card=True)),
        ({"on_sale": False}, ProductFacts()),
        ({"tags": ["a", "b"]}, ProductFacts(tags=("a", "b"))),
    ],
)
def test_facts_of_a_product_are_known_when_any_is_said(
    said: dict[str, Any], facts: ProductFacts | None
) -> None:
    assert line(**said).product == facts


def test_a_member_is_named_by_our_own_id() -> None:
    assert order(buyer={"member": MEMBER}).buyer == Buyer(member=MEMBER)
    assert order(buyer=None).buyer == order(buyer={}).buyer == Buyer()


def with_line(**more: Any) -> dict[str, Any]:
    return {"lines": [{"id": "1", "total": "100", **more}]}


def with_refund(**more: Any) -> dict[str, Any]:
    return {"refunds": [{"id": "1", "created_at": LATER, "amount": "1", **more}]}


@pytest.mark.parametrize(
    ("mistake", "path"),
    [
        ({"id": ""}, "id"), ({"id": 17}, "id"), ({"id": "a:b"}, "id"), ({"id": "a\n"}, "id"),
        ({"id": "x" * 65}, "id"), ({"state": "dead"}, "state"), ({"state": None}, "state"), ({"state": []}, "state"),
        ({"currency": "twd"}, "currency"), ({"currency": "TWD\n"}, "currency"),
        ({"total": 1000}, "total"), ({"total": "1,000"}, "total"), ({"total": "-1"}, "total"),
        ({"total": "1e3"}, "total"), ({"total": "NaN"}, "total"), ({"total": "١"}, "total"),
        ({"total": "1\n"}, "total"),
        ({"total": "0.00001"}, "total"), ({"total": None}, "total"),
        ({"prices_include_tax": 1}, "prices_include_tax"), ({"test": "false"}, "test"),
        ({"placed_at": "2026-03-10T12:00:00"}, "placed_at"), ({"placed_at": "2026-03-10"}, "placed_at"),
        ({"placed_at": 0}, "placed_at"), ({"paid_at": "0001-01-01T00:00:00+08:00"}, "paid_at"),
        ({"modified_at": None}, "modified_at"),
        ({"number": "a\u0000"}, "number"), ({"channel": "\ud800"}, "channel"), ({"number": "x" * 101}, "number"),
        ({"lines": []}, "lines"), ({"lines": {}}, "lines"), ({"lines": [1]}, "lines.0"),
        ({"lines": [{"id": "1", "total": "1"}] * 2}, "lines.1.id"), ({"discount": "5"}, "discount"),
        (with_line(total="-1"), "lines.0.total"), (with_line(kind="tip", total_tax="-1"), "lines.0.total_tax"),
        (with_line(quantity=1.5), "lines.0.quantity"), (with_line(quantity=-1), "lines.0.quantity"),
        (with_line(quantity=True), "lines.0.quantity"), (with_line(kind="goods"), "lines.0.kind"),
        (with_line(price="1"), "lines.0.price"), (with_line(category_ids="tea"), "lines.0.category_ids"),
        (with_line(gift_card="yes"), "lines.0.gift_card"), (with_line(tags=[1]), "lines.0.tags.0"),
        (with_refund(amount="-1"), "refunds.0.amount"), (with_refund(created_at="yesterday"), "refunds.0.created_at"),
        (with_refund(lines=[{"line_id": "1", "amount": "-1"}]), "refunds.0.lines.0.amount"),
        ({"refunds": with_refund()["refunds"] * 2}, "refunds.1.id"),
        ({"coupons": [{"code": ""}]}, "coupons.0.code"), ({"coupons": ["code"]}, "coupons.0"),
        ({"buyer": {"member": "7"}}, "buyer.member"), ({"buyer": {"customer_id": "a@b"}}, "buyer.customer_id"),
        ({"buyer": {"member": MEMBER, "email": "a@b.test"}}, "buyer.member"),
        ({"buyer": {"region": "Taiwan"}}, "buyer.region"), ({"buyer": {"name": 7}}, "buyer.name"),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)  # fmt: skip
def test_a_mistake_is_told_with_its_path(mistake: dict[str, Any], path: str) -> None:
    with pytest.raises(MalformedMessage, match=rf"(^|; ){path.replace('.', '[.]')}[:.]"):
        parsed(make_sale(**mistake))


@pytest.mark.parametrize("missing", ["id", "state", "currency", "total", "placed_at", "modified_at", "lines"])
def test_what_must_be_said_is_missed(missing: str) -> None:
    sale = make_sale()
    del sale[missing]
    with pytest.raises(MalformedMessage, match=f"{missing}: Missing data"):
        parsed(sale)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"total": NaN}', b"[" * 100_000])
def test_what_is_no_json_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parsed(body)


def key(**more: Any) -> bytes:
    return TILL.message_key("order", {}, json.dumps(make_sale(**more)).encode())


def test_an_order_says_one_thing_at_one_instant() -> None:
    assert len(key()) == 32
    assert key() == key(total="5") == key(modified_at="2026-03-10T04:00:00Z")
    assert len({key(), key(id="R-2"), key(modified_at="2026-03-10T12:00:00.000001+08:00")}) == 3


def test_nobody_delivers_to_a_till() -> None:
    assert not TILL.is_authentic(["a-secret"], {}, b"{}")
    assert not TILL.is_ping({}, b"webhook_id=1")


def test_a_till_is_told_nothing_and_says_why() -> None:
    commands = [DisableCoupon("lr92z7aksye6", NOON), SetMemberTier("55", "gold", "Gold")]
    outcomes = TILL.push(ACCESS, commands)
    assert [(type(it), it.permanent, it.reason) for it in outcomes if isinstance(it, PushError)] == [
        (PushError, True, "configuration")
    ] * 2


def test_a_till_cannot_be_asked_for_orders() -> None:
    with pytest.raises(PushError) as caught:
        TILL.fetch(ACCESS, Read.ORDER, ["R-1"], with_products=False, now=NOON)
    assert (caught.value.permanent, caught.value.reason) == (True, "configuration")


def test_a_till_counts_as_was_noted_when_it_was_connected() -> None:
    settings = TILL.read_settings(ACCESS)
    assert (settings.currency, settings.time_zone, settings.decimals) == ("TWD", "Asia/Taipei", 0)
    assert TILL.register_webhooks(ACCESS) == []
    with pytest.raises(PushError, match="currency"):
        TILL.read_settings(StoreAccess(STORE, "till:counter", {}, "Asia/Taipei"))
