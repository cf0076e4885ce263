"""What new versions of a program do to tiers: keep or judge anew, ends, tiers that are gone (RULES §6, §9 (30))."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from builders import LONG_AGO, NOON, make_order, make_program, make_refund
from folding import DAY, HOUR, fold, make_two_versions
from ladders import REWARDS, THREE, dated, instant, ladder, story, tier

from loyalty.engine.state import MemberState
from loyalty.programs.program import Versions

CHANGE = NOON + 10 * DAY
HARDER = ladder(tier("silver", "600"), tier("gold", "1000"), tier("black", "2000"))
EASIER = ladder(tier("silver", "100"), tier("gold", "200"), tier("black", "600"))


def changed(
    first: dict[str, Any], second: dict[str, Any], *spent: tuple[str, datetime], until: datetime = CHANGE
) -> MemberState:
    """A member who spent so much, under two versions; the second takes effect ten days after noon."""
    orders = [make_order(str(number), total=total, at=at) for number, (total, at) in enumerate(spent, 1)]
    versions = make_two_versions({"tiers": THREE, **first}, {"tiers": THREE, **second}, second_from=CHANGE)
    return fold(*orders, versions=versions, until=until)


@pytest.mark.parametrize(
    ("tiers", "on_change", "after"),
    [
        (HARDER, "keep", []),
        (HARDER, "recalculate", [("silver", "rules")]),
        (EASIER, "keep", []),
        (EASIER, "recalculate", [("black", "rules")]),
        (THREE, "recalculate", []),
    ],
    ids=["harder, kept", "harder, anew", "easier, kept", "easier, anew", "the same"],
)
def test_new_version_keeps_tiers_or_judges_them_anew(
    tiers: list[dict[str, Any]], on_change: str, after: list[tuple[str, str]]
) -> None:
    second = {"tiers": tiers, "tier_policy": {"on_change": on_change}}
    assert story(changed({}, second, ("600", NOON))) == [("gold", "reached"), *after]


def test_version_acts_at_the_instant_that_it_takes_effect() -> None:
    second = {"tiers": HARDER, "tier_policy": {"on_change": "recalculate"}}
    assert changed({}, second, ("600", NOON), until=CHANGE - HOUR).tier_key == "gold"
    assert dated(changed({}, second, ("600", NOON), until=CHANGE + DAY))[1:] == [("silver", CHANGE)]


def test_kept_tier_is_judged_by_the_new_rules_when_its_period_ends() -> None:
    first = {"tier_policy": {"validity": {"days": 20}}}
    second = {"tiers": HARDER, "tier_policy": {"validity": {"days": 20}}}
    end = instant("2026-03-30T16:00")
    state = changed(first, second, ("600", NOON), until=end)
    assert dated(state)[1:] == [("silver", end)]


def test_member_who_is_kept_rises_with_the_next_order_by_the_new_rules() -> None:
    state = changed({}, {"tiers": EASIER}, ("600", NOON), ("0", CHANGE + DAY), until=CHANGE + DAY)
    assert story(state) == [("gold", "reached"), ("black", "reached")]


def test_tier_that_is_no_more_is_judged_anew_whatever_the_version_says() -> None:
    without = ladder(tier("silver", "300"), tier("black", "1000"))
    assert story(changed({}, {"tiers": without}, ("600", NOON)))[1:] == [("silver", "rules")]


def test_verdict_for_a_tier_that_is_no_more_falls_to_the_next_one_earned() -> None:
    """Gold was not kept, and would have become silver at the end of the grace; the new rules have no silver."""
    policy = {"validity": {"days": 5}, "grace_days": 30}
    tiers = ladder(tier("bronze", "100"), tier("silver", "300"), tier("gold", "600", keep="700"))
    without = [step for step in tiers if step["key"] != "silver"]
    first, second = {"tiers": tiers, "tier_policy": policy}, {"tiers": without, "tier_policy": policy}
    state = changed(first, second, ("600", NOON), until=NOON + 60 * DAY)
    assert story(state)[:2] == [("gold", "reached"), ("bronze", "fell")]


def test_first_tier_may_be_another_one() -> None:
    """A new tier below the first: whoever is in the old first tier now holds the second one, with an end."""
    lower = [tier("guest"), tier("regular", "1"), *THREE[1:]]
    second = {"tiers": lower, "tier_policy": {"validity": {"days": 10}}}
    state = changed({}, second, ("50", NOON), until=CHANGE + 15 * DAY)
    assert story(state) == [("guest", "fell")]


END = instant("2027-03-20T16:00")
"""A year after the change."""


@pytest.mark.parametrize(
    ("spent", "after"),
    [
        ([("600", CHANGE - HOUR)], ("regular", "fell")),
        ([("600", NOON), ("600", CHANGE)], ("gold", "renewed")),
        ([("600", NOON), ("600", END - HOUR)], ("gold", "renewed")),
        ([("600", NOON), ("600", END)], ("regular", "fell")),
    ],
    ids=["before the change", "at the change", "before the end", "at the end"],
)
def test_validity_that_is_new_gives_every_tier_a_period_from_then_on(
    spent: list[tuple[str, datetime]], after: tuple[str, str]
) -> None:
    tiers = ladder(tier("gold", "600"))
    second = {"tiers": tiers, "tier_policy": {"validity": {"months": 12}}}
    state = changed({"tiers": tiers}, second, *spent, until=END)
    assert story(state)[1] == after
    assert dated(state)[1] == (after[0], END)


def test_validity_that_is_dropped_leaves_the_end_of_the_present_period() -> None:
    first = {"tier_policy": {"validity": {"days": 20}}}
    state = changed(first, {}, ("600", NOON), until=NOON + 900 * DAY)
    assert dated(state)[1:] == [("gold", instant("2026-03-30T16:00"))]


def test_grace_that_runs_keeps_its_end() -> None:
    policy = {"validity": {"days": 5}, "grace_days": 30}
    tiers = ladder(tier("gold", "600", keep="700"))
    first = {"tiers": tiers, "tier_policy": policy}
    second = {"tiers": tiers, "tier_policy": {**policy, "grace_days": 0}}
    state = changed(first, second, ("600", NOON), until=NOON + 60 * DAY)
    assert dated(state)[1:] == [("regular", instant("2026-04-14T16:00"))]


def test_refunds_follow_the_policy_of_their_own_time() -> None:
    order = make_order(total="600", refunds=(make_refund(amount="600", at=CHANGE - HOUR),))
    later = make_order(total="600", refunds=(make_refund(amount="600", at=CHANGE),))
    versions = make_two_versions(
        {"tiers": THREE}, {"tiers": THREE, "tier_policy": {"on_refund": "at_once"}}, second_from=CHANGE
    )
    assert fold(order, versions=versions).tier_key == "gold"
    assert fold(later, versions=versions).tier_key == "regular"


def test_rise_by_new_rules_is_rewarded() -> None:
    tiers = ladder(tier("gold", "600", entry_reward="gift"))
    easier = ladder(tier("gold", "100", entry_reward="gift"))
    second = {"tiers": easier, "rewards": REWARDS, "tier_policy": {"on_change": "recalculate"}}
    state = changed({"tiers": tiers, "rewards": REWARDS}, second, ("100", NOON))
    assert [(grant.cause, grant.version) for grant in state.grants.values()] == [
        ("tier:customer:1:7:gold:1", 2)
    ]


@pytest.mark.parametrize(("until", "tier_key"), [(CHANGE + DAY, "gold"), (CHANGE + 5 * DAY, "silver")])
def test_versions_take_effect_by_their_time_whatever_their_numbers(until: datetime, tier_key: str) -> None:
    """Version 2 was published for later, version 3 for now: 3 comes first, then 2."""
    harder = make_program(2, CHANGE + 5 * DAY, tiers=HARDER, tier_policy={"on_change": "recalculate"})
    now = make_program(3, CHANGE, tiers=THREE, tier_policy={"on_change": "recalculate"})
    versions = Versions((make_program(1, LONG_AGO, tiers=THREE), now, harder))
    assert fold(make_order(total="600"), versions=versions, until=until).tier_key == tier_key
