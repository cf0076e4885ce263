"""Falls: to which tier, after which grace, and what a refund does at once (RULES §6, §9 (26)-(28))."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import NOON, make_order, make_refund
from folding import DAY, HOUR, fold, make_file
from ladders import REWARDS, THREE, dated, instant, ladder, story, tier

from loyalty.commerce import OrderState
from loyalty.engine.state import MemberState

SECOND = timedelta(seconds=1)
END = instant("2027-03-10T16:00")
"""When a year that begins at noon of 10 March 2026 in Taipei is over."""


def year(**more: Any) -> dict[str, Any]:
    """A policy of periods of a year."""
    return {"validity": {"months": 12}, **more}


def lived(
    *spent: tuple[str, datetime], policy: dict[str, Any], until: datetime, **program: Any
) -> MemberState:
    """A member of four tiers who spent so much at these instants."""
    orders = [make_order(str(number), total=total, at=at) for number, (total, at) in enumerate(spent, 1)]
    return fold(*orders, until=until, **{"tiers": THREE, "tier_policy": policy, **program})


@pytest.mark.parametrize(
    ("second", "downgrade", "lower"),
    [
        ("299.99", "recalculate", "regular"), ("300", "recalculate", "silver"), ("599.99", "recalculate", "silver"),
        ("600", "recalculate", "gold"), ("999.99", "recalculate", "gold"), ("0", "one_step", "gold"),
        ("999.99", "one_step", "gold"), ("1000", "one_step", "black"), ("1000", "recalculate", "black"),
    ],
)  # fmt: skip
def test_fall_goes_to_the_tier_earned_or_one_step(second: str, downgrade: str, lower: str) -> None:
    """The first year is kept by the order that entered it; the second is judged by what was spent in it."""
    spent = ("1000", NOON), (second, END + DAY)
    state = lived(*spent, policy=year(downgrade=downgrade), until=instant("2028-03-11T16:00"))
    assert story(state)[1] == ("black", "renewed")
    assert state.tier_key == lower


def test_falls_follow_each_other_step_by_step_each_after_a_period() -> None:
    state = lived(("1000", NOON), policy=year(downgrade="one_step"), until=NOON + 9000 * DAY)
    assert dated(state) == [
        ("black", NOON),
        ("black", END),
        ("gold", instant("2028-03-11T16:00")),
        ("silver", instant("2029-03-12T16:00")),
        ("regular", instant("2030-03-13T16:00")),
    ]


def test_one_step_passes_over_tiers_that_no_figures_reach() -> None:
    tiers = ladder(tier("silver", "300"), tier("invited"), tier("black", "1000", keep="2000"))
    state = lived(("1000", NOON), policy=year(downgrade="one_step"), tiers=tiers, until=END)
    assert story(state) == [("black", "reached"), ("silver", "fell")]


@pytest.mark.parametrize(
    ("zone", "entered", "days", "lost"),
    [
        ("Asia/Taipei", "2026-03-10T04:00", 0, "2026-03-11T16:00"),
        ("Asia/Taipei", "2026-03-10T04:00", 1, "2026-03-12T16:00"),
        ("Asia/Taipei", "2026-02-26T04:00", 3, "2026-03-02T16:00"),
        ("America/New_York", "2026-10-29T16:00", 3, "2026-11-03T05:00"),
        ("America/New_York", "2026-03-05T17:00", 1, "2026-03-08T05:00"),
        ("America/New_York", "2026-03-05T17:00", 2, "2026-03-09T04:00"),
        ("Pacific/Auckland", "2026-04-01T23:00", 2, "2026-04-05T12:00"),
        ("Pacific/Auckland", "2026-09-24T00:00", 2, "2026-09-27T11:00"),
    ],
)
@pytest.mark.parametrize(("early", "held"), [(SECOND, "gold"), (timedelta(), "regular")])
def test_grace_lasts_whole_local_days(
    zone: str, entered: str, days: int, lost: str, early: timedelta, held: str
) -> None:
    policy = {"validity": {"days": 1}, "grace_days": days}
    tiers = ladder(tier("gold", "600", keep="601"))
    spent = ("600", instant(entered))
    state = lived(spent, policy=policy, tiers=tiers, time_zone=zone, until=instant(lost) - early)
    assert state.tier_key == held


GRACE = year(grace_days=30)
LOST = END + 30 * DAY
KEPT_BY_MORE = ladder(tier("silver", "300"), tier("gold", "600", keep="700"), tier("black", "1000"))


def test_verdict_falls_at_the_end_and_the_lower_tier_begins_after_the_grace() -> None:
    state = lived(("600", NOON), policy=GRACE, tiers=KEPT_BY_MORE, until=LOST - SECOND)
    assert state.held is not None
    assert (state.tier_key, state.held.falls_to, state.held.falls_at) == ("gold", "silver", LOST)
    after = lived(("600", NOON), policy=GRACE, tiers=KEPT_BY_MORE, until=LOST)
    assert after.held is not None
    assert dated(after)[1:] == [("silver", LOST)]
    assert after.held.until == instant("2028-04-10T16:00")


@pytest.mark.parametrize(
    ("amount", "tier_key", "reason"),
    [("999.99", "silver", "fell"), ("1000", "black", "reached")],
    ids=["the tier held", "a higher one"],
)
@pytest.mark.parametrize("at", [END, LOST - SECOND], ids=["first instant", "last second"])
def test_only_an_upgrade_cancels_the_grace(at: datetime, amount: str, tier_key: str, reason: str) -> None:
    state = lived(("600", NOON), (amount, at), policy=GRACE, tiers=KEPT_BY_MORE, until=LOST)
    assert story(state)[1:] == [(tier_key, reason)]


def test_upgrade_as_the_grace_ends_is_one_from_the_lower_tier() -> None:
    state = lived(("600", NOON), ("1000", LOST), policy=GRACE, tiers=KEPT_BY_MORE, until=LOST)
    assert story(state)[1:] == [("silver", "fell"), ("black", "reached")]


def test_tier_during_the_grace_is_the_one_that_orders_earn_by() -> None:
    tiers = ladder(tier("gold", "600", keep="700", multiplier="2"))
    spent = ("600", NOON), ("10", LOST - SECOND), ("10", LOST)
    state = lived(*spent, policy=GRACE, tiers=tiers, until=LOST + DAY)
    assert [file.points for file in state.orders.values()] == [600, 20, 10]


def test_refund_during_the_grace_leaves_the_verdict() -> None:
    order = make_order(total="600", refunds=(make_refund(amount="600", at=END + DAY),))
    state = fold(order, tiers=KEPT_BY_MORE, tier_policy=year(grace_days=30, on_refund="at_once"), until=LOST)
    assert story(state) == [("gold", "reached"), ("silver", "fell")]


def test_late_order_of_the_closed_period_undoes_the_fall() -> None:
    spent = ("600", NOON), ("100", END - SECOND)
    state = lived(*spent, policy=GRACE, tiers=KEPT_BY_MORE, until=LOST + DAY)
    assert story(state) == [("gold", "reached"), ("gold", "renewed")]


def refunded(
    *amounts: str, total: str = "1000", days: int = 1, policy: dict[str, Any] | None = None
) -> MemberState:
    """A member whose first order is refunded in parts, a day or so after it."""
    refunds = tuple(
        make_refund(str(number), amount, at=NOON + days * DAY + number * HOUR)
        for number, amount in enumerate(amounts, 1)
    )
    order = make_order(total=total, refunds=refunds)
    policy = policy or year(on_refund="at_once")
    return fold(order, tiers=THREE, tier_policy=policy, until=NOON + days * DAY + DAY)


@pytest.mark.parametrize(
    ("refund", "tier_key"),
    [("0.01", "black"), ("1", "gold"), ("400", "gold"), ("400.01", "silver"), ("701", "regular")],
)
def test_refund_takes_the_tier_at_once_as_far_as_the_figures_go(refund: str, tier_key: str) -> None:
    total = "1000.01" if refund == "0.01" else "1000"
    state = refunded(refund, total=total)
    assert state.tier_key == tier_key


def test_refund_leaves_the_tier_until_the_period_ends() -> None:
    assert refunded("1000", policy=year()).tier_key == "black"


@pytest.mark.parametrize("amounts", [("400", "600"), ("1", "399", "600"), ("400", "1", "599")])
def test_refund_in_parts_falls_as_far_as_one_refund(amounts: tuple[str, ...]) -> None:
    assert (refunded(*amounts).tier_key, refunded("1000").tier_key) == ("regular", "regular")


def test_refund_takes_one_step_only_where_falls_are_one_step() -> None:
    """Each judgement that is lost is one step; the tier fallen to stands on no figures that a refund could take."""
    policy = year(on_refund="at_once", downgrade="one_step")
    assert refunded("1000", policy=policy).tier_key == "gold"
    assert refunded("400", "600", policy=policy).tier_key == "gold"


def test_fall_by_a_refund_knows_no_grace() -> None:
    state = refunded("400", policy=year(on_refund="at_once", grace_days=30))
    assert dated(state)[1:] == [("gold", NOON + DAY + HOUR)]
    assert story(state)[1:] == [("gold", "refunded")]


def test_tier_stays_while_the_judgement_that_opened_its_period_holds() -> None:
    """Thirteen months later nothing of the entry is in the window, but the entry itself still stands."""
    policy = {"validity": {"months": 24}, "on_refund": "at_once"}
    other = make_order("2", at=NOON + 400 * DAY, refunds=(make_refund("9", "1", at=NOON + 401 * DAY),))
    state = fold(make_order(total="1000"), other, tiers=THREE, tier_policy=policy, until=NOON + 402 * DAY)
    assert state.tier_key == "black"


def test_tier_stays_while_enter_holds_over_the_window_at_the_refund() -> None:
    first = make_order("1", total="1000", refunds=(make_refund(at=NOON + 3 * DAY),))
    state = fold(
        first, make_order("2", total="1000", at=NOON + DAY), tiers=THREE,
        tier_policy=year(on_refund="at_once"), until=NOON + 4 * DAY,
    )  # fmt: skip
    assert state.tier_key == "black"


@pytest.mark.parametrize(("refund", "tier_key"), [("600", "gold"), ("600.01", "regular")])
def test_renewed_period_stands_while_keep_holds_net_of_refunds(refund: str, tier_key: str) -> None:
    tiers = ladder(tier("gold", "1000", keep="400"))
    order = make_order(total="1000", refunds=(make_refund(amount=refund, at=END + 200 * DAY),))
    state = fold(order, tiers=tiers, tier_policy=year(on_refund="at_once"), until=END + 201 * DAY)
    assert story(state)[1] == ("gold", "renewed")
    assert state.tier_key == tier_key


@pytest.mark.parametrize(("refund", "tier_key"), [("100", "silver"), ("400", "regular")])
def test_tier_fallen_to_stands_on_the_figures_of_the_period_that_ended(refund: str, tier_key: str) -> None:
    order = make_order(total="600", refunds=(make_refund(amount=refund, at=END + 200 * DAY),))
    policy = year(on_refund="at_once")
    state = fold(order, tiers=KEPT_BY_MORE, tier_policy=policy, until=END + 201 * DAY)
    assert story(state)[1] == ("silver", "fell")
    assert state.tier_key == tier_key


def test_cancellation_takes_the_tier_at_once() -> None:
    dead = make_order(total="1000", state=OrderState.DEAD, modified_at=NOON + DAY)
    state = fold(dead, tiers=THREE, tier_policy=year(on_refund="at_once"), until=NOON + DAY)
    assert dated(state) == [("black", NOON), ("regular", NOON + DAY)]


def test_deletion_takes_the_tier_at_once() -> None:
    gone = make_file(make_order(total="1000"), deleted_at=NOON + DAY)
    assert fold(gone, tiers=THREE, tier_policy=year(on_refund="at_once")).tier_key == "regular"


def test_fall_gives_no_reward() -> None:
    tiers = ladder(tier("gold", "600", entry_reward="gift"), tier("black", "1000", entry_reward="gift"))
    order = make_order(total="1000", refunds=(make_refund(amount="400", at=NOON + DAY),))
    state = fold(order, tiers=tiers, rewards=REWARDS, tier_policy=year(on_refund="at_once"))
    assert story(state) == [("black", "reached"), ("gold", "refunded")]
    assert [grant.tier_key for grant in state.grants.values()] == ["black"]


@pytest.mark.parametrize(
    ("second", "rewards"), [(instant("2027-03-10T03:59:59"), 1), (instant("2027-03-10T04:00"), 2)],
    ids=["just before twelve months", "twelve months"],
)  # fmt: skip
def test_second_entry_is_rewarded_once_twelve_months_have_passed(second: datetime, rewards: int) -> None:
    tiers = ladder(tier("gold", "600", keep="601", entry_reward="gift"))
    policy = {"validity": {"days": 100}, "window": {"kind": "rolling", "months": 1}}
    spent = ("600", NOON), ("600", second)
    state = lived(*spent, policy=policy, tiers=tiers, rewards=REWARDS, until=second)
    assert [each.entry for each in state.periods if each.tier_key == "gold"] == [1, 2]
    assert len(state.grants) == rewards


def test_after_a_fall_enter_is_judged_on_its_window_as_always() -> None:
    """Five months were not kept, but the window of a year still holds the first order."""
    spent = ("600", NOON), ("1", instant("2027-01-20T04:00"))
    policy = {"validity": {"months": 5}}
    state = lived(*spent, policy=policy, tiers=ladder(tier("gold", "600")), until=spent[1][1])
    assert story(state) == [
        ("gold", "reached"), ("gold", "renewed"), ("regular", "fell"), ("gold", "reached"),
    ]  # fmt: skip
