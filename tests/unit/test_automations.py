"""Automations that events of the timeline cause: what they give, once for what, and what refunds take back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import NOON, make_order, make_program, make_refund
from folding import DAY, HOUR, SOON, balance, fold, make_member, moved, net
from ladders import ladder, story, tier

from loyalty.commerce import OrderState
from loyalty.engine.commands import AdjustPoints, RecordActivity, RunActions, Source, TagMember, UndoActions
from loyalty.engine.decide import decide, refold
from loyalty.engine.state import MemberState
from loyalty.engine.timeline import command_event, order_events
from loyalty.programs.program import Versions

GIFT = {"key": "gift", "kind": "fixed_discount", "amount": "100"}
HUNDRED = {"kind": "points", "points": 100}
COUPON = {"kind": "coupon", "reward": "gift"}
MONTH = timedelta(days=31)
BASE = {"earning": {"points_per_unit": "0"}}
"""Orders themselves earn nothing, so that only bonuses are seen."""


def automation(trigger: str, *actions: dict[str, Any], key: str = "a", **parts: Any) -> dict[str, Any]:
    return {"key": key, "trigger": trigger, "actions": list(actions) or [HUNDRED], **parts}


def program(*automations: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {**BASE, "rewards": [GIFT], "automations": list(automations), **parts}


def orders(count: int, apart: timedelta = DAY) -> list[Any]:
    return [make_order(str(number), at=NOON + (number - 1) * apart) for number in range(1, count + 1)]


def live(state: MemberState) -> list[str]:
    """The causes of the coupons that stand."""
    return sorted(grant.cause for grant in state.grants.values() if not grant.withdrawn)


def full_refund(order: Any, at: datetime) -> Any:
    return replace(order, refunds=(make_refund(f"9{order.external_id}", "100", at=at, lines={"1": "100"}),))


def test_joining_is_greeted_once_whatever_follows() -> None:
    state = fold(*orders(3), until=SOON, **program(automation("member_joined", HUNDRED, COUPON)))
    assert moved(state) == [100]
    assert live(state) == ["automation:customer:1:7:a:joined:1"]


def test_joining_by_a_command_is_greeted_too() -> None:
    command = TagMember(1, NOON, ("new",), (), "by hand")
    state = fold(commands=[command], **program(automation("member_joined")))  # type: ignore[list-item]
    assert net(state) == 100


@pytest.mark.parametrize(("minimum", "points"), [("99", 100), ("100", 100), ("101", 0)])
def test_a_paid_order_of_a_minimum(minimum: str, points: int) -> None:
    rule = automation("order_paid", when={"minimum_order": minimum})
    assert net(fold(make_order(), **program(rule))) == points


@pytest.mark.parametrize(("placed", "points"), [(4, 0), (5, 100), (6, 100), (10, 100)])
def test_the_fifth_order_and_no_other(placed: int, points: int) -> None:
    state = fold(*orders(placed), **program(automation("order_count", when={"count": 5})))
    assert net(state) == points


@pytest.mark.parametrize(("placed", "points"), [(2, 0), (3, 100), (5, 100), (6, 200)])
def test_every_third_order(placed: int, points: int) -> None:
    assert net(fold(*orders(placed), **program(automation("order_count", when={"every": 3})))) == points


def test_refund_withdraws_a_milestone_and_a_later_order_earns_it() -> None:
    five = orders(5)
    five[4] = full_refund(five[4], at=five[4].paid_at + HOUR)
    rules = program(automation("order_count", HUNDRED, COUPON, when={"count": 5}))
    state = fold(*five, **rules)
    assert (net(state), live(state)) == (0, [])
    state = fold(*five, make_order("6", at=NOON + 6 * DAY), **rules)
    assert (net(state), live(state)) == (100, ["automation:customer:1:7:a:5~2:1"])


def test_cancelled_order_makes_no_milestone() -> None:
    dead = make_order("5", at=NOON + 4 * DAY, state=OrderState.DEAD, modified_at=NOON + 5 * DAY)
    rules = program(automation("order_count", when={"count": 5}))
    assert net(fold(*orders(4), dead, **rules)) == 0
    assert net(fold(*orders(4), dead, make_order("6", at=NOON + 6 * DAY), **rules)) == 100


def test_only_what_is_unused_of_a_bonus_goes() -> None:
    order = full_refund(make_order(), at=NOON + 3 * HOUR)
    spent = AdjustPoints(1, NOON + 2 * HOUR, -30, "spent", False, "staff")
    state = fold(order, commands=[spent], **program(automation("order_paid")))
    assert moved(state) == [100, -30, -70]
    assert balance(state).available == 0


def test_a_used_coupon_stays_when_its_order_is_refunded() -> None:
    member = make_member(full_refund(make_order(), at=NOON + HOUR))
    member.used_causes = frozenset({"automation:customer:1:7:a:1:1:0"})
    state = refold(member, versions(program(automation("order_paid", COUPON))), SOON)
    assert live(state) == ["automation:customer:1:7:a:1:1:0"]


def versions(document: dict[str, Any]) -> Versions:
    return Versions((make_program(**document),))


@pytest.mark.parametrize(
    ("months", "points"),
    [
        ([0, 1], 0),
        ([0, 1, 2], 100),
        ([0, 2, 3], 0),
        ([0, 1, 2, 3], 100),
        ([0, 1, 2, 4, 5, 6], 200),
        ([0, 0, 1, 2, 2], 100),
    ],
)
def test_streak_of_three_months_once_each(months: list[int], points: int) -> None:
    placed = [
        make_order(str(number), at=NOON + month * MONTH + number * HOUR)
        for number, month in enumerate(months, 1)
    ]
    rule = automation("streak", when={"months": 3})
    assert net(fold(*placed, until=NOON + 12 * MONTH, **program(rule))) == points


def test_refund_of_a_month_breaks_the_streak() -> None:
    placed = orders(3, MONTH)
    placed[1] = full_refund(placed[1], at=NOON + 3 * MONTH)
    rule = automation("streak", when={"months": 3})
    assert net(fold(*placed, until=NOON + 12 * MONTH, **program(rule))) == 0


SILVER = ladder(tier("silver", "200"), tier("gold", "400"))


@pytest.mark.parametrize(
    ("when", "points"),
    [
        ({}, 200),
        ({"tiers": ["gold"]}, 100),
        ({"direction": "down"}, 0),
        ({"direction": "any", "tiers": ["silver"]}, 100),
    ],
)
def test_rising_into_tiers(when: dict[str, Any], points: int) -> None:
    state = fold(*orders(4), tiers=SILVER, **program(automation("tier_changed", when=when)))
    assert net(state) == points


def test_reward_of_a_tier_goes_when_refunds_unmake_it() -> None:
    placed = orders(2)
    placed[1] = full_refund(placed[1], at=NOON + 2 * DAY)
    state = fold(*placed, tiers=SILVER, **program(automation("tier_changed", COUPON)))
    assert live(state) == []


def test_points_that_count_lift_at_once_and_what_follows_follows() -> None:
    ladder_by_points = ladder(tier("silver", 100, metric="points"))
    first = automation("order_paid", {**HUNDRED, "counts_toward_tier": True}, key="first")
    then = automation("tier_changed", {"kind": "tag", "add": ["climber"]}, key="then")
    state = fold(make_order(), tiers=ladder_by_points, **program(first, then))
    assert (state.tier_key, state.tags) == ("silver", {"climber"})


def test_a_tier_for_a_time_begins_and_ends() -> None:
    rule = automation("order_count", {"kind": "tier", "tier": "gold", "for": {"days": 10}}, when={"count": 1})
    state = fold(make_order(), tiers=SILVER, until=NOON + 20 * DAY, **program(rule))
    assert story(state) == [("gold", "automation"), ("regular", "automation_ended")]


@pytest.mark.parametrize(
    ("once_per", "points"), [("cause", 400), ("member", 100), ("day", 300), ("month", 200), ("year", 100)]
)
def test_once_per(once_per: str, points: int) -> None:
    at = [NOON, NOON + HOUR, NOON + DAY, NOON + MONTH]
    placed = [make_order(str(number), at=moment) for number, moment in enumerate(at, 1)]
    rule = automation("order_paid", once_per=once_per)
    assert net(fold(*placed, until=NOON + 2 * MONTH, **program(rule))) == points


@pytest.mark.parametrize(
    ("condition", "points"),
    [
        ({"kind": "tier", "any_of": ["regular"]}, 100),
        ({"kind": "tier", "none_of": ["regular"]}, 0),
        ({"kind": "metric", "metric": "spend", "at_least": "100"}, 100),
        ({"kind": "metric", "metric": "spend", "below": "100"}, 0),
        ({"kind": "region", "any_of": ["TW"]}, 0),
        ({"kind": "segment", "any_of": ["buyers"]}, 100),
        ({"kind": "days_since", "since": "joined", "below": 1}, 100),
        ({"kind": "date", "from": "2026-03-10T12:00", "until": "2026-03-10T12:01"}, 100),
        ({"kind": "date", "from": "2026-03-10T12:01", "until": "2026-03-11T00:00"}, 0),
    ],
)
def test_conditions_must_hold(condition: dict[str, Any], points: int) -> None:
    segment = {"key": "buyers", "all": [{"kind": "metric", "metric": "orders", "at_least": 1}]}
    rule = automation("order_paid", conditions=[condition])
    assert net(fold(make_order(), segments=[segment], **program(rule))) == points


def test_activity_of_a_kind_is_answered() -> None:
    commands = [RecordActivity(number, NOON + number * HOUR, kind, "1", 0, False, "api")
                for number, kind in enumerate(["review", "vote"], 1)]  # fmt: skip
    rule = automation("activity_recorded", when={"activities": ["review"]})
    state = fold(commands=commands, **program(rule))  # type: ignore[arg-type]
    assert moved(state) == [100]


def run(number: int, occasion: str, at: datetime = NOON, **more: Any) -> RunActions:
    source = more.pop("source", Source.AUTOMATION)
    return RunActions(number, at, source, more.pop("key", "a"), occasion, more, "birthday", "laurel")


def test_what_time_caused_is_given_as_the_command_says() -> None:
    rule = automation("birthday", HUNDRED, COUPON)
    state = fold(commands=[run(1, "2026")], **program(rule))  # type: ignore[list-item]
    assert net(state) == 100
    assert live(state) == ["automation:customer:1:7:a:2026:1"]


def test_an_automation_that_is_gone_by_then_gives_nothing() -> None:
    assert net(fold(commands=[run(1, "2026")], **program())) == 0  # type: ignore[list-item]


def test_birthday_reward_of_the_tier_held() -> None:
    tiers = ladder(tier("silver", "100", birthday_reward="gift"))
    command = run(1, "2026", at=NOON + DAY, source=Source.BIRTHDAY, key="reward")
    state = fold(make_order(), commands=[command], tiers=tiers, **program())  # type: ignore[list-item]
    assert live(state) == ["birthday:customer:1:7:reward:2026:0"]


def test_undoing_what_was_run_takes_what_is_unused() -> None:
    undo = UndoActions(2, NOON + HOUR, Source.AUTOMATION, "a", "2026", "by hand")
    state = fold(commands=[run(1, "2026"), undo], **program(automation("birthday", HUNDRED, COUPON)))  # type: ignore[list-item]
    assert (moved(state), live(state)) == ([100, -100], [])


def test_a_completed_referral_pays_its_side_and_is_followed() -> None:
    referral = {"referrer": [HUNDRED], "friend": [COUPON]}
    thanks = automation("referral_completed", {"kind": "tag", "add": ["advocate"]}, when={"side": "referrer"})
    command = run(1, "customer:1:8", source=Source.REFERRAL, key="referrer")
    state = fold(commands=[command], referral=referral, **program(thanks))  # type: ignore[list-item]
    assert (net(state), state.tags) == (100, {"advocate"})


def test_messages_and_calls_are_asked_for_with_what_was_given() -> None:
    text = {"subject": {"en": "Hi"}, "body": {"en": "{points}"}}
    calls = [{"kind": "message", "message": "m"}, {"kind": "webhook", "url": "https://crm.example.test/"}]
    state = fold(make_order(), messages={"m": text}, **program(automation("order_paid", HUNDRED, *calls)))
    assert [(told.kind, told.target, told.data["points"]) for told in state.told] == [
        ("message", "m", 100), ("webhook", "https://crm.example.test/", 100),
    ]  # fmt: skip


def test_of_an_order_that_ended_unseen_nobody_is_told() -> None:
    text = {"subject": {"en": "Hi"}, "body": {"en": "Thanks"}}
    rule = automation("order_paid", {"kind": "message", "message": "m"})
    dead = make_order(state=OrderState.DEAD, modified_at=NOON + HOUR)
    assert fold(dead, messages={"m": text}, **program(rule)).told == []


@pytest.mark.parametrize("split", range(7))
def test_appending_ends_where_folding_from_nothing_does(split: int) -> None:
    document = program(
        automation("member_joined", {"kind": "tag", "add": ["member"]}, key="join"),
        automation("order_count", when={"every": 2}, key="every"),
        automation("streak", when={"months": 2}, key="streak"),
        automation("tier_changed", key="tier", once_per="year"),
        tiers=SILVER,
    )
    rules = versions(document)
    member = make_member(*orders(5, timedelta(days=20)), commands=[run(1, "x", at=NOON + DAY)])  # type: ignore[list-item]
    whole = refold(member, rules, SOON + 4 * MONTH)
    fresh = make_member(*orders(5, timedelta(days=20))).blank()
    events = sorted(
        [event for file in fresh.orders.values() if file.snapshot
         for event in order_events(file.ref, file.snapshot, None, rules)]
        + [command_event(run(1, "x", at=NOON + DAY))],
        key=lambda event: event.key,
    )  # fmt: skip
    decide(fresh, events[:split], rules, events[split - 1].key.at if split else NOON - DAY)
    first = moved(fresh)
    fresh.movements, fresh.bonuses, fresh.grants = [], {}, {}
    decide(fresh, events[split:], rules, SOON + 4 * MONTH)
    assert first + moved(fresh) == moved(whole)
    assert (fresh.ran, fresh.tags, fresh.tier_key) == (whole.ran, whole.tags, whole.tier_key)
