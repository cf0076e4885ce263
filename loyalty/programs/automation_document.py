"""From the checked JSON of segments, automations, referral and limits to frozen values."""

from __future__ import annotations

from typing import Any

from loyalty.clock import local_instant
from loyalty.programs import automations as a
from loyalty.programs.ladder import Window
from loyalty.programs.segments import LIFETIME, Between, Criterion, Days, Figure, OneOf, Segment, Since
from loyalty.programs.terms import Metric, WindowKind

Data = dict[str, Any]


def read_segment(data: Data, tz: str) -> Segment:
    """Return a segment of the account's zone."""
    any_of = "any" in data
    criteria = tuple(read_criterion(item, tz) for item in data["any" if any_of else "all"])
    return Segment(data["key"], any_of, criteria, data["name"])


def read_criterion(data: Data, tz: str) -> Criterion:
    """Return a condition; wall times are of the account's zone."""
    bounds = {name: data.get(name) for name in ("at_least", "below")}
    if data["kind"] == "metric":
        window = data.get("window")
        length = Window(WindowKind(window["kind"]), window["months"]) if window else LIFETIME
        return Figure(Metric(data["metric"]), **bounds, window=length)
    if data["kind"] == "days_since":
        whole = {name: None if value is None else value.__ceil__() for name, value in bounds.items()}
        return Days(Since(data["since"]), **whole)
    if data["kind"] == "date":
        return Between(local_instant(data["opens"], tz), local_instant(data["closes"], tz))
    return OneOf(data["kind"], frozenset(data.get("any_of", ())), frozenset(data.get("none_of", ())))


def read_automation(data: Data, tz: str) -> a.Automation:
    """Return an automation of the account's zone."""
    lists = {name: frozenset(data["when"].get(name, ())) for name in ("tiers", "activities")}
    return a.Automation(
        key=data["key"],
        trigger=a.Trigger(data["trigger"]),
        actions=tuple(map(read_action, data["actions"])),
        when=a.When(**{**data["when"], **lists}),
        conditions=tuple(read_criterion(item, tz) for item in data["conditions"]),
        once_per=a.OncePer(data["once_per"]),
        name=data["name"],
    )


def read_action(data: Data) -> a.Action:
    """Return one thing to do."""
    kind, rest = data["kind"], {name: value for name, value in data.items() if name != "kind"}
    if kind == "tag":
        return a.ChangeTags(*(frozenset(rest.get(name, ())) for name in ("add", "remove")))
    kinds: dict[str, type[Any]] = {
        "points": a.GivePoints,
        "coupon": a.GiveCoupon,
        "tier": a.HoldTier,
        "message": a.SendMessage,
        "webhook": a.CallWebhook,
    }
    action: a.Action = kinds[kind](**rest)
    return action


def read_referral(data: Data) -> a.Referral:
    """Return the terms of bringing friends."""
    sides = {side: tuple(map(read_action, data[side])) for side in ("referrer", "friend")}
    return a.Referral(**{**data, **sides})


def read_limit(kind: str, data: Data) -> a.ActivityLimit:
    """Return what activities of a kind count and how often."""
    rest = {name: value for name, value in data.items() if name != "event"}
    return a.ActivityLimit(kind, is_event=data["event"], **rest)
