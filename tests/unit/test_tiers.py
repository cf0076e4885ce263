"""Tiers: thresholds, windows, upgrades, the reward of entering."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import NOON, make_order, make_refund, make_versions
from folding import DAY, HOUR, fold, make_command, make_file, make_member, make_two_versions, standing

from loyalty.commerce import OrderSnapshot, OrderState
from loyalty.engine.decide import all_events, decide, refold
from loyalty.engine.state import MemberState, Period
from loyalty.programs.ladder import Window
from loyalty.programs.terms import WindowKind
from loyalty.tiers.holding import Holding
from loyalty.tiers.qualification import window_start

SECOND = timedelta(seconds=1)
REWARDS = [{"key": "gift", "kind": "fixed_discount", "amount": "100"}]


def ladder(enter: dict[str, Any], **benefits: Any) -> list[dict[str, Any]]:
    """Regular, and gold with these conditions."""
    gold = {"key": "gold", "name": {"en": "Gold"}, "enter": enter, "benefits": benefits}
    return [{"key": "regular", "name": {"en": "Regular"}}, gold]


def rewarded(**more: Any) -> dict[str, Any]:
    """A program whose gold tier, from a spend of 100 on, gives a coupon."""
    enter = {"any": [{"metric": "spend", "at_least": "100"}]}
    return {"tiers": ladder(enter, entry_reward="gift"), "rewards": REWARDS, **more}


def live(state: MemberState) -> list[str]:
    return [grant.cause for grant in state.grants.values() if not grant.withdrawn]


@pytest.mark.parametrize(
    ("metric", "least", "tier"),
    [
        ("spend", "250.51", "regular"), ("spend", "250.50", "gold"), ("spend", "250.49", "gold"),
        ("points", "251", "regular"), ("points", "250", "gold"), ("points", "249", "gold"),
        ("orders", "3", "regular"), ("orders", "2", "gold"), ("orders", "1", "gold"),
    ],
)  # fmt: skip
def test_reaching_a_threshold_exactly_is_enough(metric: str, least: str, tier: str) -> None:
    orders = make_order("1", total="150.25"), make_order("2", total="100.25", at=NOON + HOUR)
    enter = {"any": [{"metric": metric, "at_least": least}]}
    assert fold(*orders, tiers=ladder(enter)).tier_key == tier


@pytest.mark.parametrize(
    ("word", "spend", "orders", "tier"),
    [
        ("any", "100", 5, "gold"), ("any", "999", 1, "gold"), ("any", "999", 5, "regular"),
        ("all", "100", 1, "gold"), ("all", "100", 2, "regular"), ("all", "101", 1, "regular"),
    ],
)  # fmt: skip
def test_any_or_all_conditions(word: str, spend: str, orders: int, tier: str) -> None:
    enter = {word: [{"metric": "spend", "at_least": spend}, {"metric": "orders", "at_least": orders}]}
    assert fold(make_order(), tiers=ladder(enter)).tier_key == tier


def test_upgrade_counts_from_the_next_order_on() -> None:
    orders = [make_order(str(each), at=NOON + each * HOUR) for each in range(3)]
    tiers = ladder({"any": [{"metric": "orders", "at_least": 2}]}, multiplier="2")
    assert standing(fold(*orders, tiers=tiers)) == [100, 100, 200]


def test_upgrade_begins_at_the_award_of_the_order_that_reaches_it() -> None:
    state = fold(make_order(), tiers=ladder({"any": [{"metric": "orders", "at_least": 1}]}))
    assert [(period.tier_key, period.started_at) for period in state.periods] == [
        ("regular", NOON),
        ("gold", NOON),
    ]


def test_late_order_re_rates_those_after_it() -> None:
    early, later = make_order("2", at=NOON - DAY), make_order("1")
    tiers = ladder({"any": [{"metric": "orders", "at_least": 1}]}, multiplier="2")
    assert standing(fold(later, tiers=tiers)) == [100]
    assert standing(fold(later, early, tiers=tiers)) == [200, 100]


def test_jump_enters_and_rewards_the_reached_tier_only() -> None:
    steps = [
        {
            "key": f"t{least}", "name": {"en": "T"}, "enter": {"any": [{"metric": "spend", "at_least": least}]},
            "benefits": {"entry_reward": "gift"},
        }
        for least in ("100", "200", "300")
    ]  # fmt: skip
    tiers = [{"key": "regular", "name": {"en": "R"}}, *steps]
    state = fold(make_order(total="250"), tiers=tiers, rewards=REWARDS)
    assert [period.tier_key for period in state.periods] == ["regular", "t200"]
    assert live(state) == ["tier:customer:1:7:t200:1"]


def pair(first: str, second: str) -> list[OrderSnapshot]:
    """Two orders of 500 at these instants."""
    return [
        make_order(f"{number}", total="500", at=at(text)) for number, text in enumerate((first, second), 1)
    ]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "first", "second", "tier"),
    [
        ({"kind": "rolling", "months": 12}, "2026-03-09T15:59:59", "2027-03-10T04:00:00", "regular"),
        ({"kind": "rolling", "months": 12}, "2026-03-09T16:00:00", "2027-03-10T04:00:00", "gold"),
        ({"kind": "rolling", "months": 12}, "2026-03-09T16:00:00", "2027-03-10T15:59:59", "gold"),
        ({"kind": "rolling", "months": 12}, "2026-03-09T16:00:00", "2027-03-10T16:00:00", "regular"),
        ({"kind": "rolling", "months": 1}, "2026-02-27T16:00:00", "2026-03-31T04:00:00", "gold"),
        ({"kind": "calendar_year"}, "2025-12-31T15:59:59", "2026-12-31T15:59:59", "regular"),
        ({"kind": "calendar_year"}, "2025-12-31T16:00:00", "2026-12-31T15:59:59", "gold"),
        ({"kind": "calendar_year"}, "2025-12-31T16:00:00", "2026-12-31T16:00:00", "regular"),
        ({"kind": "membership_year"}, "2026-03-10T04:00:00", "2027-03-10T03:59:59", "gold"),
        ({"kind": "membership_year"}, "2026-03-10T04:00:00", "2027-03-10T04:00:00", "regular"),
        ({"kind": "lifetime"}, "2020-03-10T04:00:00", "2029-03-10T04:00:00", "gold"),
    ],
)
def test_window_at_its_edges(window: dict[str, Any], first: str, second: str, tier: str) -> None:
    enter = {"any": [{"metric": "spend", "at_least": "1000"}]}
    state = fold(*pair(first, second), tiers=ladder(enter), tier_policy={"window": window}, until=at(second))
    assert state.tier_key == tier


@pytest.mark.parametrize(
    ("zone", "joined", "instant", "start"),
    [
        ("Asia/Taipei", "2024-02-29T04:00", "2025-02-28T03:59", "2024-02-29T04:00"),
        ("Asia/Taipei", "2024-02-29T04:00", "2025-02-28T04:00", "2025-02-28T04:00"),
        ("Asia/Taipei", "2024-02-29T04:00", "2028-02-29T04:00", "2028-02-29T04:00"),
        ("Asia/Taipei", "2024-02-28T16:30", "2025-02-27T16:30", "2025-02-27T16:30"),
        ("America/New_York", "2025-03-08T15:00", "2026-03-08T14:00", "2026-03-08T14:00"),
        ("America/New_York", "2025-03-08T15:00", "2026-03-08T13:59", "2025-03-08T15:00"),
        ("Pacific/Auckland", "2025-12-31T12:00", "2026-12-31T12:00", "2026-12-31T12:00"),
    ],
)
def test_membership_year_runs_from_the_wall_time_of_joining(
    zone: str, joined: str, instant: str, start: str
) -> None:
    found = window_start(Window(WindowKind.MEMBERSHIP_YEAR), at(instant), zone, at(joined))
    assert found == at(start)


@pytest.mark.parametrize(("after", "tier"), [({"refund": "1"}, "gold"), ({"end": True}, "gold")])
def test_tier_stays_when_its_cause_is_refunded_or_cancelled(after: dict[str, Any], tier: str) -> None:
    order = make_order(refunds=(make_refund(amount=after.get("refund", "0")),))
    if "end" in after:
        order = make_order(state=OrderState.DEAD, modified_at=NOON + DAY)
    assert fold(order, **rewarded()).tier_key == tier


@pytest.mark.parametrize(
    ("total", "refund", "withdrawn"), [("101", "1", False), ("101", "1.01", True), ("100", "0.01", True)]
)
def test_entry_reward_is_withdrawn_once_refunds_net_it_out(total: str, refund: str, withdrawn: bool) -> None:
    state = fold(make_order(total=total, refunds=(make_refund(amount=refund),)), **rewarded())
    assert [grant.withdrawn for grant in state.grants.values()] == [withdrawn]


def test_cancellation_of_an_earlier_order_withdraws_the_reward_it_helped_to() -> None:
    dead = make_order("1", total="60", state=OrderState.DEAD, modified_at=NOON + DAY)
    helped = make_order("2", total="60", at=NOON + HOUR)
    assert live(fold(dead, helped, **rewarded())) == []


def test_later_order_does_not_save_a_reward_that_was_netted_out() -> None:
    order = make_order("1", refunds=(make_refund(at=NOON + 2 * HOUR),))
    assert live(fold(order, make_order("2", at=NOON + HOUR), **rewarded())) == []


def test_used_reward_is_never_withdrawn() -> None:
    cause = "tier:customer:1:7:gold:1"
    member = MemberState("customer:1:7", used_causes=frozenset({cause}))
    assert live(fold(make_order(refunds=(make_refund(),)), member=member, **rewarded())) == [cause]


@pytest.mark.parametrize(
    ("since", "grants"),
    [(datetime(2025, 3, 10, 4, 0, 1, tzinfo=UTC), 0), (datetime(2025, 3, 10, 4, tzinfo=UTC), 1)],
)
def test_entry_reward_comes_again_after_twelve_months(since: datetime, grants: int) -> None:
    state, versions = make_member(make_order()), make_versions(**rewarded())
    state.joined_at = since - DAY
    state.periods = [
        Period("regular", 1, since - DAY, "joined"),
        Period("gold", 1, since, "tier:customer:1:7:gold:1", rewarded=True),
        Period("regular", 2, since + 30 * DAY, "fell"),
    ]
    state.held, state.rules = Holding("regular", since + 30 * DAY), 1
    decide(state, all_events(state, versions), versions, NOON + DAY)
    assert (state.periods[-1].entry, len(state.grants)) == (2, grants)


@pytest.mark.parametrize(("counts", "tier"), [(False, "regular"), (True, "gold")])
def test_adjustment_counts_only_where_marked(counts: bool, tier: str) -> None:
    enter = {"any": [{"metric": "points", "at_least": 150}]}
    state = fold(make_order(), commands=[make_command(50, counts=counts)], tiers=ladder(enter))
    assert state.tier_key == tier


@pytest.mark.parametrize(("marked", "tier"), [(False, "regular"), (True, "gold")])
def test_campaign_points_count_only_where_marked(marked: bool, tier: str) -> None:
    double = {
        "key": "c", "from": "2026-01-01T00:00", "until": "2027-01-01T00:00", "multiplier": "2",
        "counts_toward_tier": marked,
    }  # fmt: skip
    enter = {"any": [{"metric": "points", "at_least": 200}]}
    assert fold(make_order(), campaigns=[double], tiers=ladder(enter)).tier_key == tier


@pytest.mark.parametrize(
    "earning", [{"minimum_order": "500"}, {"caps": {"per_day": 10}}, {"unit": "30", "whole_units": True}]
)
def test_spend_counts_whatever_the_order_earned(earning: dict[str, Any]) -> None:
    enter = {"any": [{"metric": "spend", "at_least": "100"}]}
    assert fold(make_order(), earning=earning, tiers=ladder(enter)).tier_key == "gold"


def test_spend_is_not_multiplied() -> None:
    rules = [{"match": {"product_ids": ["p1"]}, "multiplier": "3"}]
    enter = {"any": [{"metric": "spend", "at_least": "100.01"}]}
    assert fold(make_order(), earning={"product_rules": rules}, tiers=ladder(enter)).tier_key == "regular"


def test_dead_order_counts_until_its_cancellation() -> None:
    dead = make_order("1", state=OrderState.DEAD, modified_at=NOON + 2 * HOUR)
    enter = {"any": [{"metric": "orders", "at_least": 2}]}
    assert fold(dead, make_order("2", at=NOON + HOUR), tiers=ladder(enter)).tier_key == "gold"
    assert fold(dead, make_order("2", at=NOON + 3 * HOUR), tiers=ladder(enter)).tier_key == "regular"


def test_refund_before_the_assessment_counts() -> None:
    first = make_order("1", refunds=(make_refund(amount="50"),))
    enter = {"any": [{"metric": "spend", "at_least": "151"}]}
    assert fold(first, make_order("2", at=NOON + 2 * HOUR), tiers=ladder(enter)).tier_key == "regular"


def test_forgiven_reversals_count_as_reversed() -> None:
    order = make_order(refunds=(make_refund(at=NOON + 3 * HOUR),))
    state = fold(order, commands=[make_command(-100)], refunds={"negative_balance": "floor"})
    assert state.orders["1:1"].counted == 0


def test_thresholds_are_those_of_the_version_at_the_order() -> None:
    low, high = (ladder({"any": [{"metric": "orders", "at_least": least}]}) for least in (1, 9))
    versions = make_two_versions({"tiers": low}, {"tiers": high})
    assert fold(make_order(), versions=versions).tier_key == "gold"
    assert fold(make_order(at=NOON + HOUR), versions=versions).tier_key == "regular"


def test_deleted_refund_brings_the_reward_back() -> None:
    versions = make_versions(**rewarded())
    taken = refold(make_member(make_file(make_order(refunds=(make_refund(),)))), versions, NOON + DAY)
    given = refold(make_member(make_file(make_order())), versions, NOON + DAY)
    assert (live(taken), live(given)) == ([], ["tier:customer:1:7:gold:1"])
