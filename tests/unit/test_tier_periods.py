"""Periods of tiers: when they end, by what they are judged, how they follow each other (RULES §6, §9 (25), (26))."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import NOON, make_order, make_refund
from folding import DAY, HOUR, SOON, fold, make_command
from ladders import THREE, dated, instant, ladder, story, tier

from loyalty.commerce import OrderState
from loyalty.engine.state import MemberState

SECOND = timedelta(seconds=1)
YEAR = {"validity": {"months": 12}}
GOLD = ladder(tier("gold", "600", keep="400"))
END = instant("2027-03-10T16:00")
"""When a year that begins at noon of 10 March 2026 in Taipei is over."""


def lived(*spent: tuple[str, datetime], until: datetime = END, **program: Any) -> MemberState:
    """A member who spent so much at these instants."""
    orders = [make_order(str(number), total=total, at=at) for number, (total, at) in enumerate(spent, 1)]
    return fold(*orders, until=until, **{"tiers": GOLD, "tier_policy": YEAR, **program})


@pytest.mark.parametrize(
    ("zone", "entered", "validity", "end"),
    [
        ("Asia/Taipei", "2026-03-10T04:00", {"months": 12}, "2027-03-10T16:00"),
        ("Asia/Taipei", "2026-03-10T15:59:59", {"months": 12}, "2027-03-10T16:00"),
        ("Asia/Taipei", "2026-03-10T16:00", {"months": 12}, "2027-03-11T16:00"),
        ("Asia/Taipei", "2024-02-29T04:00", {"years": 1}, "2025-02-28T16:00"),
        ("Asia/Taipei", "2024-02-29T04:00", {"years": 4}, "2028-02-29T16:00"),
        ("Asia/Taipei", "2026-01-31T04:00", {"months": 1}, "2026-02-28T16:00"),
        ("Asia/Taipei", "2025-12-31T15:59:59", {"days": 365}, "2026-12-31T16:00"),
        ("America/New_York", "2025-11-08T17:00", {"months": 4}, "2026-03-09T04:00"),
        ("America/New_York", "2026-02-28T04:59:59", {"months": 1}, "2026-03-28T04:00"),
        ("America/New_York", "2026-02-28T05:00", {"months": 1}, "2026-03-29T04:00"),
        ("America/New_York", "2026-10-31T04:30", {"days": 1}, "2026-11-02T05:00"),
        ("Pacific/Auckland", "2026-03-26T23:00", {"months": 6}, "2026-09-27T11:00"),
        ("Pacific/Auckland", "2026-04-03T11:30", {"days": 1}, "2026-04-05T12:00"),
        ("Pacific/Auckland", "2024-02-28T11:00", {"months": 12}, "2025-02-28T11:00"),
    ],
)
@pytest.mark.parametrize(("early", "held"), [(SECOND, "gold"), (timedelta(), "regular")])
def test_period_ends_with_the_local_day_that_holds_start_and_validity(
    zone: str, entered: str, validity: dict[str, int], end: str, early: timedelta, held: str
) -> None:
    state = lived(
        ("600", instant(entered)), until=instant(end) - early, time_zone=zone, tier_policy={"validity": validity},
        tiers=ladder(tier("gold", "600", keep="601")),
    )  # fmt: skip
    assert state.tier_key == held


def test_tier_without_validity_never_ends() -> None:
    state = lived(("600", NOON), until=NOON + 9000 * DAY, tier_policy={})
    assert story(state) == [("gold", "reached")]


def test_first_tier_has_no_end() -> None:
    state = lived(("1", NOON), until=NOON + 9000 * DAY)
    assert story(state) == []


@pytest.mark.parametrize(
    ("second", "renewed"),
    [("0", False), ("99.99", False), ("100", True), ("100.01", True)],
    ids=["nothing", "just below", "exactly", "more"],
)
def test_period_is_kept_by_its_own_figures(second: str, renewed: bool) -> None:
    """The order that caused the entry counts in the first period, not in the one that follows."""
    tiers = ladder(tier("gold", "600", keep="700"))
    state = lived(("600", NOON), (second, NOON + DAY), tiers=tiers)
    assert story(state) == [("gold", "reached"), ("gold", "renewed") if renewed else ("regular", "fell")]


@pytest.mark.parametrize(
    ("at", "after"),
    [
        (END - SECOND, [("gold", "reached"), ("gold", "renewed")]),
        (END, [("gold", "reached"), ("regular", "fell")]),
        (END + SECOND, [("gold", "reached"), ("regular", "fell")]),
    ],
    ids=["last second", "first instant of the next day", "afterwards"],
)
def test_order_counts_in_the_period_of_its_award(at: datetime, after: list[tuple[str, str]]) -> None:
    tiers = ladder(tier("gold", "600", keep="700"))
    assert story(lived(("600", NOON), ("100", at), tiers=tiers, until=END + DAY)) == after


def test_spending_before_the_entry_does_not_keep_the_tier() -> None:
    state = lived(("300", NOON - DAY), ("300", NOON))
    assert story(state) == [("gold", "reached"), ("regular", "fell")]


@pytest.mark.parametrize(
    ("keep", "renewed"), [("500", True), (None, False)], ids=["keep", "enter where a tier has no keep"]
)
def test_enter_judges_only_where_a_tier_has_no_keep(keep: str | None, renewed: bool) -> None:
    state = lived(("100", NOON - DAY), ("500", NOON), tiers=ladder(tier("gold", "600", keep=keep)))
    assert (state.tier_key == "gold") is renewed


def test_reaching_the_conditions_of_the_held_tier_moves_no_end() -> None:
    state = lived(("600", NOON), ("600", NOON + 100 * DAY), until=END - SECOND)
    assert state.held is not None
    assert state.held.until == END


def test_upgrade_begins_a_period_with_an_end_of_its_own() -> None:
    state = lived(("600", NOON), ("400", NOON + 100 * DAY), tiers=THREE, until=END)
    assert state.held is not None
    assert (state.tier_key, state.held.until) == ("black", instant("2027-06-18T16:00"))


def test_chain_of_renewals_over_years_ends_with_the_first_year_without_spending() -> None:
    """Each period begins where the last one ended, so each ends with the day that lies a year after that."""
    years = [("600", instant(f"{year}-06-01T04:00")) for year in (2026, 2027, 2028)]
    state = lived(*years, until=instant("2031-01-01T00:00"))
    assert dated(state) == [
        ("gold", instant("2026-06-01T04:00")),
        ("gold", instant("2027-06-01T16:00")),
        ("gold", instant("2028-06-02T16:00")),
        ("regular", instant("2029-06-03T16:00")),
    ]


def test_renewal_is_no_new_entry_and_gives_no_reward() -> None:
    rewards = [{"key": "gift", "kind": "fixed_discount", "amount": "100"}]
    tiers = ladder(tier("gold", "600", keep="0", entry_reward="gift"))
    state = lived(("600", NOON), tiers=tiers, rewards=rewards, until=END + 800 * DAY)
    assert [(each.entry, each.rewarded) for each in state.periods[1:]] == [(1, True), *[(1, False)] * 3]
    assert len(state.grants) == 1


@pytest.mark.parametrize(
    ("refunded_at", "renewed"), [(END - SECOND, False), (END, True)], ids=["before the end", "at the end"]
)
def test_refunds_up_to_the_end_count_at_the_end(refunded_at: datetime, renewed: bool) -> None:
    order = make_order(total="600", refunds=(make_refund(amount="201", at=refunded_at),))
    state = fold(order, tiers=GOLD, tier_policy=YEAR, until=END + DAY)
    assert story(state)[1:] == [("gold", "renewed") if renewed else ("regular", "fell")]


def test_cancelled_order_does_not_keep_a_tier() -> None:
    dead = make_order(total="600", state=OrderState.DEAD, modified_at=NOON + DAY)
    assert story(fold(dead, tiers=GOLD, tier_policy=YEAR, until=END)) == [
        ("gold", "reached"),
        ("regular", "fell"),
    ]


@pytest.mark.parametrize(
    ("awarded", "state_after"),
    [
        (END - SECOND, [("gold", "reached"), ("gold", "renewed")]),
        (END, [("gold", "reached"), ("regular", "fell")]),
    ],
    ids=["before the closed assessment", "after it"],
)
def test_late_arrival_reopens_only_what_it_precedes(
    awarded: datetime, state_after: list[tuple[str, str]]
) -> None:
    tiers = ladder(tier("gold", "600", keep="700"))
    closed = lived(("600", NOON), tiers=tiers, until=END + 30 * DAY)
    reopened = lived(("600", NOON), ("100", awarded), tiers=tiers, until=END + 30 * DAY)
    assert story(closed) == [("gold", "reached"), ("regular", "fell")]
    assert story(reopened) == state_after


@pytest.mark.parametrize("spent", [0, -1200])
def test_tier_by_points_neither_falls_nor_ends_by_spending_points(spent: int) -> None:
    tiers = ladder(tier("gold", 600, keep=600, metric="points"))
    order = make_order(total="1200")
    commands = [make_command(spent, at=NOON + HOUR)] if spent else []
    state = fold(order, commands=commands, tiers=tiers, tier_policy=YEAR, until=END)
    assert story(state) == [("gold", "reached"), ("gold", "renewed")]


def test_points_that_expired_keep_the_tier_that_they_earned() -> None:
    tiers = ladder(tier("gold", 600, keep=600, metric="points"))
    state = lived(("600", NOON), tiers=tiers, expiry={"mode": "lot", "after": {"days": 10}})
    assert state.wallet.balance(SOON).available == 0
    assert story(state) == [("gold", "reached"), ("gold", "renewed")]


@pytest.mark.parametrize(
    ("second", "gold"),
    [("2026-12-31T15:59:59", "gold"), ("2026-12-31T16:00", "regular")],
    ids=["last second of the year", "first of the next"],
)
def test_calendar_year_judges_entering_and_the_period_judges_keeping(second: str, gold: str) -> None:
    policy = {"window": {"kind": "calendar_year"}, "validity": {"months": 12}}
    first = ("300", instant("2026-06-01T04:00"))
    state = lived(first, ("300", instant(second)), tier_policy=policy, until=instant("2027-06-01T04:00"))
    assert state.tier_key == gold


def test_membership_year_begins_anew_at_the_wall_time_of_joining() -> None:
    """Joined 10 March noon: what was spent just before a year is over does not help afterwards."""
    policy = {"window": {"kind": "membership_year"}}
    spent = ("300", NOON), ("300", instant("2027-03-10T03:59:59")), ("300", instant("2027-03-10T04:00"))
    assert lived(*spent[:2], tier_policy=policy).tier_key == "gold"
    assert lived(spent[0], spent[2], tier_policy=policy).tier_key == "regular"
    assert lived(("1", NOON), *spent[1:], tier_policy=policy).tier_key == "regular"
