"""Lots: when they mature and die, in which order they are used, debt, forgiveness, expired parts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import NOON, make_line, make_order, make_program, make_refund
from folding import DAY, HOUR, balance, fold, make_command, make_two_versions, moved, movements_of

from loyalty.commerce import OrderSnapshot, OrderState, ProductFacts
from loyalty.ledger.lots import Lot, Wallet

SECOND = timedelta(seconds=1)
TEN_DAYS = {"mode": "lot", "after": {"days": 10}}
MATURITY = datetime(2026, 3, 17, 16, tzinfo=UTC)
DEATH = datetime(2026, 3, 20, 16, tzinfo=UTC)
"""When a lot of ten days from noon dies."""


@pytest.mark.parametrize(
    ("zone", "awarded", "days", "usable"),
    [
        ("Asia/Taipei", "2026-01-10T04:00", 7, "2026-01-17T16:00"),
        ("Asia/Taipei", "2026-01-09T16:00", 7, "2026-01-17T16:00"),
        ("Asia/Taipei", "2026-01-10T15:59", 7, "2026-01-17T16:00"),
        ("Asia/Taipei", "2026-01-10T16:00", 7, "2026-01-18T16:00"),
        ("Asia/Taipei", "2026-01-10T04:00", 0, "2026-01-10T04:00"),
        ("America/New_York", "2026-03-05T17:00", 7, "2026-03-13T04:00"),
        ("America/New_York", "2026-10-29T16:00", 7, "2026-11-06T05:00"),
        ("Pacific/Auckland", "2026-04-01T00:00", 7, "2026-04-08T12:00"),
    ],
)
def test_pending_ends_with_a_local_day(zone: str, awarded: str, days: int, usable: str) -> None:
    at = datetime.fromisoformat(awarded).replace(tzinfo=UTC)
    state = fold(make_order(at=at), earning={"pending_days": days}, time_zone=zone, until=at)
    assert state.wallet.lots["order:1:1:award"].available_from == datetime.fromisoformat(usable).replace(
        tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("zone", "awarded", "after", "round_up_to", "dies"),
    [
        ("Asia/Taipei", "2026-03-10T04:00", {"months": 12}, "day", "2027-03-10T16:00"),
        ("Asia/Taipei", "2026-03-10T15:59", {"months": 12}, "day", "2027-03-10T16:00"),
        ("Asia/Taipei", "2026-03-10T16:00", {"months": 12}, "day", "2027-03-11T16:00"),
        ("Asia/Taipei", "2026-03-10T04:00", {"years": 1}, "month", "2027-03-31T16:00"),
        ("Asia/Taipei", "2026-03-10T04:00", {"years": 1}, "year", "2027-12-31T16:00"),
        ("Asia/Taipei", "2026-01-31T04:00", {"months": 1}, "day", "2026-02-28T16:00"),
        ("Asia/Taipei", "2024-02-29T04:00", {"years": 1}, "day", "2025-02-28T16:00"),
        ("America/New_York", "2025-11-08T17:00", {"months": 4}, "day", "2026-03-09T04:00"),
        ("America/New_York", "2026-10-31T04:30", {"days": 2}, "day", "2026-11-03T05:00"),
        ("America/New_York", "2026-03-08T04:30", {"days": 1}, "day", "2026-03-09T04:00"),
        ("America/New_York", "2026-10-15T16:00", {"days": 17}, "month", "2026-12-01T05:00"),
        ("Pacific/Auckland", "2026-03-26T23:00", {"months": 6}, "day", "2026-09-27T11:00"),
        ("Pacific/Auckland", "2026-04-03T11:30", {"days": 2}, "day", "2026-04-06T12:00"),
        ("Pacific/Auckland", "2026-12-31T10:59", {"days": 1}, "year", "2027-12-31T11:00"),
    ],
)
def test_lot_dies_with_the_local_day_month_or_year(
    zone: str, awarded: str, after: dict[str, int], round_up_to: str, dies: str
) -> None:
    expiry = make_program(expiry={"mode": "lot", "after": after, "round_up_to": round_up_to}).expiry
    at, end = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (awarded, dies))
    assert expiry.lot_end(at, zone) == end


def test_lot_without_expiry_never_dies() -> None:
    state = fold(make_order(), until=NOON + 3650 * DAY)
    assert balance(state, NOON + 3650 * DAY).available == 100


@pytest.mark.parametrize(("until", "points"), [(DEATH - SECOND, [100]), (DEATH, [100, -100])])
def test_lot_dies_at_its_end(until: datetime, points: list[int]) -> None:
    assert moved(fold(make_order(), until=until, expiry=TEN_DAYS)) == points


@pytest.mark.parametrize(
    ("at", "pending", "available"),
    [
        (NOON, 100, 0),
        (datetime(2026, 3, 17, 15, 59, 59, tzinfo=UTC), 100, 0),
        (datetime(2026, 3, 17, 16, tzinfo=UTC), 0, 100),
    ],
)
def test_pending_points_become_available_without_any_job(at: datetime, pending: int, available: int) -> None:
    figures = balance(fold(make_order(), earning={"pending_days": 7}, until=NOON), at)
    assert (figures.pending, figures.available) == (pending, available)


def make_lot(
    cause: str, *, created: int = 0, usable: int = 0, dies: int | None = None, sequence: int = 1
) -> Lot:
    """A lot of 10 points; days from noon."""
    end = None if dies is None else NOON + dies * DAY
    return Lot(cause, sequence, NOON + created * DAY, NOON + usable * DAY, end, 10, 10)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (make_lot("a", dies=20), make_lot("b", dies=21)),
        (make_lot("a", dies=20, created=1), make_lot("b", dies=21)),
        (make_lot("a", dies=20), make_lot("b")),
        (make_lot("a", dies=20, created=1), make_lot("b", dies=20, created=2)),
        (make_lot("a", sequence=1), make_lot("b", sequence=2)),
        (make_lot("a"), make_lot("b", dies=20, usable=9)),
    ],
    ids=["nearest expiry", "expiry before age", "never last", "oldest", "sequence", "pending last"],
)
def test_spending_order(first: Lot, second: Lot) -> None:
    wallet = Wallet({lot.cause: lot for lot in (second, first)})
    assert [lot.cause for lot in wallet.spendable(NOON + 5 * DAY)] == ["a", "b"]


@pytest.mark.parametrize(("dies", "found"), [(5, 0), (6, 10)])
def test_dead_lot_is_not_spent(dies: int, found: int) -> None:
    wallet = Wallet({"a": make_lot("a", dies=dies)})
    assert wallet.take_from_others(30, NOON + 5 * DAY, "use") == found


def spent_and_refunded(amount: str = "100") -> tuple[OrderSnapshot, Any]:
    """An order of 100 whose points are spent two hours later and which is refunded after three."""
    return make_order(refunds=(make_refund(amount=amount, at=NOON + 3 * HOUR),)), make_command(-100)


def test_every_matured_credit_pays_debt_first() -> None:
    order, spent = spent_and_refunded()
    later = make_order("2", total="150", at=NOON + DAY)
    figures = balance(fold(order, later, commands=[spent]))
    assert (figures.available, figures.debt) == (50, 0)


def test_debt_makes_available_negative() -> None:
    order, spent = spent_and_refunded("60")
    figures = balance(fold(order, commands=[spent]))
    assert (figures.available, figures.debt) == (-60, 60)


@pytest.mark.parametrize(
    ("until", "pending", "debt"),
    [(datetime(2026, 4, 11, 15, 59, tzinfo=UTC), 150, 100), (datetime(2026, 4, 11, 16, tzinfo=UTC), 0, 0)],
)
def test_pending_lot_pays_debt_when_it_matures(until: datetime, pending: int, debt: int) -> None:
    order = make_order(refunds=(make_refund(at=NOON + 20 * DAY),))
    later = make_order("2", total="150", at=NOON + 25 * DAY)
    state = fold(
        order,
        later,
        commands=[make_command(-100, at=NOON + 15 * DAY)],
        earning={"pending_days": 7},
        until=until,
    )
    figures = balance(state, until)
    assert (figures.pending, figures.debt) == (pending, debt)


def test_positive_adjustment_pays_debt_first() -> None:
    order, spent = spent_and_refunded()
    state = fold(order, commands=[spent, make_command(130, at=NOON + DAY, number=2)])
    assert (state.wallet.debt, balance(state).available) == (0, 30)


def test_refund_of_a_pending_lot_leaves_other_points_alone() -> None:
    order = make_order("2", at=NOON + 10 * DAY, refunds=(make_refund(at=NOON + 11 * DAY),))
    state = fold(make_order("1"), order, earning={"pending_days": 7})
    assert balance(state, NOON + 12 * DAY).available == 100


def test_reversal_takes_its_own_lot_before_others_that_die_sooner() -> None:
    order = make_order("2", at=NOON + DAY, refunds=(make_refund(amount="40", at=NOON + 2 * DAY),))
    state = fold(make_order("1"), order, expiry=TEN_DAYS, until=NOON + 3 * DAY)
    assert [lot.remaining for lot in state.wallet.lots.values()] == [100, 60]


def test_reversal_takes_other_lots_when_its_own_is_spent() -> None:
    order = make_order("1", refunds=(make_refund(at=NOON + 3 * DAY),))
    state = fold(
        order, make_order("2", at=NOON + 2 * DAY), commands=[make_command(-70)], until=NOON + 4 * DAY
    )
    assert (balance(state).available, state.wallet.debt) == (30, 0)


@pytest.mark.parametrize(
    ("amount", "spent", "points", "debt"),
    [
        ("100", 0, [100, -100, 100, -100], 0),
        ("60", 0, [100, -100, 60, -60], 0),
        ("100", 30, [100, -30, -70, 70, -100], 30),
        ("50", 30, [100, -30, -70, 50, -50], 0),
    ],
)
def test_reversal_voids_the_expired_part_of_its_own_lot(
    amount: str, spent: int, points: list[int], debt: int
) -> None:
    order = make_order(refunds=(make_refund(amount=amount, at=NOON + 20 * DAY),))
    commands = [make_command(-spent)] if spent else []
    state = fold(order, commands=commands, expiry=TEN_DAYS)
    assert (moved(state), state.wallet.debt) == (points, debt)


def named_later(day: int) -> OrderSnapshot:
    """Refunded by amount after three hours (−50); some days later a line is named, which gives 49 again."""
    lines = [make_line("1"), make_line("2", product=ProductFacts(gift_card=True))]
    first = make_refund("501", "100", at=NOON + 3 * HOUR)
    named = make_refund("502", "1", at=NOON + day * DAY, lines={"2": "100"})
    return make_order(lines=lines, refunds=(first, named))


def test_points_given_again_first_cancel_what_was_forgiven() -> None:
    state = fold(named_later(1), commands=[make_command(-100)], refunds={"negative_balance": "floor"})
    assert [movement.points for movement in movements_of(state, "forgiveness")] == [50, -49]
    assert (balance(state).available, state.orders["1:1"].forgiven) == (0, 1)


def test_points_given_again_pay_debt() -> None:
    state = fold(named_later(1), commands=[make_command(-100)])
    assert (balance(state).available, state.wallet.debt) == (-1, 1)


def test_points_given_again_have_the_dates_of_their_lot() -> None:
    state = fold(named_later(20), expiry=TEN_DAYS)
    assert (sum(moved(state)), balance(state).available) == (0, 0)


@pytest.mark.parametrize(
    ("policy", "asked", "taken", "debt"),
    [("allow", -130, -130, 30), ("floor", -130, -100, 0), ("allow", -100, -100, 0), ("floor", -99, -99, 0)],
)
def test_negative_adjustment_beyond_the_balance(policy: str, asked: int, taken: int, debt: int) -> None:
    state = fold(make_order(), commands=[make_command(asked)], refunds={"negative_balance": policy})
    assert (moved(state), state.wallet.debt) == ([100, taken], debt)


def test_negative_adjustment_takes_pending_lots_last() -> None:
    orders = make_order("1"), make_order("2", at=NOON + 10 * DAY)
    spent = make_command(-120, at=NOON + 11 * DAY)
    state = fold(*orders, commands=[spent], earning={"pending_days": 7}, until=NOON + 12 * DAY)
    assert [lot.remaining for lot in state.wallet.lots.values()] == [0, 80]


def test_positive_adjustment_dies_as_an_award_does() -> None:
    state = fold(commands=[make_command(50, at=NOON)], expiry=TEN_DAYS, until=NOON)
    assert state.wallet.lots["adjustment:1"].expires_at == DEATH


def test_cancelled_order_without_a_lot_left_makes_debt() -> None:
    dead = make_order(state=OrderState.DEAD, modified_at=NOON + DAY)
    assert fold(dead, commands=[make_command(-100)]).wallet.debt == 100


def test_lot_has_the_dates_of_the_version_that_gave_it() -> None:
    state = fold(make_order(), versions=make_two_versions({"expiry": TEN_DAYS}, {}), until=NOON + DAY)
    assert state.wallet.lots["order:1:1:award"].expires_at == DEATH
