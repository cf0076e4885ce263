"""The worked figures of the rules: every row about earning and refunds, through the fold."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from builders import NOON, make_line, make_order, make_program, make_refund, make_woo_order, woo_body
from folding import (
    DAY,
    HOUR,
    balance,
    fold,
    make_command,
    make_two_versions,
    moved,
    movements_of,
    net,
    standing,
)

from connectors.base import RawMessage
from connectors.woocommerce.parse import parse
from loyalty.commerce import OrderSnapshot, OrderState, ProductFacts
from loyalty.programs.program import Versions
from loyalty.values import StoreId, new_id

CAP = {"earning": {"caps": {"per_day": 150}}}


@pytest.mark.parametrize(
    ("earning", "total", "points"),
    [
        ({}, "123.99", 123),
        ({"unit": "30"}, "900", 30),
        ({"unit": "2.50", "points_per_unit": "5", "whole_units": True}, "3.00", 5),
        ({"unit": "2.50", "points_per_unit": "5"}, "3.00", 6),
    ],
)
def test_order_earns(earning: dict[str, object], total: str, points: int) -> None:
    assert moved(fold(make_order(total=total), earning=earning)) == [points]


def test_order_of_cents_refunded_in_full_moves_the_same_back() -> None:
    assert moved(fold(make_order(total="49.95", refunds=(make_refund(amount="49.95"),)))) == [49, -49]


@pytest.mark.parametrize(("total", "refund", "left"), [("100", "75", 25), ("300", "200", 100)])
def test_refund_by_amount_leaves(total: str, refund: str, left: int) -> None:
    assert net(fold(make_order(total=total, refunds=(make_refund(amount=refund),)))) == left


def test_refund_by_amount_is_spread_over_what_does_not_earn() -> None:
    goods, card = make_line("1", "500"), make_line("2", "500", product=ProductFacts(gift_card=True))
    assert net(fold(make_order(lines=[goods, card], refunds=(make_refund(amount="500"),)))) == 250


def test_refund_by_line_then_by_amount() -> None:
    refunds = (make_refund("501", "100", lines={"1": "100"}), make_refund("502", "50", at=NOON + 2 * HOUR))
    lines = [make_line("1"), make_line("2")]
    assert moved(fold(make_order(lines=lines, refunds=refunds))) == [200, -100, -50]


def test_lines_refunded_one_after_the_other() -> None:
    refunds = (
        make_refund("501", "10", lines={"1": "10"}),
        make_refund("502", "10", lines={"2": "10"}, at=NOON + 2 * HOUR),
    )
    lines = [make_line("1", "10"), make_line("2", "10")]
    assert moved(fold(make_order(lines=lines, refunds=refunds))) == [20, -10, -10]


def test_order_with_a_coupon_is_reversed_by_what_it_earned() -> None:
    order = make_order(lines=[make_line(total="40", subtotal="50")], refunds=(make_refund(amount="40"),))
    assert moved(fold(order)) == [40, -40]


def test_refund_after_new_rules_reverses_by_the_old_ones() -> None:
    versions = make_two_versions({}, {"earning": {"points_per_unit": "2"}})
    state = fold(make_order(total="50", refunds=(make_refund(amount="50"),)), versions=versions)
    assert [(movement.points, movement.version) for movement in state.movements] == [(50, 1), (-50, 1)]


def test_minimum_order_is_not_judged_again_after_a_refund() -> None:
    order = make_order(total="1000", refunds=(make_refund(amount="300"),))
    assert net(fold(order, earning={"minimum_order": "800"})) == 700


def test_cap_of_a_day_leaves_the_second_order_the_rest() -> None:
    assert standing(fold(make_order("1"), make_order("2", at=NOON + HOUR), **CAP)) == [100, 50]


def test_refund_does_not_reopen_the_cap() -> None:
    refunded = make_order("1", refunds=(make_refund(at=NOON + 2 * HOUR),))
    assert standing(fold(refunded, make_order("2", at=NOON + HOUR), **CAP)) == [0, 50]


def test_cancelled_order_takes_no_room_of_the_cap() -> None:
    dead = make_order("1", state=OrderState.DEAD, modified_at=NOON + 2 * HOUR)
    assert standing(fold(dead, make_order("2", at=NOON + HOUR), **CAP)) == [0, 100]


def two_lots() -> tuple[OrderSnapshot, OrderSnapshot]:
    return make_order("1"), make_order("2", total="200", at=NOON + 10 * DAY)


@pytest.mark.parametrize(("day", "expired"), [(100, []), (110, [-120]), (120, [-120])])
def test_nothing_spent_expires(day: int, expired: list[int]) -> None:
    expiry = {"mode": "lot", "after": {"days": 99}}
    spent = make_command(-180, at=NOON + 20 * DAY)
    state = fold(*two_lots(), commands=[spent], until=NOON + day * DAY, expiry=expiry)
    assert [movement.points for movement in movements_of(state, "expiry")] == expired


def test_spent_points_are_not_taken_again_by_their_expiry() -> None:
    orders = make_order("1"), make_order("2", total="50", at=NOON + 2 * DAY)
    until = NOON + 11 * DAY
    state = fold(
        *orders, commands=[make_command(-100)], until=until, expiry={"mode": "lot", "after": {"days": 10}}
    )
    assert balance(state, until).available == 50


@pytest.mark.parametrize("first", [90, 180])
def test_lot_that_dies_first_is_spent_first(first: int) -> None:
    versions = make_two_versions(
        {"expiry": {"mode": "lot", "after": {"days": first}}},
        {"expiry": {"mode": "lot", "after": {"days": 270 - first}}},
    )
    orders = make_order("1"), make_order("2", at=NOON + HOUR)
    until = NOON + 91 * DAY
    state = fold(*orders, commands=[make_command(-100, at=NOON + 50 * DAY)], until=until, versions=versions)
    assert balance(state, until).available == 100


def test_tier_by_points_is_not_lost_by_spending() -> None:
    tiers = [{"key": f"t{least}", "name": {"en": "T"}, "enter": at_least(least)} for least in (0, 100, 500)]
    tiers[0].pop("enter")
    state = fold(make_order(total="120"), commands=[make_command(-110)], tiers=tiers)
    assert (state.tier_key, balance(state).available) == ("t100", 10)


def at_least(points: int) -> dict[str, object]:
    return {"any": [{"metric": "points", "at_least": points}]}


@pytest.mark.parametrize(("policy", "debt", "forgiven"), [("allow", 50, []), ("floor", 0, [50])])
def test_refund_of_spent_points(policy: str, debt: int, forgiven: list[int]) -> None:
    order = make_order(total="50", refunds=(make_refund(amount="50", at=NOON + 3 * HOUR),))
    state = fold(order, commands=[make_command(-50)], refunds={"negative_balance": policy})
    assert state.wallet.debt == debt
    assert [movement.points for movement in movements_of(state, "forgiveness")] == forgiven


def test_order_paid_again_after_a_cancellation_is_awarded_once() -> None:
    order = make_order(modified_at=NOON + DAY)
    assert moved(fold(order)) == [100]


@pytest.mark.parametrize(
    ("more", "points"),
    [({}, 0), ({"status": "completed", "date_completed_gmt": "2026-03-12T04:00:00"}, 1000)],
)
def test_cash_on_delivery_is_awarded_once_completed(more: dict[str, object], points: int) -> None:
    body = woo_body(make_woo_order(date_paid_gmt=None, **more))
    facts = parse(StoreId(new_id()), RawMessage("webhook", "order.updated", body, None), with_products=False)
    assert isinstance(facts, tuple)
    assert net(fold(*facts)) == points


def test_prices_with_tax_earn_with_tax() -> None:
    line = make_line(total="952.38", tax="47.62")
    assert net(fold(make_order(lines=[line], prices_include_tax=True))) == 1000


def test_no_program_in_force_at_the_payment_awards_nothing() -> None:
    later = Versions((make_program(effective_from=datetime(2026, 4, 1, tzinfo=UTC)),))
    assert moved(fold(make_order(), versions=later)) == []
