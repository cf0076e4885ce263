"""Hypothesis strategies: programs that use many rules at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

LADDERS = [
    ("spend", ("100", "500", "900")),
    ("points", ("120", "300", "900")),
    ("orders", ("2", "3", "4")),
    ("activity", ("5", "10", "20")),
    ("events", ("1", "2", "3")),
    ("repeat_rate", ("0.5", "0.6", "0.75")),
]
KEYS = ("silver", "gold", "black")
LENGTHS = [{"days": 1}, {"days": 20}, {"months": 1}, {"months": 12}]


@st.composite
def tiers(draw: Callable[..., Any], reward: str | None) -> list[dict[str, Any]]:
    """A ladder of two to four tiers, each reached by one figure or another, some kept by less."""
    metric, thresholds = draw(st.sampled_from(LADDERS + LADDERS[:3]))
    rest = []
    for key, threshold, multiplier in zip(KEYS, thresholds, ("1.25", "1.5", "2"), strict=True):
        keep = draw(st.sampled_from([None, None, "1", thresholds[0]]))
        tier = {
            "key": key, "name": {"en": key}, "enter": {"any": [{"metric": metric, "at_least": threshold}]},
            "keep": {"all": [{"metric": metric, "at_least": keep}]} if keep else None,
            "benefits": {"multiplier": multiplier, "entry_reward": reward},
        }  # fmt: skip
        rest.append(tier)
    return [{"key": "regular", "name": {"en": "Regular"}}, *rest[: draw(st.integers(1, 3))]]


@st.composite
def policies(draw: Callable[..., Any]) -> dict[str, Any]:
    """Windows, ends of periods, grace, and what refunds and new versions do."""
    window = draw(st.sampled_from(["rolling", "calendar_year", "membership_year", "lifetime"]))
    return {
        "window": {"kind": window, "months": draw(st.sampled_from([1, 12]))},
        "validity": draw(st.sampled_from([None, *LENGTHS])),
        "downgrade": draw(st.sampled_from(["recalculate", "one_step"])),
        "grace_days": draw(st.sampled_from([0, 0, 3, 40])),
        "on_refund": draw(st.sampled_from(["period_end", "at_once"])),
        "on_change": draw(st.sampled_from(["keep", "recalculate"])),
    }


@st.composite
def memberships(draw: Callable[..., Any], ladder: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Some products that are bought for a tier."""
    keys = st.sampled_from([tier["key"] for tier in ladder])
    return [
        {
            "key": f"plus-{product}", "match": {"product_ids": [product]}, "tier": draw(keys),
            "term": draw(st.sampled_from(LENGTHS)), "grace_days": draw(st.sampled_from([0, 0, 5])),
        }
        for product in draw(st.sampled_from([(), (), ("p1",), ("p2",), ("p1", "p2")]))
    ]  # fmt: skip


@st.composite
def documents(draw: Callable[..., Any]) -> dict[str, Any]:
    """A program that uses many rules at once."""
    ladder = draw(tiers(draw(st.sampled_from([None, "ten-off"]))))
    return {
        "enrolment": {"exclude": {"tags": draw(st.sampled_from([[], ["staff"]]))}},
        "earning": draw(earnings()),
        "expiry": draw(expiries),
        "refunds": {
            "negative_balance": draw(st.sampled_from(["allow", "floor"])),
            "restore_redeemed": draw(st.sampled_from(["proportional", "proportional", "full", "none"])),
            "restore_min_days": draw(st.sampled_from([0, 30])),
        },
        "tiers": ladder,
        "tier_policy": draw(policies()),
        "memberships": draw(memberships(ladder)),
        "rewards": draw(rewards()),
        "cash_back": draw(cash_backs(ladder)),
        "segments": SEGMENTS,
        "automations": draw(st.lists(automations, max_size=3, unique_by=lambda each: each["key"])),
        "campaigns": draw(st.lists(campaigns, max_size=2, unique_by=lambda campaign: campaign["key"])),
    }


@st.composite
def cash_backs(draw: Callable[..., Any], ladder: list[dict[str, Any]]) -> dict[str, Any]:
    """Some percent of what is spent, another one for some tier, or none."""
    key = draw(st.sampled_from([tier["key"] for tier in ladder]))
    return draw(
        st.sampled_from(
            [{}, {"percent": "2.5"}, {"percent": "7", "tiers": {key: "0.3"}, "minimum_order": "60"}]
        )
    )


