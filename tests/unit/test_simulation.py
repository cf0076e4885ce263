"""Simulations: what a switch of rules does to members, and what if other rules had always held."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from builders import NOON, make_order, make_program, make_refund, make_versions
from folding import DAY, make_command, make_member

from loyalty.engine.comparison import NAMED, Comparison, Losses, Side
from loyalty.engine.decide import refold
from loyalty.engine.simulation import Question, supposed
from loyalty.engine.state import MemberState
from loyalty.programs.program import Versions
from loyalty.tiers.holding import MOMENT

NOW = NOON + 100 * DAY
TEN_OFF = {"key": "ten-off", "kind": "fixed_discount", "points": 100, "amount": "10"}
INACTIVITY = {"mode": "inactivity", "after": {"days": 120}}


def ladder(**thresholds: int) -> list[dict[str, Any]]:
    """Regular, and tiers from these spends on."""
    risen = [
        {"key": key, "name": {"en": key}, "enter": {"any": [{"metric": "spend", "at_least": str(least)}]}}
        for key, least in thresholds.items()
    ]
    return [{"key": "regular", "name": {"en": "Regular"}}, *risen]


def compare(
    people: Iterable[MemberState],
    old: Versions,
    question: Question = Question.SWITCH,
    now: datetime = NOW,
    **program: Any,
) -> Comparison:
    """All of these people before and after a candidate."""
    candidate = make_program(2, now, **program)
    other, until = supposed(old, candidate, question), now + MOMENT
    losses = Losses() if question is Question.SWITCH else None
    found = Comparison(Side(old.at(until), until), Side(candidate, until), losses)
    for number, state in enumerate(people):
        found.add(UUID(int=number), refold(state, old, until), refold(state, other, until))
    return found


def spender(amount: str, at: datetime = NOON, **more: Any) -> MemberState:
    return make_member(make_order(total=amount, at=at, **more))


def test_the_same_rules_change_nothing() -> None:
    people = [spender("300"), spender("80")]
    found = compare(people, make_versions(tiers=ladder(gold=200)), tiers=ladder(gold=200))
    assert found.before.tiers == found.after.tiers == {"gold": 1, "regular": 1}
    assert (found.before.given, found.after.given) == (380, 380)
    assert (found.steps, found.movers) == ({}, [])
    assert found.losses == Losses()


@pytest.mark.parametrize(
    ("on_change", "threshold", "tiers"),
    [
        ("keep", 400, {"gold": 1, "regular": 1}), ("recalculate", 400, {"regular": 2}),
        ("recalculate", 300, {"gold": 1, "regular": 1}), ("recalculate", 80, {"gold": 2}),
    ],
)  # fmt: skip
def test_a_switch_keeps_or_judges_the_tier_anew(on_change: str, threshold: int, tiers: Any) -> None:
    people = [spender("300"), spender("80")]
    found = compare(
        people, make_versions(tiers=ladder(gold=200)),
        tiers=ladder(gold=threshold), tier_policy={"on_change": on_change},
    )  # fmt: skip
    assert found.before.tiers == {"gold": 1, "regular": 1}
    assert found.after.tiers == tiers


def test_who_moves_is_counted_and_the_first_are_named() -> None:
    people = [spender("300") for _ in range(NAMED + 3)] + [spender("80")]
    found = compare(
        people, make_versions(tiers=ladder(gold=200)), tiers=ladder(gold=400), tier_policy={"on_change": "recalculate"}
    )  # fmt: skip
    assert found.steps == {("gold", "regular"): NAMED + 3}
    assert found.movers == [(UUID(int=each), ("gold", "regular")) for each in range(NAMED)]


def test_a_tier_that_is_no_more_is_left_at_the_switch() -> None:
    found = compare([spender("300")], make_versions(tiers=ladder(gold=200)), tiers=ladder(silver=100))
    assert found.steps == {("gold", "silver"): 1}
    assert found.after.ladder() == [("regular", 0), ("silver", 1)]


def test_a_switch_leaves_points_and_history_as_they_are() -> None:
    """Earning follows the version at the paid time: nothing that was given changes."""
    found = compare([spender("300")], make_versions(), earning={"points_per_unit": "2"})
    assert (found.before.given, found.after.given) == (300, 300)


def test_history_rates_everything_by_the_candidate() -> None:
    people = [spender("300"), spender("80")]
    found = compare(
        people, make_versions(tiers=ladder(gold=200)), Question.HISTORY,
        tiers=ladder(gold=80), earning={"points_per_unit": "2"},
    )  # fmt: skip
    assert (found.before.given, found.after.given) == (380, 760)
    assert found.steps == {("regular", "gold"): 1}
    assert found.losses is None


def test_history_begins_before_the_first_version() -> None:
    old = Versions((make_program(1, NOON + 50 * DAY),))
    found = compare([spender("300")], old, Question.HISTORY)
    assert (found.before.members, found.after.members) == (0, 1)
    assert found.steps == {(None, "regular"): 1}


def test_without_any_version_a_switch_makes_nobody_a_member() -> None:
    found = compare([spender("300")], Versions(()))
    assert (found.people, found.before.members, found.after.members) == (1, 0, 0)
    assert (found.before.ladder(), found.before.payout(0)) == ([], None)


def test_a_version_that_waits_does_not_hide_the_candidate() -> None:
    later = make_program(2, NOW + DAY, tiers=ladder(gold=999))
    candidate = make_program(3, NOW)
    old = Versions((make_program(), later))
    assert [each.version for each in supposed(old, candidate, Question.SWITCH).programs] == [1, 3]


@pytest.mark.parametrize(
    ("days", "dying", "earlier"),
    [(99, 300, 0), (100, 300, 0), (101, 0, 300), (365, 0, 300)],
)
def test_inactivity_switched_on_shows_who_loses_what(days: int, dying: int, earlier: int) -> None:
    """Bought at noon 100 days ago. What ended before dies at the switch, never before it."""
    now = NOON + 100 * DAY + timedelta(hours=13)
    found = compare(
        [spender("300"), spender("50", at=now - DAY)], make_versions(), now=now,
        expiry={"mode": "inactivity", "after": {"days": days}},
    )  # fmt: skip
    losses = found.losses
    assert losses is not None
    assert (losses.dying_points, losses.earlier_points) == (dying, earlier + 50)
    assert (losses.dying_members, losses.earlier_members) == (int(dying > 0), 1 + int(earlier > 0))
    assert losses.members == 2
    assert found.after.outstanding == 350 - dying
    assert found.after.expired == dying


def test_what_inactivity_takes_first_has_its_date() -> None:
    found = compare([spender("300")], make_versions(), expiry=INACTIVITY)
    assert found.losses is not None
    (_, loss) = found.losses.named[0]
    end = datetime(2026, 7, 8, 16, tzinfo=UTC)  # midnight in Taipei, after the 120th day
    assert (loss.dying, loss.earlier, loss.first_at, found.losses.first_at) == (0, 300, end, end)


def test_shorter_inactivity_loses_and_longer_does_not() -> None:
    old = make_versions(expiry=INACTIVITY)
    shorter = compare([spender("300")], old, expiry={"mode": "inactivity", "after": {"days": 110}})
    longer = compare([spender("300")], old, expiry={"mode": "inactivity", "after": {"days": 130}})
    assert shorter.losses is not None
    assert shorter.losses.earlier_points == 300
    assert longer.losses == Losses()


def test_lot_expiry_takes_nothing_of_what_is_there() -> None:
    """Dates of single lots follow the version they were made under."""
    found = compare([spender("300")], make_versions(), expiry={"mode": "lot", "after": {"days": 1}})
    assert found.losses == Losses()


def test_refunds_debt_and_expiry_are_told_apart() -> None:
    """Given 300; refunded after 250 were taken by hand: 250 of debt. Another 80 are dead since long."""
    order = make_order(total="300", refunds=(make_refund(amount="300", at=NOON + 2 * DAY),))
    owing = make_member(order, commands=[make_command(-250, at=NOON + DAY)])
    versions = make_versions(expiry={"mode": "lot", "after": {"days": 30}})
    found = compare([owing, spender("80")], versions)
    side = found.before
    assert (side.given, side.outstanding, side.expired, side.debt, side.spend) == (380, 0, 80, 250, 80)


def test_payout_goes_by_the_cheapest_fixed_discount() -> None:
    """100 points are worth 10. 300 and 80 outstanding: 38 of 380 spent; one of two can redeem."""
    dearer = {"key": "a-big-one", "kind": "fixed_discount", "points": 500, "amount": "100"}
    percent = {"key": "percent", "kind": "percent_discount", "points": 1, "amount": "5"}
    found = compare(
        [spender("300"), spender("80")], make_versions(), rewards=[percent, dearer, TEN_OFF], decimals=2
    )
    assert found.before.payout(2) is None
    payout = found.after.payout(2)
    assert payout is not None
    assert (payout.reward, payout.points, payout.amount) == ("ten-off", 100, "10.00")
    assert (payout.liability, payout.payout_ratio, payout.given_ratio) == ("38.00", "0.1000", "0.1000")
    assert (payout.able_now.members, payout.able_now.of, payout.able_now.share) == (1, 2, "0.5000")


def test_payout_of_nobody_has_no_ratio() -> None:
    payout = compare([], make_versions(), rewards=[TEN_OFF]).after.payout(0)
    assert payout is not None
    assert (payout.liability, payout.payout_ratio, payout.able_now.share) == ("0", None, None)


def test_a_reward_of_a_tier_is_for_its_members_only() -> None:
    reward = {**TEN_OFF, "tiers": ["gold"]}
    program = {"tiers": ladder(gold=200), "rewards": [reward]}
    people = [spender("300"), spender("150")]
    payout = compare(people, make_versions(**program), **program).after.payout(0)
    assert payout is not None
    assert payout.able_now.members == 1


@pytest.mark.parametrize(
    ("second", "pending", "early"), [(89, 0, 1), (90, 0, 1), (91, 0, 0), (80, 7, 1), (89, 7, 0)]
)
def test_who_could_redeem_within_90_days_of_joining(second: int, pending: int, early: int) -> None:
    """60 points at once, the other 40 later; who joined just now is not judged."""
    old = [make_order("1", total="60"), make_order("2", total="40", at=NOON + second * DAY)]
    people = [make_member(*old), spender("500", at=NOW - DAY)]
    program = {"rewards": [TEN_OFF], "earning": {"pending_days": pending}}
    payout = compare(people, make_versions(**program), **program).after.payout(0)
    assert payout is not None
    within = payout.able_within_90_days
    assert (within.members, within.of) == (early, 1)


def test_a_simulation_leaves_the_member_as_he_is() -> None:
    state = spender("300")
    compare([state], make_versions(), expiry=INACTIVITY)
    assert (state.joined_at, state.movements, state.wallet.lots) == (None, [], {})
