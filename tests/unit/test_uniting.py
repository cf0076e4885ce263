"""Merging two members: what each had is united, the union folds from then on, an undone merge leaves nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import NOON, make_order, make_refund, make_versions
from folding import DAY, HOUR, SOON, balance, fold, make_command, make_member, moved, net

from loyalty.commerce import OrderSnapshot
from loyalty.engine.commands import Command, MergeMember, SetTier, TagMember, TierBy, UnmergeMember
from loyalty.engine.decide import refold
from loyalty.engine.state import MemberState
from loyalty.engine.uniting import unite
from loyalty.ledger.entries import EntryKind, Movement
from loyalty.ledger.lots import Lot

MERGE_AT = NOON + 5 * DAY
TIERS: list[dict[str, Any]] = [
    {"key": "regular", "name": {"en": "Regular"}},
    {"key": "silver", "name": {"en": "Silver"}, "enter": {"any": [{"metric": "spend", "at_least": "500"}]}},
    {
        "key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "1000"}]},
        "benefits": {"multiplier": "2", "entry_reward": "ten-off"},
    },
]  # fmt: skip
REWARDS = [{"key": "ten-off", "kind": "fixed_discount", "amount": "10"}]
LADDER: dict[str, Any] = {"tiers": TIERS, "rewards": REWARDS}
OTHER = "email:bo"


def merge(number: int = 9, other: str = OTHER, at: datetime = MERGE_AT) -> MergeMember:
    return MergeMember(number, at, other, "the same person", "staff")


def undo(number: int = 9, at: datetime = MERGE_AT + DAY) -> UnmergeMember:
    return UnmergeMember(20, at, number, "a mistake", "staff")


def other(*orders: OrderSnapshot, commands: Iterable[Any] = (), key: str = OTHER) -> MemberState:
    return make_member(*orders, commands=commands, member=MemberState(key, guest=True))


def united(
    *orders: OrderSnapshot,
    commands: Iterable[Command] = (merge(),),
    parts: Iterable[MemberState],
    until: datetime = SOON,
    **program: Any,
) -> MemberState:
    """The survivor after all of it."""
    state = make_member(*orders, member=MemberState("customer:1:7"))
    state.commands, state.parts = list(commands), {part.key: part for part in parts}
    return refold(state, make_versions(**program), until)


def test_points_lots_figures_and_orders_are_added_up() -> None:
    state = united(make_order("1"), parts=[other(make_order("2", "50", at=NOON + DAY))])
    assert (balance(state).available, state.order_count, sorted(state.orders)) == (150, 2, ["1:1", "1:2"])
    assert {cause: lot.sequence for cause, lot in state.wallet.lots.items()} == {
        "order:1:1:award": 1, "order:1:2:award": 2,
    }  # fmt: skip
    assert (state.tally.total.orders, state.tally.total.spend, state.wallet.next_sequence) == (2, 150, 3)


@pytest.mark.parametrize(("at", "multiplied"), [(-HOUR, 100), (HOUR, 200)])
def test_older_orders_keep_their_rating_and_the_union_folds_from_then_on(
    at: timedelta, multiplied: int
) -> None:
    mine, his = make_order("1", "1000"), make_order("2", "100", at=MERGE_AT + at)
    state = united(mine, parts=[other(his)], **LADDER)
    assert state.orders["1:2"].points == multiplied


def test_the_higher_tier_stays_with_its_end() -> None:
    policy = {"tier_policy": {"validity": {"days": 100}}}
    alone = fold(make_order("2", "1000"), member=MemberState(OTHER), **LADDER, **policy)
    state = united(make_order("1"), parts=[other(make_order("2", "1000"))], **LADDER, **policy)
    assert (state.tier_key, state.held) == ("gold", alone.held)
    assert [(period.tier_key, period.reason) for period in state.periods] == [
        ("regular", "joined"), ("gold", "merged"),
    ]  # fmt: skip


def test_what_both_reach_together_lifts_at_the_merge() -> None:
    state = united(make_order("1", "400"), parts=[other(make_order("2", "400"))], **LADDER)
    assert [(period.tier_key, period.started_at) for period in state.periods][1:] == [("silver", MERGE_AT)]


def test_the_reward_of_a_tier_is_not_given_again_for_a_merge() -> None:
    state = united(make_order("1"), parts=[other(make_order("2", "1000"))], **LADDER)
    assert [(grant.cause, grant.owner) for grant in state.grants.values()] == [
        (f"tier:{OTHER}:gold:1", OTHER)
    ]
    assert state.rewarded == {"gold": NOON}


def test_debt_is_paid_by_what_the_other_has() -> None:
    his = other(
        make_order("2", "50", refunds=(make_refund(amount="50"),)), commands=[make_command(-50, at=NOON)]
    )
    assert united(parts=[his]).wallet.debt == 50
    state = united(make_order("1"), parts=[his])
    assert (state.wallet.debt, balance(state).available, net(state)) == (0, 50, 50)


def test_a_pending_lot_pays_debt_only_when_it_matures() -> None:
    his = other(commands=[make_command(-30, at=NOON)])
    rules = {"earning": {"pending_days": 20}}
    state = united(make_order("1"), parts=[his], until=MERGE_AT + HOUR, **rules)
    assert (balance(state, MERGE_AT + HOUR).pending, state.wallet.debt) == (100, 30)
    later = united(make_order("1"), parts=[his], **rules)
    assert (balance(later).available, later.wallet.debt) == (70, 0)


def test_a_refund_after_the_merge_takes_from_the_union() -> None:
    refund = make_refund(at=MERGE_AT + DAY)
    his = other(make_order("2", refunds=(refund,)), commands=[make_command(-100, at=NOON + HOUR)])
    state = united(make_order("1"), parts=[his])
    assert (balance(state).available, state.wallet.debt) == (0, 0)
    assert state.wallet.consumed["order:1:1:award", "order:1:2:refund:501"] == 100


def test_the_earlier_joining_and_all_tags_count() -> None:
    his = other(make_order("2", at=NOON - DAY), commands=[TagMember(3, NOON, ("vip",), (), "x", "staff")])
    state = united(make_order("1"), parts=[his])
    assert (state.joined_at, state.tags) == (NOON - DAY, {"vip"})


def test_a_tier_set_by_hand_comes_along_unless_there_is_one() -> None:
    gold, silver = (
        SetTier(number, NOON + HOUR, TierBy.OVERRIDE, key, None, "x", "staff")
        for number, key in ((3, "gold"), (4, "silver"))
    )
    assert united(make_order("1"), parts=[other(commands=[gold])], **LADDER).tier_key == "gold"
    kept = united(make_order("1"), commands=[silver, merge()], parts=[other(commands=[gold])], **LADDER)
    assert (kept.tier_key, [term.cause for term in kept.terms]) == ("silver", ["override:4"])


def test_inactivity_of_the_union_counts_from_the_last_activity_of_either() -> None:
    rules = {"expiry": {"mode": "inactivity", "after": {"days": 10}}}
    state = united(
        make_order("1"), parts=[other(make_order("2", at=NOON + 4 * DAY))], until=MERGE_AT, **rules
    )
    assert len({lot.expires_at for lot in state.wallet.lots.values()}) == 1


def test_a_guest_who_is_merged_into_a_customer_may_earn_from_then_on() -> None:
    rules = {"enrolment": {"guests": False}}
    before, after = make_order("2"), make_order("3", at=MERGE_AT + DAY)
    state = united(make_order("1"), parts=[other(before, after)], **rules)
    assert {key: file.points for key, file in state.orders.items()} == {"1:1": 100, "1:2": 0, "1:3": 100}


def test_caps_of_the_day_are_shared_from_the_merge_on() -> None:
    rules = {"earning": {"caps": {"per_day": 150}}}
    mine, his = make_order("1", at=MERGE_AT - HOUR), make_order("2", at=MERGE_AT - HOUR)
    late = make_order("3", at=MERGE_AT + HOUR)
    state = united(mine, late, parts=[other(his)], **rules)
    assert [state.orders[key].points for key in ("1:1", "1:2", "1:3")] == [100, 100, 0]


def test_a_merge_that_was_undone_leaves_no_trace() -> None:
    his = other(make_order("2", "1000"), make_order("3", at=MERGE_AT + HOUR))
    state = united(
        make_order("1"),
        make_order("4", at=MERGE_AT + HOUR),
        commands=[merge(), undo()],
        parts=[his],
        **LADDER,
    )
    alone = fold(
        make_order("1"), make_order("4", at=MERGE_AT + HOUR), member=MemberState("customer:1:7"), **LADDER
    )
    assert (moved(state), state.periods, state.wallet.lots) == (
        moved(alone),
        alone.periods,
        alone.wallet.lots,
    )


def test_a_chain_of_merges_is_one_member() -> None:
    first = other(make_order("3", "30"), key="email:a")
    second = other(make_order("2", "50"), commands=[merge(5, "email:a", MERGE_AT - DAY)])
    state = united(make_order("1"), parts=[second, first])
    assert (balance(state).available, state.order_count) == (180, 3)
    apart = other(make_order("2", "50"), commands=[merge(5, "email:a", MERGE_AT - DAY), undo(5)])
    assert balance(united(make_order("1"), parts=[apart, first])).available == 150


def test_both_may_be_nobody_yet() -> None:
    state = united(parts=[other()])
    assert (state.joined_at, state.periods, state.head is not None) == (None, [], True)
    joined = united(parts=[other(make_order("2"))])
    assert (joined.joined_at, balance(joined).available) == (NOON, 100)


def with_bonus(key: str, points: int) -> MemberState:
    """A member who was given points for a cause that every member may have, of which 5 expired and 3 were taken."""
    state, cause = MemberState(key), "automation:welcome:member:0"
    state.wallet.open_lot(Lot(cause, 1, NOON, NOON, None, points, points), NOON)
    state.wallet.take(state.wallet.lots[cause], 5, "expiry")
    state.wallet.take(state.wallet.lots[cause], 3, "adjustment:9")
    state.movements = [
        Movement(cause, EntryKind.ACCRUAL, points, NOON, "bonus"),
        Movement(f"expiry:{cause}", EntryKind.EXPIRY, -5, NOON, "expired"),
    ]
    return state


def test_what_both_were_given_for_the_same_cause_is_kept_apart() -> None:
    state = with_bonus("customer:1:7", 100)
    unite(state, with_bonus("email:bo", 50), None, NOON)
    unite(state, with_bonus("email:cy", 20), None, NOON)
    cause = "automation:welcome:member:0"
    causes = [cause, f"merged:email:bo:{cause}", f"merged:email:cy:{cause}"]
    assert [(own, lot.remaining) for own, lot in state.wallet.lots.items()] == list(
        zip(causes, (92, 42, 12), strict=True)
    )
    assert [(one.cause, one.points) for one in state.movements if one.points < 0] == [
        (f"expiry:{own}", -5) for own in causes
    ]
    assert state.wallet.consumed == {
        (own, by): points for own in causes for by, points in (("expiry", 5), ("adjustment:9", 3))
    }
