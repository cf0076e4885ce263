"""Instants as RFC 3339 texts: read with any offset, written in UTC with Z."""

from __future__ import annotations

from datetime import UTC, datetime

EXAMPLE = "2026-12-01T00:00:00+08:00"


def read_moment(text: str) -> datetime:
    """Return the instant of a text, in UTC; raises ValueError for one that is none or has no offset."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None or "T" not in text:
        raise ValueError(f"Must be a time with its offset, for example {EXAMPLE}.")
    return moment.astimezone(UTC)


def moment_text(moment: datetime) -> str:
    """Return an instant as text: 2026-12-01T00:00:00Z, with microseconds where it has some."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
