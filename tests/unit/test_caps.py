"""Caps per order, day and month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import NOON, make_order, make_refund
from folding import HOUR, fold, standing

from loyalty.commerce import OrderSnapshot, OrderState


def caps(**limits: int) -> dict[str, Any]:
    return {"earning": {"caps": limits}}


@pytest.mark.parametrize(("total", "earned"), [("149", 149), ("150", 150), ("151", 150)])
def test_cap_per_order_at_its_edge(total: str, earned: int) -> None:
    assert standing(fold(make_order(total=total), **caps(per_order=150))) == [earned]


@pytest.mark.parametrize(
    ("second", "earned"),
    [
        ("2026-03-10T15:59:59+00:00", [100, 50]),
        ("2026-03-10T16:00:00+00:00", [100, 100]),
    ],
)
def test_day_ends_at_midnight_of_the_account(second: str, earned: list[int]) -> None:
    orders = make_order("1"), make_order("2", at=datetime.fromisoformat(second))
    assert standing(fold(*orders, **caps(per_day=150))) == earned


@pytest.mark.parametrize(
    ("second", "earned"),
    [("2026-03-31T15:59:59+00:00", [100, 50]), ("2026-03-31T16:00:00+00:00", [100, 100])],
)
def test_month_ends_at_midnight_of_the_account(second: str, earned: list[int]) -> None:
    orders = make_order("1"), make_order("2", at=datetime.fromisoformat(second))
    assert standing(fold(*orders, **caps(per_month=150), until=orders[1].placed_at)) == earned


def test_day_of_a_clock_change_is_one_day() -> None:
    night = datetime(2026, 11, 1, 4, 0, tzinfo=UTC)
    orders = [make_order(str(hours), at=night + timedelta(hours=hours)) for hours in (0, 24, 25)]
    state = fold(*orders, **caps(per_day=150), time_zone="America/New_York", until=night + timedelta(days=3))
    assert sorted(standing(state)) == [50, 100, 100]


@pytest.mark.parametrize("end", [OrderState.DEAD, OrderState.REFUNDED])
def test_only_a_dead_order_takes_no_room(end: OrderState) -> None:
    ended = make_order("1", state=end, modified_at=NOON + 2 * HOUR)
    state = fold(ended, make_order("2", at=NOON + HOUR), **caps(per_day=150))
    assert standing(state) == [0, 100 if end is OrderState.DEAD else 50]


def test_dead_order_earns_until_its_end_what_room_is_left() -> None:
    dead = make_order("2", state=OrderState.DEAD, at=NOON + HOUR, modified_at=NOON + 3 * HOUR)
    state = fold(make_order("1"), dead, make_order("3", at=NOON + 2 * HOUR), **caps(per_day=150))
    assert [movement.points for movement in state.movements] == [100, 50, 50, -50]


def three(refunded: str) -> list[OrderSnapshot]:
    refunds = (make_refund(amount=refunded, at=NOON + HOUR),)
    return [make_order("1", refunds=refunds), make_order("2", at=NOON + 2 * HOUR)]


@pytest.mark.parametrize(("refunded", "earned"), [("40", [60, 50]), ("100", [0, 50])])
def test_refund_before_the_next_order_does_not_reopen_room(refunded: str, earned: list[int]) -> None:
    assert standing(fold(*three(refunded), **caps(per_day=150))) == earned


@pytest.mark.parametrize(("refund", "left"), [("49", 50), ("50", 50), ("51", 49)])
def test_refund_takes_what_lies_above_the_room_first(refund: str, left: int) -> None:
    second = make_order("2", at=NOON + HOUR, refunds=(make_refund(amount=refund, at=NOON + 2 * HOUR),))
    assert standing(fold(make_order("1"), second, **caps(per_day=150))) == [100, left]


def test_all_caps_hold_together() -> None:
    orders = [make_order(str(number), at=NOON + number * HOUR) for number in range(3)]
    assert standing(fold(*orders, **caps(per_order=90, per_day=150, per_month=160))) == [90, 60, 0]


def test_spend_counts_beyond_the_cap() -> None:
    state = fold(make_order(total="1000"), **caps(per_day=150))
    assert state.orders["1:1"].net_base == 1000
