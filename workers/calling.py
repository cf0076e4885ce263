"""Call other systems, within a time; law: an address that cannot be reached costs the others one wait, not many, and an
event at which an address always fails takes no other with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from connectors.webhooks import post_webhook
from loyalty.outbox.commands import read_command
from loyalty.outbox.repository import Delivered
from loyalty.pushes import EXHAUSTED, PostWebhook, PushError, PushReceipt

GIVEN_UP = timedelta(hours=6)
"""So long an address is called for an event."""
LAPSES = 2
"""So often it may have been leased before by jobs that ended with it: an installation that stood still, too, ended one
of them, and comes back later than that.
"""
UNTOLD = PushError("The jobs that called it ended with the call.", permanent=False, reason="unreachable")
SHORTEST, LONGEST = 5.0, 3600.0
"""Seconds between two calls of an address that cannot be reached: half of what the event has waited so far."""


@dataclass(slots=True)
class Made:
    """What became of leased pushes, those included for which nobody was called as their address is away: `uncalled` are
    these, and those for which there was no time. No try of them counts.
    """

    outcomes: list[Delivered] = field(default_factory=list)
    uncalled: list[int] = field(default_factory=list)


class Calls:
    """The calls of one job. An address that cannot be reached is not called again in it: what else is for it waits as
    long.
    """

    def __init__(self, deadline: float, *, allow_private: bool) -> None:
        """`deadline`, by the monotonic clock: no call begins after it."""
        self._deadline = deadline
        self._allow_private = allow_private
        self._away: dict[str, PushError] = {}

    def has_time(self) -> bool:
        """Return whether a call may begin."""
        return monotonic() < self._deadline

    def make(self, rows: Sequence[Mapping[Any, Any]], secret: bytes, now: datetime) -> Made:
        """Make the calls of leased pushes, those first that were made least often. One that ends its jobs is given up
        in time, as any other is.
        """
        made = Made()
        for row in sorted(rows, key=lambda row: (row["attempts"], row["id"])):
            if row["lapsed"] and row["attempts"] > LAPSES and _age(row, now) >= GIVEN_UP:
                made.outcomes.append(_outcome(row, UNTOLD, now))
                continue
            command = read_command(row["kind"], row["command"])
            assert isinstance(command, PostWebhook)
            away = self._away.get(command.url)
            if away is None and self.has_time():
                made.outcomes.append(_outcome(row, self._call(command, secret), now))
                continue
            made.uncalled.append(row["id"])
            if away is not None:
                made.outcomes.append(_outcome(row, away, now))
        return made

    def _call(self, command: PostWebhook, secret: bytes) -> PushReceipt | PushError:
        result = post_webhook(command, secret, allow_private=self._allow_private)
        if isinstance(result, PushError) and result.reason == "unreachable":
            self._away[command.url] = result
        return result


def _outcome(row: Mapping[Any, Any], result: PushReceipt | PushError, now: datetime) -> Delivered:
    if isinstance(result, PushReceipt):
        return Delivered(row["id"], "done", detail=result.external_id)
    age, detail = _age(row, now), result.message[:500]
    if result.permanent or age >= GIVEN_UP:
        return Delivered(row["id"], "failed", result.reason if result.permanent else EXHAUSTED, detail)
    wait = result.retry_after or min(LONGEST, max(SHORTEST, age.total_seconds() / 2))
    return Delivered(row["id"], "waiting", result.reason, detail, now + timedelta(seconds=wait))


def _age(row: Mapping[Any, Any], now: datetime) -> timedelta:
    age: timedelta = now - row["created_at"]
    return age
