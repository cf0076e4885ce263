"""What refunds leave of an order (golden figures of the rules about refunds and their corners)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from builders import NOON, make_line, make_order, make_program, make_refund
from folding import DAY, HOUR, fold, moved, net

from loyalty.commerce import LineKind, OrderSnapshot, OrderState, ProductFacts, Refund, RefundLine
from loyalty.earning.base import order_parts
from loyalty.earning.refunded import what_is_left


def refunded(order: OrderSnapshot, *refunds: Refund) -> OrderSnapshot:
    return replace(order, refunds=refunds)


def share(order: OrderSnapshot) -> Fraction:
    """The refunded share of an order."""
    parts = order_parts(order, make_program().earning, frozenset())
    return what_is_left(order, parts, order.refunds).refunded_share


def two_lines() -> OrderSnapshot:
    return make_order(lines=[make_line("1"), make_line("2")])


@pytest.mark.parametrize(
    ("amount", "left"), [("0.01", 99), ("1", 99), ("99.99", 0), ("100", 0), ("100.01", 0)]
)
def test_refund_by_amount_at_its_edges(amount: str, left: int) -> None:
    assert net(fold(refunded(make_order(), make_refund(amount=amount)))) == left


@pytest.mark.parametrize(
    ("amount", "lines", "left"),
    [
        ("100", {"1": "100"}, 100),
        ("40", {"1": "40"}, 160),
        ("100", {"1": "40"}, 160 - 60),
        ("60", {"1": "100"}, 100),
        ("0.01", {"1": "100"}, 100),
        ("300", {"1": "100"}, 0),
        ("100", {"1": "250"}, 100),
        ("100", {"77": "100"}, 100),
        ("0", {"1": "100"}, 200),
    ],
    ids=[
        "line",
        "part",
        "mixed",
        "restocking",
        "kept all but a cent",
        "too much",
        "over line",
        "unknown",
        "zero",
    ],
)
def test_refund_of_two_hundred_in_two_lines_leaves(amount: str, lines: dict[str, str], left: int) -> None:
    assert net(fold(refunded(two_lines(), make_refund(amount=amount, lines=lines)))) == left


def test_refunds_of_four_thousand_on_an_order_of_thousand_take_all_once() -> None:
    refunds = [make_refund(str(500 + each), "1000", at=NOON + each * HOUR) for each in range(1, 5)]
    assert moved(fold(refunded(make_order(total="1000"), *refunds))) == [1000, -1000]


def test_what_one_refund_keeps_offsets_what_another_pays_without_lines() -> None:
    kept, paid = make_refund("501", "60", lines={"1": "100"}), make_refund("502", "40", at=NOON + 2 * HOUR)
    assert net(fold(refunded(two_lines(), kept, paid))) == 100


def test_naming_a_line_later_may_give_points_again() -> None:
    order = make_order(lines=[make_line("1"), make_line("2", product=ProductFacts(gift_card=True))])
    named = make_refund("502", "1", at=NOON + 2 * HOUR, lines={"2": "100"})
    assert moved(fold(refunded(order, make_refund("501", "100"), named))) == [100, -50, 49]


@pytest.mark.parametrize("places", list(permutations(range(3))))
def test_split_and_order_of_refunds_do_not_matter(places: tuple[int, ...]) -> None:
    amounts = ["33.33", "11.11", "55.55"]
    refunds = [
        make_refund(str(500 + i), amounts[each], at=NOON + i * HOUR) for i, each in enumerate(places, 1)
    ]
    assert net(fold(refunded(make_order(), *refunds))) == 0
    assert net(fold(refunded(make_order(total="200"), *refunds))) == 100


@pytest.mark.parametrize(("quantity", "left"), [(0, 299), (1, 199), (2, 99), (3, 0), (4, 0)])
def test_line_without_cost_goes_by_quantity(quantity: int, left: int) -> None:
    lines = [make_line("1", "0", subtotal="300", quantity=3), make_line("2", "100")]
    named = Refund("501", NOON + HOUR, Decimal("0.01"), (RefundLine("1", quantity, Decimal(0)),))
    earning = {"base": {"discounts": "ignored"}, "excluded": {"product_ids": ["p2"]}}
    assert net(fold(refunded(make_order(lines=lines), named), earning=earning)) == left


@pytest.mark.parametrize(("earns", "points"), [(False, [100]), (True, [160, -60])])
def test_refund_of_shipping_alone(earns: bool, points: list[int]) -> None:
    order = make_order(lines=[make_line("1"), make_line("2", "60", kind=LineKind.SHIPPING)])
    state = fold(
        refunded(order, make_refund(amount="60", lines={"2": "60"})), earning={"base": {"shipping": earns}}
    )
    assert moved(state) == points


def test_amounts_are_compared_with_tax() -> None:
    order = make_order(lines=[make_line("1", tax="5"), make_line("2", tax="5")])
    assert moved(fold(refunded(order, make_refund(amount="105", lines={"1": "105"})))) == [200, -100]


def test_negative_fee_lowers_what_a_line_costs() -> None:
    order = make_order(lines=[make_line("1"), make_line("2"), make_line("3", "-40", kind=LineKind.FEE)])
    assert moved(fold(refunded(order, make_refund(amount="80", lines={"1": "100"})))) == [160, -80]


def test_edit_that_removes_a_refunded_line_counts_it_by_amount() -> None:
    order = refunded(make_order(lines=[make_line("2")]), make_refund(amount="50", lines={"1": "50"}))
    assert net(fold(order)) == 50


def test_edit_that_lowers_the_total_below_what_lines_were_refunded() -> None:
    order = replace(two_lines(), total=Decimal(80))
    order = refunded(order, make_refund(amount="100", lines={"1": "100"}))
    assert (net(fold(order)), share(order)) == (0, 1)


@pytest.mark.parametrize(
    ("amount", "lines", "expected"),
    [
        ("50", None, "1/4"),
        ("50", {"1": "50"}, "1/4"),
        ("60", {"1": "100"}, "1/2"),
        ("150", {"1": "100"}, "3/4"),
        ("200", None, "1"),
        ("900", None, "1"),
        ("0", None, "0"),
    ],
)
def test_refunded_share(amount: str, lines: dict[str, str] | None, expected: str) -> None:
    assert share(refunded(two_lines(), make_refund(amount=amount, lines=lines))) == Fraction(expected)


def test_refunded_share_of_an_order_of_nothing() -> None:
    order = replace(make_order(), total=Decimal(0), lines=())
    assert share(refunded(order, make_refund(amount="5"))) == 0


@pytest.mark.parametrize(("amount", "counts"), [("99.99", 1), ("100", 0)])
def test_order_counts_until_its_share_is_whole(amount: str, counts: int) -> None:
    assert fold(refunded(make_order(), make_refund(amount=amount))).orders["1:1"].counts == counts


@pytest.mark.parametrize("state", [OrderState.DEAD, OrderState.REFUNDED])
def test_end_leaves_nothing_whatever_the_records_sum_to(state: OrderState) -> None:
    order = make_order(state=state, modified_at=NOON + DAY, refunds=(make_refund(amount="30"),))
    folded = fold(order)
    assert moved(folded) == [100, -30, -70]
    assert (folded.orders["1:1"].counts, folded.orders["1:1"].net_base) == (0, 0)


def test_end_is_effective_at_the_newest_modification() -> None:
    order = make_order(state=OrderState.REFUNDED, modified_at=NOON + DAY)
    assert [movement.effective_at for movement in fold(order).movements] == [NOON, NOON + DAY]


@pytest.mark.parametrize(
    ("more", "points"),
    [
        ({"state": OrderState.DEAD, "paid_at": None}, []),
        ({"state": OrderState.OPEN}, []),
        ({"state": OrderState.DEAD}, [100, -100]),
    ],
)
def test_cancelled_order_was_awarded_when_it_bears_a_paid_date(
    more: dict[str, Any], points: list[int]
) -> None:
    assert moved(fold(make_order(modified_at=NOON + DAY, **more))) == points


def test_refund_dated_before_the_payment_counts_from_the_award() -> None:
    order = refunded(make_order(), make_refund(amount="100", at=NOON - timedelta(days=1)))
    assert [(m.points, m.effective_at) for m in fold(order).movements] == [(100, NOON), (-100, NOON)]


@pytest.mark.parametrize("amount", ["10", "20", "70", "100"])
def test_thirds_add_up_to_what_was_earned(amount: str) -> None:
    lines = [make_line(str(each), "33.33") for each in range(3)]
    refunds = [
        make_refund(f"50{each}", amount, at=NOON + each * HOUR, lines={str(each): "33.33"})
        for each in range(3)
    ]
    assert net(fold(refunded(make_order(lines=lines), *refunds))) == 0


def test_whole_units_are_judged_on_what_is_left() -> None:
    order = refunded(make_order(total="250"), make_refund(amount="60"))
    assert moved(fold(order, earning={"unit": "100", "whole_units": True})) == [2, -1]


def test_what_is_left_is_rounded_as_the_award_was() -> None:
    order = refunded(make_order(total="9.01"), make_refund(amount="0.01"))
    assert moved(fold(order, earning={"rounding": "ceiling"})) == [10, -1]
