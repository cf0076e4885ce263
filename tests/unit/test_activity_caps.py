"""Caps of activities: local days, ISO weeks and months, just before, at and after midnight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loyalty.engine.capping import open_caps
from loyalty.programs.automations import ActivityLimit
from loyalty.programs.program import LANGUAGES

TAIPEI, NEW_YORK = "Asia/Taipei", "America/New_York"
MOMENT = timedelta(microseconds=1)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def period(name: str, at: datetime, tz: str) -> tuple[datetime, datetime]:
    """The period of one cap that holds an instant."""
    (cap,) = open_caps(ActivityLimit("review", **{name: 1}), at, tz)
    return cap.start, cap.end


MIDNIGHTS = [
    ("per_day", TAIPEI, "2026-03-09T16:00", "2026-03-10T16:00", "2026-03-08T16:00"),
    ("per_week", TAIPEI, "2026-03-08T16:00", "2026-03-15T16:00", "2026-03-01T16:00"),
    ("per_month", TAIPEI, "2026-03-31T16:00", "2026-04-30T16:00", "2026-02-28T16:00"),
    ("per_month", TAIPEI, "2025-12-31T16:00", "2026-01-31T16:00", "2025-11-30T16:00"),
    ("per_day", NEW_YORK, "2026-03-08T05:00", "2026-03-09T04:00", "2026-03-07T05:00"),
    ("per_day", NEW_YORK, "2026-11-01T04:00", "2026-11-02T05:00", "2026-10-31T04:00"),
    ("per_week", NEW_YORK, "2026-03-09T04:00", "2026-03-16T04:00", "2026-03-02T05:00"),
    ("per_week", NEW_YORK, "2025-12-29T05:00", "2026-01-05T05:00", "2025-12-22T05:00"),
    ("per_month", NEW_YORK, "2026-04-01T04:00", "2026-05-01T04:00", "2026-03-01T05:00"),
]


@pytest.mark.parametrize(("name", "tz", "midnight", "end", "before"), MIDNIGHTS)
def test_a_period_ends_and_the_next_begins_at_local_midnight(
    name: str, tz: str, midnight: str, end: str, before: str
) -> None:
    at = instant(midnight)
    assert period(name, at - MOMENT, tz) == (instant(before), at)
    assert period(name, at, tz) == period(name, at + MOMENT, tz) == (at, instant(end))


def test_without_limits_there_are_no_caps() -> None:
    assert open_caps(ActivityLimit("review"), instant("2026-03-10T04:00"), TAIPEI) == []


@pytest.mark.parametrize(
    ("limit", "again"),
    [({"per_day": 3}, "2026-03-10T16:00"), ({"per_week": 3}, "2026-03-15T16:00"),
     ({"per_month": 3}, "2026-03-31T16:00"), ({"lifetime": 3}, None)],
)  # fmt: skip
def test_a_refusal_names_period_limit_and_when_it_counts_again(
    limit: dict[str, Any], again: str | None
) -> None:
    (cap,) = open_caps(ActivityLimit("review", **limit), instant("2026-03-10T04:00"), TAIPEI)
    refusal = cap.refusal("review")
    assert (refusal.period, refusal.limit) == (cap.period, 3)
    assert refusal.again_at == (instant(again) if again else None)
    told: Any = refusal.attributes["told"]
    assert set(told["texts"]) == set(LANGUAGES)
    assert all("3" in text for text in told["texts"].values())
