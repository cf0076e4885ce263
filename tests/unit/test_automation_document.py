"""Segments, automations, messages, referral and limits in the program document, and the path of every mistake."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from builders import make_document, make_program

from loyalty.errors import Invalid
from loyalty.programs.automations import (
    CallWebhook,
    ChangeTags,
    GiveCoupon,
    GivePoints,
    HoldTier,
    OncePer,
    SendMessage,
    Trigger,
)
from loyalty.programs.document import check_document
from loyalty.programs.ladder import Window
from loyalty.programs.program import MONTH_AND_A_BIT
from loyalty.programs.segments import Between, Days, Figure, OneOf, Since
from loyalty.programs.terms import Duration, Metric, WindowKind

REWARD = {"key": "gift", "kind": "fixed_discount", "amount": "100"}
POINTS = {"kind": "points", "points": 100}
TEXT = {"subject": {"en": "Hello {name}"}, "body": {"en": "You have {points} {points_name}."}}


def automation(trigger: str = "member_joined", **parts: Any) -> dict[str, Any]:
    """An automation of 100 points."""
    return {"key": "a", "trigger": trigger, "actions": [POINTS], **parts}


def test_criteria_of_every_kind_are_read() -> None:
    criteria = [
        {"kind": "tier", "any_of": ["regular"]},
        {"kind": "tag", "none_of": ["staff"]},
        {"kind": "region", "any_of": ["tw", "us-NY"]},
        {"kind": "metric", "metric": "spend", "at_least": "0.5", "window": {"kind": "rolling", "months": 3}},
        {"kind": "metric", "metric": "orders", "below": 3},
        {"kind": "days_since", "since": "last_order", "at_least": 30, "below": 60},
        {"kind": "date", "from": "2026-12-01T00:00", "until": "2026-12-08T00:00"},
    ]
    segment = make_program(segments=[{"key": "s", "all": criteria}]).segments[0]
    assert not segment.any_of
    assert segment.criteria == (
        OneOf("tier", frozenset({"regular"})),
        OneOf("tag", none_of=frozenset({"staff"})),
        OneOf("region", frozenset({"TW", "US-NY"})),
        Figure(Metric.SPEND, Fraction(1, 2), None, Window(WindowKind.ROLLING, 3)),
        Figure(Metric.ORDERS, None, Fraction(3)),
        Days(Since.LAST_ORDER, 30, 60),
        Between(datetime(2026, 11, 30, 16, tzinfo=UTC), datetime(2026, 12, 7, 16, tzinfo=UTC)),
    )


def test_actions_of_every_kind_are_read() -> None:
    actions = [
        {"kind": "points", "points": 5, "counts_toward_tier": True},
        {"kind": "coupon", "reward": "gift"},
        {"kind": "tier", "tier": "regular", "for": {"days": 30}},
        {"kind": "tag", "add": ["vip"], "remove": ["new"]},
        {"kind": "message", "message": "hello"},
        {"kind": "webhook", "url": "https://crm.example.test/laurel"},
    ]
    program = make_program(
        rewards=[REWARD],
        messages={"hello": TEXT},
        automations=[automation(actions=actions, once_per="month")],
    )
    (read,) = program.automations
    assert (read.trigger, read.once_per) == (Trigger.MEMBER_JOINED, OncePer.MONTH)
    assert read.actions == (
        GivePoints(5, True),
        GiveCoupon("gift"),
        HoldTier("regular", Duration(days=30)),
        ChangeTags(frozenset({"vip"}), frozenset({"new"})),
        SendMessage("hello"),
        CallWebhook("https://crm.example.test/laurel"),
    )


MISTAKES = [
    ({"automations": [automation("order_count")]}, "/automations/0/when/count"),
    ({"automations": [automation("order_count", when={"count": 1, "every": 2})]}, "/automations/0/when/count"),
    ({"automations": [automation("streak")]}, "/automations/0/when/months"),
    ({"automations": [automation("inactive_for")]}, "/automations/0/when/days"),
    ({"automations": [automation(when={"days": 3})]}, "/automations/0/when/days"),
    ({"automations": [automation("tier_changed", when={"tiers": ["no"]})]}, "/automations/0/when/tiers"),
    ({"automations": [automation("segment_left", when={"segment": "no"})]}, "/automations/0/when/segment"),
    ({"automations": [automation(once_per="century")]}, "/automations/0/once_per"),
    ({"automations": [automation(actions=[])]}, "/automations/0/actions"),
    ({"automations": [automation(actions=[{"kind": "points"}])]}, "/automations/0/actions/0/points"),
    ({"automations": [automation(actions=[{**POINTS, "url": "x"}])]}, "/automations/0/actions/0/url"),
    ({"automations": [automation(actions=[{"kind": "coupon", "reward": "no"}])]}, "/automations/0/actions/0/reward"),
    ({"automations": [automation(actions=[{"kind": "tier", "tier": "no"}])]}, "/automations/0/actions/0/tier"),
    ({"automations": [automation(actions=[{"kind": "tag"}])]}, "/automations/0/actions/0/add"),
    ({"automations": [automation(actions=[{"kind": "message", "message": "no"}])]}, "/automations/0/actions/0/message"),
    (
        {"automations": [automation(actions=[{"kind": "webhook", "url": "http://crm.example.test"}])]},
        "/automations/0/actions/0/url",
    ),
    ({"automations": [automation(), automation()]}, "/automations/1/key"),
    ({"automations": [automation(conditions=[{"kind": "segment", "any_of": ["no"]}])]},
     "/automations/0/conditions/0/any_of"),
    ({"segments": [{"key": "s", "all": [{"kind": "tier"}]}]}, "/segments/0/all/0"),
    ({"segments": [{"key": "s"}]}, "/segments/0"),
    ({"segments": [{"key": "s", "any": [{"kind": "segment", "any_of": ["s"]}]}]}, "/segments/0/any/0/kind"),
    ({"segments": [{"key": "s", "any": [{"kind": "metric", "metric": "spend"}]}]}, "/segments/0/any/0/at_least"),
    ({"segments": [{"key": "s", "any": [{"kind": "tag", "any_of": ["a"], "below": 3}]}]}, "/segments/0/any/0/below"),
    ({"segments": [{"key": "s", "any": [{"kind": "region", "any_of": ["Taiwan"]}]}]}, "/segments/0/any/0"),
    ({"messages": {"m": {**TEXT, "body": {"en": "{nmae}"}}}}, "/messages/m/body/en"),
    ({"referral": {"friend": [{"kind": "coupon", "reward": "no"}]}}, "/referral/friend/0/reward"),
    ({"limits": {"activities": {"review": {"per_day": 0}}}}, "/limits/activities/review/per_day"),
    ({"limits": {"activities": {"Review!": {}}}}, "/limits/activities/Review!"),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "path"), MISTAKES, ids=[path for _, path in MISTAKES])
def test_a_mistake_is_told_with_its_path(parts: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_document(make_document(**parts))
    assert path in refused.value.fields


def test_rules_look_back_as_far_as_segments_and_streaks_ask() -> None:
    window = {"kind": "rolling", "months": 24}
    figure = {"kind": "metric", "metric": "spend", "at_least": 1, "window": window}
    assert make_program().reach() == 12 * MONTH_AND_A_BIT
    assert make_program(segments=[{"key": "s", "any": [figure]}]).reach() == 24 * MONTH_AND_A_BIT
    assert (
        make_program(automations=[automation("streak", when={"months": 18})]).reach() == 19 * MONTH_AND_A_BIT
    )


@pytest.mark.parametrize(
    ("once_per", "occasion"),
    [("member", "once"), ("year", "2026"), ("month", "2026-03"), ("week", "2026-W11"), ("day", "2026-03-10"),
     ("cause", "1:25")],
)  # fmt: skip
def test_what_an_automation_runs_once_for(once_per: str, occasion: str) -> None:
    at = datetime(2026, 3, 9, 16, tzinfo=UTC)
    assert OncePer(once_per).occasion("1:25", at, "Asia/Taipei") == occasion
