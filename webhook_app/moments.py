"""Instants as RFC 3339 texts, written in UTC with Z; `loyalty.clock` reads them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment_text(moment: datetime) -> str:
    """Return an instant as text: 2026-12-01T00:00:00Z, with microseconds where it has some."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