@st.composite
def rewards(draw: Callable[..., Any]) -> list[dict[str, Any]]:
    """A gift, and what can be redeemed: a code that ends or does not, one for any points, and what needs no code."""
    days, on_expiry = st.sampled_from([None, 1, 20]), st.sampled_from(["return", "forfeit"])
    ending = {"valid_days": draw(days), "on_expiry": draw(on_expiry)}
    return [
        {"key": "ten-off", "kind": "fixed_discount", "amount": "10", "valid_days": 400},
        {"key": "money", "kind": "store_credit", "points": 40, "amount": "7.5"},
        {"key": "off", "kind": "fixed_discount", "points": 60, "amount": "6", **ending},
        {"key": "any", "kind": "variable_discount", "points": 1, "amount": "0.05", **ending},
        {"key": "talk", "kind": "service", "points": 60},
        {"key": "partner", "kind": "external", "points": 60},
    ]


SEGMENTS = [
    {"key": "buyers", "all": [{"kind": "metric", "metric": "spend", "at_least": "150",
        "window": {"kind": "rolling", "months": 1}}]},
    {"key": "new", "any": [{"kind": "days_since", "since": "joined", "below": 12}, {"kind": "tag", "any_of": ["vip"]}]},
]  # fmt: skip
GIFT = {"kind": "coupon", "reward": "ten-off"}
automations = st.sampled_from(
    [
        {"key": "hello", "trigger": "member_joined", "actions": [{"kind": "points", "points": 9}, GIFT]},
        {"key": "second", "trigger": "order_count", "when": {"count": 2},
         "actions": [{"kind": "points", "points": 21, "counts_toward_tier": True}, {"kind": "tag", "add": ["vip"]}]},
        {"key": "each", "trigger": "order_count", "when": {"every": 2}, "actions": [{"kind": "points", "points": 5}]},
        {"key": "paid", "trigger": "order_paid", "when": {"minimum_order": "60"}, "once_per": "day",
         "conditions": [{"kind": "segment", "any_of": ["buyers"]}], "actions": [{"kind": "points", "points": 3}]},
        {"key": "run", "trigger": "streak", "when": {"months": 2}, "actions": [GIFT]},
        {"key": "lift", "trigger": "order_paid", "once_per": "month",
         "actions": [{"kind": "tier", "tier": "silver", "for": {"days": 15}}]},
        {"key": "rise", "trigger": "tier_changed", "actions": [{"kind": "points", "points": 50}]},
        {"key": "talk", "trigger": "activity_recorded", "once_per": "week",
         "actions": [{"kind": "points", "points": 2, "counts_toward_tier": True}]},
        {"key": "cake", "trigger": "birthday", "actions": [{"kind": "points", "points": 77}, GIFT]},
    ]
)  # fmt: skip
expiries = st.sampled_from(
    [
        {"mode": "none"},
        {"mode": "lot", "after": {"days": 10}},
        {"mode": "lot", "after": {"months": 1}, "round_up_to": "month"},
        {"mode": "inactivity", "after": {"days": 10}},
        {"mode": "inactivity", "after": {"months": 1}, "round_up_to": "month"},
    ]
)
campaigns = st.sampled_from(
    [
        {"key": "double", "multiplier": "2", "scope": {"product_ids": ["p1"]}},
        {"key": "more", "multiplier": "1.3", "stacking": "add", "counts_toward_tier": True},
        {"key": "gift", "bonus": 50, "minimum_order": "100"},
        {"key": "first", "bonus": 33, "first_order": True},
        {"key": "third", "multiplier": "3", "nth_order": 3, "scope": {"tiers": ["regular", "silver"]}},
        {"key": "days", "multiplier": "2", "recurs": {"weekdays": [1, 2, 3]}, "scope": {"channels": ["pos"]}},
        {"key": "scarce", "multiplier": "2", "budget": 120},
        {"key": "few", "bonus": 40, "stacking": "add", "budget": 70, "counts_toward_tier": True},
        {"key": "each", "multiplier": "1.5", "per_member": 60, "scope": {"product_ids": ["p1"]}},
    ]
).map(lambda campaign: {"from": "2026-01-01T00:00", "until": "2026-02-20T00:00", **campaign})


@st.composite
def earnings(draw: Callable[..., Any]) -> dict[str, Any]:
    return {
        "award_on": draw(st.sampled_from(["paid", "paid", "completed"])),
        "points_per_unit": draw(st.sampled_from(["1", "3", "0.4"])),
        "unit": draw(st.sampled_from(["1", "2.50"])),
        "whole_units": draw(st.booleans()),
        "rounding": draw(st.sampled_from(["floor", "half_up", "ceiling"])),
        "base": {"discounts": draw(st.sampled_from(["deducted", "ignored"])), "shipping": draw(st.booleans())},
        "minimum_order": draw(st.sampled_from(["0", "50"])),
        "pending_days": draw(st.sampled_from([0, 0, 7])),
        "excluded": {"product_ids": draw(st.sampled_from([[], ["p2"]]))},
        "caps": draw(st.sampled_from([{}, {}, {"per_order": 90}, {"per_day": 150}, {"per_month": 400}])),
    }  # fmt: skip
