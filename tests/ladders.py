"""Ladders of tiers, and what became of a member on one, in few words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from loyalty.engine.state import MemberState

REWARDS = [{"key": "gift", "kind": "fixed_discount", "amount": "100"}]


def instant(text: str) -> datetime:
    """An instant of UTC: `2026-03-10T04:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def least(amount: str | int, metric: str = "spend") -> dict[str, Any]:
    """The condition of at least so much of a metric."""
    return {"any": [{"metric": metric, "at_least": amount}]}


def tier(
    key: str,
    enter: str | int | None = None,
    keep: str | int | None = None,
    metric: str = "spend",
    **benefits: Any,
) -> dict[str, Any]:
    """A tier that is entered, and kept, by at least so much."""
    return {
        "key": key,
        "name": {"en": key},
        "enter": None if enter is None else least(enter, metric),
        "keep": None if keep is None else least(keep, metric),
        "benefits": benefits,
    }


def ladder(*tiers: dict[str, Any]) -> list[dict[str, Any]]:
    """Regular, and these above it."""
    return [tier("regular"), *tiers]


THREE = ladder(tier("silver", "300"), tier("gold", "600"), tier("black", "1000"))
"""Silver, gold, black by spending 300, 600, 1000."""


def story(state: MemberState) -> list[tuple[str, str]]:
    """The periods after joining: tier and reason."""
    return [(period.tier_key, period.reason) for period in state.periods[1:]]


def dated(state: MemberState) -> list[tuple[str, datetime]]:
    """The periods after joining: tier and start."""
    return [(period.tier_key, period.started_at) for period in state.periods[1:]]
