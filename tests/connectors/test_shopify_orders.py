"""Orders of Shopify in our words: each trap of its figures is a case, and an order's story ends as it deserves."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from shopify_nodes import (
    BIG,
    adjustment,
    bag,
    delivery,
    line,
    order,
    payment,
    read,
    refund,
    refund_line,
    refund_shipping,
    shipping,
    stated,
)

from connectors.base import RawMessage
from connectors.shopify.restate import restate
from loyalty.commerce import LineKind, OrderSnapshot, OrderState, ProductFacts, Refund
from loyalty.orders.snapshot import is_newer

REFUNDED_AT = "2026-11-21T11:00:00Z"


def gave(amount: str, status: str = "SUCCESS") -> dict[str, Any]:
    return payment(amount, REFUNDED_AT, "REFUND", status)


def the_refund(node: dict[str, Any], **more: Any) -> Refund:
    (only,) = read(order(refunds=[node], **more)).refunds
    return only


def named(one: Refund) -> dict[str, Decimal]:
    return {each.line_id: each.amount for each in one.lines}


def test_a_pending_refund_counts_and_what_balances_it_does_not() -> None:
    one = the_refund(
        refund(
            lines=[refund_line()],
            money=[gave("100.00", "PENDING")],
            adjustments=[adjustment("100.00", "PENDING_REFUND_DISCREPANCY")],
        )
    )
    assert (one.amount, named(one)) == (Decimal("100.00"), {"11": Decimal("100.00")})


def test_a_failed_refund_of_money_counts_by_what_it_names() -> None:
    one = the_refund(refund(lines=[refund_line(amount="40.00")], money=[gave("40.00", "FAILURE")]))
    assert one.amount == Decimal("40.00")


def test_refunded_shipping_counts_once() -> None:
    one = the_refund(refund(lines=[refund_line()], shipped=[refund_shipping()], money=[gave("105.00")]))
    assert one.amount == Decimal("105.00")
    assert named(one) == {"11": Decimal("100.00"), "71": Decimal("5.00")}


def test_refunded_shipping_of_a_delivery_counts_once_though_it_is_told_twice() -> None:
    shipped = delivery("derived/refunds_create_full_with_shipping")

    def add(body: dict[str, Any]) -> None:
        body["refunds"] = [json.loads(shipped)]

    snapshot = stated("orders/updated", delivery("derived/orders_paid", add))
    (one,) = snapshot.refunds
    assert one.amount == Decimal("99.50")
    assert named(one) == {"111": Decimal("72.00"), "112": Decimal("22.50"), "771": Decimal("5.00")}


def test_refunded_shipping_without_an_id_is_that_of_the_only_shipping_line() -> None:
    one = the_refund(refund(shipped=[refund_shipping(None)], money=[gave("5.00")]))
    assert named(one) == {"71": Decimal("5.00")}
    node = order(
        refunds=[refund(shipped=[refund_shipping(None)], money=[gave("5.00")])],
        shippingLines={"nodes": [shipping(71, "3.00"), shipping(72, "2.00")]},
    )
    assert named(read(node).refunds[0]) == {"": Decimal("5.00")}


@pytest.mark.parametrize(
    ("included", "net", "tax", "refunded"),
    [(False, "100.00", "19.00", "119.00"), (True, "81.00", "19.00", "100.00")],
)
def test_tax_is_told_apart_whether_prices_contain_it_or_not(
    included: bool, net: str, tax: str, refunded: str
) -> None:
    taxed = line(taxLines=[{"rate": Decimal("0.19"), "priceSet": bag("19.00")}])
    taxed["taxLines"][0]["rate"] = 0.19
    node = order(
        taxesIncluded=included,
        lineItems={"nodes": [taxed]},
        refunds=[refund(lines=[refund_line(tax="19.00")])],
    )
    snapshot = read(node)
    goods = snapshot.lines[0]
    assert (goods.total, goods.total_tax) == (Decimal(net), Decimal(tax))
    assert (goods.subtotal, goods.subtotal_tax) == (Decimal(net), Decimal(tax))
    assert snapshot.refunds[0].lines[0].amount == Decimal(refunded)
    assert snapshot.prices_include_tax is included


def test_the_tax_of_what_is_free_by_a_discount_follows_its_rates() -> None:
    free = line(
        amount="119.00",
        taxLines=[{"rate": 0.19, "priceSet": bag("0.00")}],
        discountAllocations=[
            {"allocatedAmountSet": bag("119.00"), "discountApplication": {"code": "lrfree"}}
        ],
    )
    snapshot = read(order(taxesIncluded=True, lineItems={"nodes": [free]}, discountCodes=["LRFREE"]))
    goods = snapshot.lines[0]
    assert (goods.subtotal, goods.subtotal_tax, goods.total) == (Decimal(100), Decimal(19), Decimal(0))
    (use,) = snapshot.coupons
    assert (use.code, use.discount, use.discount_tax) == ("LRFREE", Decimal(100), Decimal(19))


def test_a_gift_card_line_is_known_without_that_the_product_was_read() -> None:
    snapshot = stated("orders/paid", delivery("derived/orders_paid_with_gift_card_line"))
    assert [each.product for each in snapshot.lines if each.kind is LineKind.PRODUCT] == [
        None,
        None,
        ProductFacts(gift_card=True),
    ]


def test_a_test_order_is_told_as_one() -> None:
    assert stated("orders/paid", delivery("derived/orders_paid_test_order")).test
    assert not stated("orders/paid", delivery("derived/orders_paid")).test


def test_a_guest_has_an_email_only() -> None:
    nobody = stated("orders/paid", delivery("derived/orders_paid_no_customer")).buyer
    assert (nobody.customer_id, nobody.email) == ("", "")
    guest = read(order(customer=None)).buyer
    assert (guest.customer_id, guest.email) == ("", "mira@example.com")
    known = stated("orders/paid", delivery("derived/orders_paid")).buyer
    assert (known.customer_id, known.email, known.region) == ("7063100000042", "mira@example.com", "US-KY")


@pytest.mark.parametrize(
    ("financial", "confirmed", "cancelled", "state"),
    [
        ("PENDING", True, None, OrderState.OPEN),
        ("AUTHORIZED", True, None, OrderState.OPEN),
        ("PARTIALLY_PAID", True, None, OrderState.OPEN),
        ("EXPIRED", True, None, OrderState.OPEN),
        ("PAID", True, None, OrderState.LIVE),
        ("PAID", False, None, OrderState.OPEN),
        ("PARTIALLY_REFUNDED", True, None, OrderState.LIVE),
        ("REFUNDED", True, None, OrderState.REFUNDED),
        ("VOIDED", True, None, OrderState.DEAD),
        ("PAID", True, REFUNDED_AT, OrderState.DEAD),
        ("REFUNDED", True, REFUNDED_AT, OrderState.DEAD),
        ("PENDING", False, REFUNDED_AT, OrderState.DEAD),
        (None, True, None, OrderState.OPEN),
    ],
)
def test_what_a_status_means(
    financial: str | None, confirmed: bool, cancelled: str | None, state: OrderState
) -> None:
    node = order(displayFinancialStatus=financial, confirmed=confirmed, cancelledAt=cancelled)
    assert read(node).state is state


def test_a_cancelled_order_keeps_when_it_was_paid_and_says_when_it_ended() -> None:
    snapshot = read(order(cancelledAt=REFUNDED_AT, displayFinancialStatus="REFUNDED"))
    assert snapshot.paid_at == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert snapshot.ended_at == datetime(2026, 11, 21, 11, tzinfo=UTC)


def test_a_voided_order_was_never_paid() -> None:
    node = order(displayFinancialStatus="VOIDED", transactions=[payment("105.00", kind="AUTHORIZATION")])
    assert (read(node).state, read(node).paid_at) == (OrderState.DEAD, None)


def test_goodwill_by_amount_names_no_line() -> None:
    one = the_refund(refund(money=[gave("7.50")], adjustments=[adjustment("-7.50")]))
    assert (one.amount, one.lines) == (Decimal("7.50"), ())


def test_a_discrepancy_counts_where_neither_money_nor_lines_are_told() -> None:
    assert the_refund(refund(adjustments=[adjustment("-7.50", tax="-0.50")])).amount == Decimal("8.00")


@pytest.mark.parametrize("reason", ["REFUND_DISCREPANCY", "FULL_RETURN_BALANCING_ADJUSTMENT", "RESTOCK"])
def test_a_positive_adjustment_is_no_refund(reason: str) -> None:
    assert the_refund(refund(adjustments=[adjustment("30.00", reason)])).amount == 0


def test_less_money_than_its_lines_is_what_was_given_back() -> None:
    one = the_refund(
        refund(lines=[refund_line()], money=[gave("90.00")], adjustments=[adjustment("10.00", "RESTOCK")])
    )
    assert (one.amount, named(one)) == (Decimal("90.00"), {"11": Decimal("100.00")})


def test_each_refund_of_an_edit_counts_for_itself() -> None:
    removed = refund(31, lines=[refund_line(11, "100.00")], money=[gave("60.00")])
    rest = refund(32, money=[gave("40.00")])
    snapshot = read(order(refunds=[removed, rest]))
    assert [(each.id, each.amount) for each in snapshot.refunds] == [
        ("31", Decimal("60.00")),
        ("32", Decimal("40.00")),
    ]


@pytest.mark.parametrize(
    ("later", "amounts"),
    [
        ([gave("40.00")], ["40.00", "0.00"]),
        ([gave("50.00")], ["40.00", "10.00"]),
        ([gave("15.00")], ["40.00", "0.00"]),
        ([gave("40.00", status="PENDING")], ["40.00", "0.00"]),
        ([gave("40.00", status="FAILURE")], ["40.00", "0"]),
    ],
)
def test_money_that_pays_a_removed_line_back_is_not_refunded_twice(
    later: list[dict[str, Any]], amounts: list[str]
) -> None:
    removed = refund(31, lines=[refund_line(11, "40.00")], at="2026-11-20T11:00:00Z")
    back = refund(32, money=later, at="2026-11-20T12:00:00Z")
    snapshot = read(order(refunds=[back, removed]))
    assert [each.amount for each in snapshot.refunds] == [Decimal(each) for each in amounts]


def test_what_was_taken_off_before_payment_need_not_be_paid() -> None:
    paid = "2026-11-20T10:00:00Z"
    node = order(
        refunds=[refund(lines=[refund_line(11, "40.00")], at="2026-11-20T09:30:00Z")],
        transactions=[payment("65.00", paid), payment("5.00", "2026-11-20T12:00:00Z")],
    )
    assert read(node).paid_at == datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_only_the_shops_own_money_counts() -> None:
    node = order(
        totalPriceSet=bag("105.00", "17000"),
        lineItems={"nodes": [line(originalTotalSet=bag("100.00", "16200"))]},
    )
    snapshot = read(node)
    assert (snapshot.currency, snapshot.total, snapshot.lines[0].total) == (
        "EUR",
        Decimal("105.00"),
        Decimal("100.00"),
    )


def test_a_delivery_with_refunds_in_another_currency_states_too_little() -> None:
    def foreign(body: dict[str, Any]) -> None:
        body["refunds"][0]["transactions"][0]["currency"] = "CAD"

    body = delivery("derived/orders_updated_after_partial_refund", foreign)
    assert restate(RawMessage("webhook", "orders/updated", body)) is None


def test_ids_beyond_two_to_the_53_stay_whole() -> None:
    snapshot = read(order(id=f"gid://shopify/Order/{BIG}", lineItems={"nodes": [line(BIG)]}))
    assert (snapshot.external_id, snapshot.lines[0].id) == (str(BIG), str(BIG))
    assert stated("orders/create", delivery("orders_create")).external_id == "820982911946154508"


@pytest.mark.parametrize(
    ("payments", "paid_at"),
    [
        ([("105.00", "09:00", "SALE", "SUCCESS")], "09:00"),
        (
            [("105.00", "09:00", "AUTHORIZATION", "SUCCESS"), ("105.00", "10:00", "CAPTURE", "SUCCESS")],
            "10:00",
        ),
        ([("60.00", "09:00", "SALE", "SUCCESS"), ("45.00", "11:00", "SALE", "SUCCESS")], "11:00"),
        ([("105.00", "09:00", "SALE", "FAILURE"), ("105.00", "12:00", "SALE", "SUCCESS")], "12:00"),
        ([("105.00", "09:00", "SALE", "PENDING"), ("104.98", "12:00", "SALE", "SUCCESS")], "12:00"),
        ([], "09:00"),
    ],
)
def test_an_order_is_paid_when_the_received_sum_first_reached_its_total(
    payments: list[tuple[str, str, str, str]], paid_at: str
) -> None:
    made = [payment(amount, f"2026-11-20T{at}:00Z", kind, status) for amount, at, kind, status in payments]
    assert read(order(transactions=made)).paid_at == datetime.fromisoformat(f"2026-11-20T{paid_at}:00+00:00")


def test_an_order_of_nothing_is_paid_when_it_was_processed() -> None:
    node = order(totalPriceSet=bag("0.00"), transactions=[], processedAt="2026-11-20T08:00:00Z")
    assert read(node).paid_at == datetime(2026, 11, 20, 8, tzinfo=UTC)


def test_an_order_is_complete_when_its_last_parcel_left() -> None:
    parcels = [
        {"createdAt": "2026-11-21T08:00:00Z", "status": "SUCCESS"},
        {"createdAt": "2026-11-22T08:00:00Z", "status": "SUCCESS"},
        {"createdAt": "2026-11-23T08:00:00Z", "status": "CANCELLED"},
    ]
    done = read(order(displayFulfillmentStatus="FULFILLED", fulfillments=parcels))
    assert done.completed_at == datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert (
        read(order(displayFulfillmentStatus="PARTIALLY_FULFILLED", fulfillments=parcels)).completed_at is None
    )
    nothing_to_send = read(order(displayFulfillmentStatus="FULFILLMENT_NOT_REQUIRED"))
    assert nothing_to_send.completed_at == nothing_to_send.paid_at


def typed(number: int, amount: str) -> dict[str, Any]:
    """A line without a product, as tips are and what somebody typed into a draft."""
    return line(number, amount, product=None, variant=None)


@pytest.mark.parametrize(
    ("lines", "kinds"),
    [
        ([line(), typed(12, "20.00")], ["product", "tip"]),
        ([line(), typed(12, "15.00"), typed(13, "5.00")], ["product", "tip", "tip"]),
        ([line(), typed(12, "50.00"), typed(13, "20.00")], ["product", "product", "tip"]),
        ([line(), typed(12, "50.00")], ["product", "product", "tip"]),
        ([line(), line(12, "20.00")], ["product", "product", "tip"]),
    ],
)
def test_a_tip_that_is_a_line_too_counts_once(lines: list[dict[str, Any]], kinds: list[str]) -> None:
    found = read(
        order(totalTipReceivedSet=bag("20.00"), lineItems={"nodes": lines}, shippingLines={"nodes": []})
    )
    assert [str(each.kind) for each in found.lines] == kinds
    assert sum(each.total for each in found.lines if each.kind is LineKind.TIP) == 20


@pytest.mark.parametrize("rate", ["0.03411142681997328", "0.05", "1e-05", "0"])
def test_a_rate_of_tax_with_as_many_digits_as_a_float_has_is_read(rate: str) -> None:
    taxed = line(taxLines=[{"rate": json.loads(rate), "priceSet": bag("5.00")}])
    assert read(order(lineItems={"nodes": [taxed]})).lines[0].total_tax == Decimal("5.00")


def test_goodwill_after_a_line_was_taken_off_that_was_never_paid_is_a_refund() -> None:
    removed = refund(31, lines=[refund_line(11, "40.00")], at="2026-11-20T09:30:00Z")
    goodwill = refund(32, money=[gave("20.00")], at="2026-11-20T12:00:00Z")
    unpaid = order(refunds=[removed, goodwill], totalPriceSet=bag("100.00"), totalReceivedSet=bag("60.00"))
    assert [each.amount for each in read(unpaid).refunds] == [Decimal("40.00"), Decimal("20.00")]
    paid = {**unpaid, "totalReceivedSet": bag("100.00")}
    assert [each.amount for each in read(paid).refunds] == [Decimal("40.00"), Decimal("0.00")]


def test_a_tip_is_a_line_of_its_own() -> None:
    tipped = read(order(totalTipReceivedSet=bag("3.00")))
    assert [(each.kind, each.total) for each in tipped.lines][-1] == (LineKind.TIP, Decimal("3.00"))


def test_products_tell_collections_tags_and_whether_they_are_on_sale() -> None:
    node = order()
    node["lineItems"]["nodes"][0]["variant"]["compareAtPrice"] = "120.00"
    snapshot = read(node, {"81": {"tags": ["Kitchen"], "collections": ["5", "6"]}})
    assert snapshot.lines[0].product == ProductFacts(("5", "6"), ("Kitchen",), False, True)
    assert read(order(), {}).lines[0].product == ProductFacts()


def test_a_code_of_the_order_counts_with_what_it_took_off_the_goods() -> None:
    def allocation(amount: str, code: str | None) -> dict[str, Any]:
        return {
            "allocatedAmountSet": bag(amount),
            "discountApplication": {"code": code} if code else {},
        }

    goods = line(discountAllocations=[allocation("10.00", "LRabc"), allocation("5.00", None)])
    freed = shipping(discountedPriceSet=bag("0.00"), discountAllocations=[allocation("5.00", "SHIP")])
    snapshot = read(
        order(
            discountCodes=["lrABC", "SHIP"],
            lineItems={
                "nodes": [goods, line(12, "50.00", discountAllocations=[allocation("2.00", "lrabc")])]
            },
            shippingLines={"nodes": [freed]},
        )
    )
    assert [(use.code, use.discount) for use in snapshot.coupons] == [
        ("lrABC", Decimal("12.00")),
        ("SHIP", Decimal(0)),
    ]
    assert [each.total for each in snapshot.lines] == [Decimal("85.00"), Decimal("48.00"), Decimal(0)]


STORY = (
    ("orders/create", "orders_create_unpaid"),
    ("orders/paid", "orders_paid"),
    ("orders/updated", "orders_updated_after_partial_refund"),
)


@pytest.mark.parametrize("arrival", sorted(permutations(range(3))))
def test_the_story_of_an_order_ends_at_its_last_state_in_every_order_of_arrival(
    arrival: tuple[int, ...],
) -> None:
    told = [stated(topic, delivery(f"derived/{name}")) for topic, name in STORY]
    newest: OrderSnapshot | None = None
    for place in arrival:
        if newest is None or is_newer(told[place], newest):
            newest = told[place]
    assert newest is not None
    assert (newest.state, newest.total, newest.paid_at) == (
        OrderState.LIVE,
        Decimal("99.50"),
        datetime(2026, 11, 20, 8, 59, 58, tzinfo=UTC),
    )
    assert [(each.id, each.total) for each in newest.lines] == [
        ("111", Decimal("72.00")),
        ("112", Decimal("22.50")),
        ("771", Decimal("5.00")),
    ]
    assert [(each.amount, named(each)) for each in newest.refunds] == [
        (Decimal("36.00"), {"111": Decimal("36.00")})
    ]
    assert [(use.code, use.discount) for use in newest.coupons] == [("LOY-7F3K-9Q2M", Decimal("10.50"))]
