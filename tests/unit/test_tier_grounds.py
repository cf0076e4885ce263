"""Tiers on other grounds than figures: overrides and invitations, alone and beside what is earned (RULES §6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import NOON, make_order, make_refund
from folding import DAY, HOUR, fold, make_two_versions, standing
from ladders import REWARDS, THREE, dated, ladder, story, tier

from loyalty.commerce import OrderSnapshot
from loyalty.engine.commands import Command, SetTier, TierBy
from loyalty.engine.state import MemberState

SECOND = timedelta(seconds=1)
START = NOON + 5 * DAY
END = START + 20 * DAY


def override(key: str | None, at: datetime = START, until: datetime | None = END, number: int = 1) -> SetTier:
    """Staff sets a tier."""
    return SetTier(number, at, TierBy.OVERRIDE, key, until, "a friend of the house", "staff")


def invitation(
    key: str | None, at: datetime = START, until: datetime | None = END, number: int = 1
) -> SetTier:
    """A member is invited into a tier."""
    return SetTier(number, at, TierBy.INVITATION, key, until, "invited", "staff")


def lived(
    *orders: OrderSnapshot, commands: Sequence[Command], until: datetime = END, **program: Any
) -> MemberState:
    """A member of four tiers."""
    return fold(*orders, commands=commands, until=until, **{"tiers": THREE, **program})


SILVER = make_order(total="300")


@pytest.mark.parametrize("key", ["gold", "regular"], ids=["higher", "lower"])
@pytest.mark.parametrize("make", [override, invitation])
@pytest.mark.parametrize(
    ("until", "is_on"),
    [(START, True), (END - SECOND, True), (END, False), (END + SECOND, False)],
)
def test_term_holds_from_its_start_until_its_end(key: str, make: Any, until: datetime, is_on: bool) -> None:
    state = lived(SILVER, commands=[make(key)], until=until)
    is_felt = is_on and not (make is invitation and key == "regular")
    assert state.tier_key == (key if is_felt else "silver")


@pytest.mark.parametrize(
    ("key", "after"),
    [
        ("gold", [("gold", "override"), ("silver", "override_ended")]),
        ("regular", [("regular", "override"), ("silver", "override_ended")]),
        ("silver", []),
    ],
)
def test_history_tells_the_override_and_its_end(key: str, after: list[tuple[str, str]]) -> None:
    assert story(lived(SILVER, commands=[override(key)])) == [("silver", "reached"), *after]


def test_override_without_end_stays() -> None:
    state = lived(SILVER, commands=[override("gold", until=None)], until=NOON + 9000 * DAY)
    assert state.tier_key == "gold"


@pytest.mark.parametrize("ended", [START + HOUR, END - SECOND])
def test_override_is_ended_early(ended: datetime) -> None:
    state = lived(SILVER, commands=[override("gold"), override(None, ended, None, 2)], until=END + DAY)
    assert dated(state)[1:] == [("gold", START), ("silver", ended)]


def test_ending_what_is_not_there_changes_nothing() -> None:
    assert story(lived(SILVER, commands=[override(None, until=None)])) == [("silver", "reached")]


def test_later_override_takes_the_place_of_the_one_before() -> None:
    later = override("regular", START + DAY, START + 2 * DAY, 2)
    state = lived(SILVER, commands=[override("gold"), later], until=END)
    assert dated(state)[1:] == [("gold", START), ("regular", START + DAY), ("silver", START + 2 * DAY)]


def test_override_is_the_tier_that_orders_earn_by() -> None:
    tiers = ladder(tier("gold", "9999", multiplier="2"))
    orders = [make_order(str(n), at=at) for n, at in enumerate((START - SECOND, START + SECOND, END), 1)]
    assert standing(lived(*orders, commands=[override("gold")], tiers=tiers)) == [100, 200, 100]


def test_order_at_the_instant_of_the_command_goes_before_it() -> None:
    tiers = ladder(tier("gold", "9999", multiplier="2"))
    assert standing(lived(make_order(at=START), commands=[override("gold")], tiers=tiers)) == [100]


@pytest.mark.parametrize(
    ("held", "total", "during", "after"),
    [("silver", "1000", "silver", "black"), ("black", "600", "black", "gold")],
    ids=["set lower", "set higher"],
)
def test_what_is_earned_during_an_override_counts_when_it_ends(
    held: str, total: str, during: str, after: str
) -> None:
    order = make_order(total=total, at=START + DAY)
    assert lived(order, commands=[override(held)], until=END - SECOND).tier_key == during
    assert lived(order, commands=[override(held)], until=END).tier_key == after


def test_period_of_the_earned_tier_ends_behind_an_override() -> None:
    policy = {"validity": {"days": 10}}
    tiers = ladder(tier("silver", "300", keep="301"), tier("gold", "600"))
    state = lived(SILVER, commands=[override("gold")], tier_policy=policy, tiers=tiers)
    assert story(state) == [("silver", "reached"), ("gold", "override"), ("regular", "override_ended")]


def test_refund_at_once_does_not_touch_an_override() -> None:
    order = make_order(total="300", refunds=(make_refund(amount="300", at=START + DAY),))
    state = lived(order, commands=[override("gold")], tier_policy={"on_refund": "at_once"})
    assert story(state) == [("silver", "reached"), ("gold", "override"), ("regular", "override_ended")]


def test_whoever_is_named_by_a_command_is_a_member_from_then_on() -> None:
    state = lived(commands=[override("gold")], until=START)
    assert (state.joined_at, [period.tier_key for period in state.periods]) == (START, ["regular", "gold"])


def test_override_that_was_over_before_it_began_is_none() -> None:
    assert story(lived(SILVER, commands=[override("gold", until=START)])) == [("silver", "reached")]


@pytest.mark.parametrize(
    ("invited", "total", "tier_key"),
    [
        ("gold", "300", "gold"),
        ("gold", "600", "gold"),
        ("gold", "1000", "black"),
        ("silver", "600", "gold"),
        ("silver", "0", "silver"),
    ],
)
def test_invited_member_has_the_higher_of_both_tiers(invited: str, total: str, tier_key: str) -> None:
    state = lived(make_order(total=total), commands=[invitation(invited)], until=START)
    assert state.tier_key == tier_key


def test_earned_tier_goes_on_when_the_invitation_ends() -> None:
    order = make_order(total="600", at=START + DAY)
    assert story(lived(order, commands=[invitation("gold")])) == [("gold", "invitation")]


def test_invitation_holds_the_tier_when_the_earned_one_falls() -> None:
    policy = {"validity": {"days": 10}}
    tiers = ladder(tier("silver", "300"), tier("gold", "600", keep="601"))
    commands = [invitation("gold")]
    order = make_order(total="600")
    assert (
        lived(order, commands=commands, tiers=tiers, tier_policy=policy, until=END - SECOND).tier_key
        == "gold"
    )
    state = lived(order, commands=commands, tiers=tiers, tier_policy=policy)
    assert dated(state)[1:] == [("regular", END)]


def test_override_goes_before_an_invitation() -> None:
    commands = [invitation("black"), override("silver", START + DAY, END - DAY, 2)]
    state = lived(SILVER, commands=commands)
    assert story(state) == [
        ("silver", "reached"), ("black", "invitation"), ("silver", "override"), ("black", "override_ended"),
        ("silver", "invitation_ended"),
    ]  # fmt: skip


def test_ending_the_override_leaves_the_invitation() -> None:
    commands = [invitation("gold"), override("black", START, None, 2), override(None, START + DAY, None, 3)]
    assert lived(commands=commands, until=START + DAY).tier_key == "gold"


@pytest.mark.parametrize("first", [invitation, override])
def test_one_tier_at_a_time_whatever_the_grounds(first: Any) -> None:
    commands = [first("gold"), invitation("silver", START + HOUR, END + DAY, 2)]
    state = lived(make_order(total="1000", at=START + DAY), commands=commands, until=END + 2 * DAY)
    starts = [period.started_at for period in state.periods]
    assert starts == sorted(starts)
    assert all(
        one.tier_key != two.tier_key for one, two in zip(state.periods, state.periods[1:], strict=False)
    )


def test_tier_of_a_term_that_is_no_more_does_not_count() -> None:
    without = [step for step in THREE if step["key"] != "gold"]
    versions = make_two_versions({"tiers": THREE}, {"tiers": without}, second_from=START + DAY)
    state = fold(SILVER, commands=[override("gold")], versions=versions, until=START + DAY)
    assert dated(state)[1:] == [("gold", START), ("silver", START + DAY)]


@pytest.mark.parametrize("make", [override, invitation])
def test_entry_by_a_term_is_rewarded_and_no_refund_takes_that(make: Any) -> None:
    tiers = ladder(tier("gold", "600", entry_reward="gift"))
    order = make_order(refunds=(make_refund(at=START + DAY),))
    state = lived(order, commands=[make("gold")], tiers=tiers, rewards=REWARDS)
    assert [(grant.tier_key, grant.withdrawn) for grant in state.grants.values()] == [("gold", False)]


def test_return_to_the_earned_tier_is_rewarded_at_most_once_in_a_year() -> None:
    tiers = ladder(tier("gold", "300", entry_reward="gift"))
    state = lived(SILVER, commands=[override("regular")], tiers=tiers, rewards=REWARDS)
    assert story(state) == [("gold", "reached"), ("regular", "override"), ("gold", "override_ended")]
    assert list(state.grants) == ["tier:customer:1:7:gold:1"]
