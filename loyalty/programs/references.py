"""What a program document names somewhere must stand elsewhere in it: rewards, tiers, segments, messages;
law: every mistake is told with its path.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]
Named = tuple[Path, str, str]
"""Where something is named, what it is, and its key."""


def list_missing(data: dict[str, Any]) -> dict[str | int, Any]:
    """Return marshmallow's nested messages for each key that names nothing; empty when all is well."""
    known = {
        "tier": {tier["key"] for tier in data["tiers"]},
        "reward": {reward["key"] for reward in data["rewards"]},
        "segment": {segment["key"] for segment in data["segments"]},
        "message": set(data["messages"]),
        "automation": {automation["key"] for automation in data["automations"]},
    }
    found: dict[str | int, Any] = {}
    for path, what, key in _names(data):
        if key not in known[what]:
            _put(found, path, f"There is no {what} {key}.")
    return found


def _put(found: dict[str | int, Any], path: Path, message: str) -> None:
    *inner, last = path
    for step in inner:
        found = found.setdefault(step, {})
    found.setdefault(last, []).append(message)


def _names(data: dict[str, Any]) -> Iterator[Named]:
    for index, tier in enumerate(data["tiers"]):
        for benefit in ("entry_reward", "birthday_reward"):
            if tier["benefits"][benefit] is not None:
                yield ("tiers", index, "benefits", benefit), "reward", tier["benefits"][benefit]
    for index, reward in enumerate(data["rewards"]):
        for key in sorted(set(reward["tiers"])):
            yield ("rewards", index, "tiers"), "tier", key
        if reward["from_tier"] is not None:
            yield ("rewards", index, "from_tier"), "tier", reward["from_tier"]
    for index, membership in enumerate(data["memberships"]):
        yield ("memberships", index, "tier"), "tier", membership["tier"]
    for key in data["cash_back"]["tiers"]:
        yield ("cash_back", "tiers", key), "tier", key
    for index, campaign in enumerate(data["campaigns"]):
        for word, what in (("tiers", "tier"), ("segments", "segment")):
            for key in sorted(set(campaign["scope"][word])):
                yield ("campaigns", index, "scope", word), what, key
    for index, segment in enumerate(data["segments"]):
        for word in ("any", "all"):
            yield from _in_criteria(("segments", index, word), segment.get(word, ()))
    for index, automation in enumerate(data["automations"]):
        yield from _in_automation(("automations", index), automation)
    for side in ("referrer", "friend"):
        yield from _in_actions(("referral", side), data["referral"][side])


def _in_automation(path: Path, automation: dict[str, Any]) -> Iterator[Named]:
    when = automation["when"]
    for key in when.get("tiers", ()):
        yield (*path, "when", "tiers"), "tier", key
    if "segment" in when:
        yield (*path, "when", "segment"), "segment", when["segment"]
    yield from _in_criteria((*path, "conditions"), automation["conditions"])
    yield from _in_actions((*path, "actions"), automation["actions"])


def _in_criteria(path: Path, criteria: Any) -> Iterator[Named]:
    for index, criterion in enumerate(criteria):
        if criterion["kind"] in ("tier", "segment"):
            for word in ("any_of", "none_of"):
                for key in criterion.get(word, ()):
                    yield (*path, index, word), criterion["kind"], key


def _in_actions(path: Path, actions: list[dict[str, Any]]) -> Iterator[Named]:
    for index, action in enumerate(actions):
        kind = {"coupon": "reward"}.get(action["kind"], action["kind"])
        if kind in ("reward", "tier", "message"):
            yield (*path, index, kind), kind, action[kind]
