"""Expiry after inactivity: the whole balance dies after the last earning or manual credit (RULES §5, §9 (18))."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import NOON, make_line, make_order, make_refund
from folding import DAY, HOUR, balance, fold, make_command, make_two_versions, moved, movements_of
from ladders import instant

from loyalty.commerce import OrderState, ProductFacts
from loyalty.engine.commands import RecordActivity
from loyalty.engine.state import MemberState

SECOND = timedelta(seconds=1)
TEN_DAYS = {"mode": "inactivity", "after": {"days": 10}}
DEATH = instant("2026-03-20T16:00")
"""When ten days without activity since noon of 10 March in Taipei are over."""
CHANGE = NOON + 5 * DAY


def lived(*orders: Any, until: datetime, **program: Any) -> MemberState:
    return fold(*orders, until=until, **{"expiry": TEN_DAYS, **program})


def dates(state: MemberState) -> set[datetime | None]:
    """When the open lots die."""
    return {lot.expires_at for lot in state.wallet.lots.values() if lot.remaining}


@pytest.mark.parametrize(
    ("zone", "active", "after", "round_up_to", "dies"),
    [
        ("Asia/Taipei", "2026-03-10T04:00", {"months": 12}, "day", "2027-03-10T16:00"),
        ("Asia/Taipei", "2026-03-10T15:59:59", {"months": 12}, "day", "2027-03-10T16:00"),
        ("Asia/Taipei", "2026-03-10T16:00", {"months": 12}, "day", "2027-03-11T16:00"),
        ("Asia/Taipei", "2024-02-29T04:00", {"years": 1}, "day", "2025-02-28T16:00"),
        ("Asia/Taipei", "2026-01-31T04:00", {"months": 1}, "month", "2026-02-28T16:00"),
        ("Asia/Taipei", "2026-01-10T04:00", {"months": 6}, "year", "2026-12-31T16:00"),
        ("America/New_York", "2025-11-08T17:00", {"months": 4}, "day", "2026-03-09T04:00"),
        ("America/New_York", "2026-10-31T04:30", {"days": 1}, "day", "2026-11-02T05:00"),
        ("America/New_York", "2026-10-15T16:00", {"days": 17}, "month", "2026-12-01T05:00"),
        ("Pacific/Auckland", "2026-03-26T23:00", {"months": 6}, "day", "2026-09-27T11:00"),
        ("Pacific/Auckland", "2026-04-03T11:30", {"days": 1}, "day", "2026-04-05T12:00"),
        ("Pacific/Auckland", "2026-12-31T10:59", {"days": 1}, "year", "2027-12-31T11:00"),
    ],
)
@pytest.mark.parametrize(("early", "points"), [(SECOND, [100]), (timedelta(), [100, -100])])
def test_balance_dies_with_the_local_day_month_or_year(
    zone: str,
    active: str,
    after: dict[str, int],
    round_up_to: str,
    dies: str,
    early: timedelta,
    points: list[int],
) -> None:
    expiry = {"mode": "inactivity", "after": after, "round_up_to": round_up_to}
    state = lived(make_order(at=instant(active)), until=instant(dies) - early, expiry=expiry, time_zone=zone)
    assert moved(state) == points


@pytest.mark.parametrize(
    ("at", "points"),
    [(DEATH - SECOND, [100, 50]), (DEATH, [100, -100, 50]), (DEATH + SECOND, [100, -100, 50])],
)
def test_earning_just_in_time_keeps_everything(at: datetime, points: list[int]) -> None:
    state = lived(make_order(), make_order("2", total="50", at=at), until=at + DAY)
    assert moved(state) == points
    assert dates(state) == {instant("2026-03-30T16:00") + (DAY if at >= DEATH else timedelta())}


def test_every_lot_shows_the_same_date() -> None:
    orders = make_order("1"), make_order("2", at=NOON + DAY), make_order("3", at=NOON + 3 * DAY)
    assert dates(lived(*orders, until=NOON + 4 * DAY)) == {instant("2026-03-23T16:00")}


@pytest.mark.parametrize(
    ("points", "end"),
    [(1, instant("2026-03-21T16:00")), (-1, DEATH), (0, DEATH)],
    ids=["credit", "deduction", "nothing"],
)
def test_manual_credit_is_activity_and_a_deduction_is_none(points: int, end: datetime) -> None:
    state = fold(
        make_order(), commands=[make_command(points, at=NOON + DAY)], expiry=TEN_DAYS, until=NOON + DAY
    )
    assert dates(state) == {end}


def test_recorded_activity_moves_no_points_and_no_date() -> None:
    told = RecordActivity(1, NOON + DAY, "review", "1", 10, is_event=True, reason="")
    assert dates(fold(make_order(), commands=[told], expiry=TEN_DAYS, until=NOON + DAY)) == {DEATH}


@pytest.mark.parametrize(
    ("total", "end"), [("0", DEATH), ("0.99", DEATH), ("1", instant("2026-03-21T16:00"))]
)
def test_only_an_award_above_zero_is_activity(total: str, end: datetime) -> None:
    state = lived(make_order(), make_order("2", total=total, at=NOON + DAY), until=NOON + DAY)
    assert dates(state) == {end}


def test_award_that_was_cancelled_later_was_activity() -> None:
    dead = make_order("2", at=NOON + DAY, state=OrderState.DEAD, modified_at=NOON + 2 * DAY)
    assert dates(lived(make_order(), dead, until=NOON + 2 * DAY)) == {instant("2026-03-21T16:00")}


def test_refund_is_no_activity() -> None:
    order = make_order(refunds=(make_refund(amount="40", at=NOON + DAY),))
    state = lived(order, until=DEATH)
    assert moved(state) == [100, -40, -60]


def test_refund_after_death_voids_what_died() -> None:
    order = make_order(refunds=(make_refund(amount="40", at=DEATH + DAY),))
    assert sorted(moved(lived(order, until=DEATH + DAY))) == [-100, -40, 40, 100]


def test_pending_points_die_too() -> None:
    state = lived(make_order(), earning={"pending_days": 30}, until=DEATH)
    assert (moved(state), balance(state, DEATH).pending) == ([100, -100], 0)


def test_debt_does_not_die() -> None:
    order = make_order(refunds=(make_refund(at=NOON + 3 * HOUR),))
    state = fold(order, commands=[make_command(-100)], expiry=TEN_DAYS, until=DEATH + DAY)
    assert (state.wallet.debt, balance(state, DEATH + DAY).available) == (100, -100)


def test_points_that_a_refund_gives_again_live_as_long_as_the_others() -> None:
    """Spent to nothing, then active again; what comes back of the first order dies with everything else."""
    lines = [make_line("1"), make_line("2", product=ProductFacts(gift_card=True))]
    by_amount = make_refund("501", "100", at=NOON + 3 * HOUR)
    by_line = make_refund("502", "1", at=NOON + 9 * DAY, lines={"2": "100"})
    first = make_order(lines=lines, refunds=(by_amount, by_line))
    second = make_order("2", at=NOON + 8 * DAY)
    state = fold(first, second, commands=[make_command(-50)], expiry=TEN_DAYS, until=NOON + 9 * DAY)
    assert movements_of(state, "accrual")[-1].points == 49
    assert dates(state) == {instant("2026-03-28T16:00")}


@pytest.mark.parametrize(
    ("second", "end"),
    [
        (TEN_DAYS, DEATH),
        ({"mode": "inactivity", "after": {"days": 3}}, CHANGE),
        ({"mode": "inactivity", "after": {"days": 4}}, CHANGE),
        ({"mode": "inactivity", "after": {"days": 5}}, instant("2026-03-15T16:00")),
    ],
    ids=["in five days", "two days ago", "at midnight before", "today"],
)
def test_switching_it_on_counts_from_the_last_activity_and_kills_nothing_before(
    second: dict[str, Any], end: datetime
) -> None:
    versions = make_two_versions({}, {"expiry": second}, second_from=CHANGE)
    before = fold(make_order(), versions=versions, until=CHANGE - SECOND)
    assert dates(before) == {None}
    assert moved(fold(make_order(), versions=versions, until=end - SECOND)) == [100]
    died = fold(make_order(), versions=versions, until=end)
    assert [(each.points, each.effective_at) for each in movements_of(died, "expiry")] == [(-100, end)]


@pytest.mark.parametrize(
    ("second", "end"),
    [({"mode": "none"}, None), ({"mode": "lot", "after": {"days": 3}}, instant("2026-03-18T16:00"))],
)
def test_switching_it_off_gives_open_lots_dates_from_then_on(
    second: dict[str, Any], end: datetime | None
) -> None:
    versions = make_two_versions({"expiry": TEN_DAYS}, {"expiry": second}, second_from=CHANGE)
    assert dates(fold(make_order(), versions=versions, until=CHANGE)) == {end}


def test_lots_of_single_dates_keep_them_when_only_their_length_changes() -> None:
    first, second = ({"expiry": {"mode": "lot", "after": {"days": days}}} for days in (10, 90))
    versions = make_two_versions(first, second, second_from=CHANGE)
    assert dates(fold(make_order(), versions=versions, until=CHANGE)) == {DEATH}


def test_order_paid_before_and_completed_after_the_switch_lives_by_the_mode_in_force() -> None:
    later = make_order(completed_at=CHANGE + DAY)
    first = {"expiry": {"mode": "lot", "after": {"days": 90}}, "earning": {"award_on": "completed"}}
    on = make_two_versions(first, {"expiry": TEN_DAYS}, second_from=CHANGE)
    assert dates(fold(later, versions=on, until=CHANGE + DAY)) == {instant("2026-03-26T16:00")}
    off = make_two_versions({**first, "expiry": TEN_DAYS}, {"expiry": first["expiry"]}, second_from=CHANGE)
    assert dates(fold(later, versions=off, until=CHANGE + DAY)) == {instant("2026-06-14T16:00")}
