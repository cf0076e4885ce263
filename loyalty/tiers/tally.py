"""What a member's orders and marked adjustments add to his figures, by instant; law: a sum needs no single orders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from loyalty.clock import instant_text
from loyalty.tiers.qualification import Metrics
from loyalty.values import fraction_text

Moment = list[Any]
"""What counts from an instant, as it is stored: its text, net spend as a fraction's text, orders, points, points taken
of the caps, and where there are any, activity score and events.
"""

USUAL = 5
"""So many parts has a moment without activity and events."""


@dataclass(slots=True)
class Tally:
    """Metrics by the instant from which they count, and points taken of the caps per day and month.

    Complete from `since` on (None: from the first one); `total` are the figures of the whole life, of which the
    data keep only what has no columns: activity score and events. Moments stay as they are stored: most are never
    asked for, and those only are read that a sum needs.
    """

    total: Metrics = field(default_factory=Metrics)
    since: datetime | None = None
    moments: dict[datetime, Moment] = field(default_factory=dict)
    stored: dict[str, Any] | None = field(default=None, compare=False)
    """The data it was read from, while nothing of it has changed."""

    def add(self, at: datetime, change: Metrics) -> None:
        """Let figures count from an instant on; those before `since` only count in the whole life."""
        self.total += change
        self.stored = None
        if self.since is None or at >= self.since:
            old = self.moments.get(at)
            self.moments[at] = _moment(at, _sum([old]) + change if old else change, old[4] if old else 0)

    def sum(self, start: datetime | None, until: datetime) -> Metrics:
        """Return the figures from `start` (None: ever) up to and with `until`."""
        if start is None:
            return self.total - _sum(item for at, item in self.moments.items() if at > until)
        return _sum(item for at, item in self.moments.items() if start <= at <= until)

    def first_since(self, start: datetime) -> datetime | None:
        """Return the first instant from `start` on at which anything counts."""
        return min((at for at in self.moments if at >= start), default=None)

    def take(self, at: datetime, points: int) -> None:
        """Let an order take room under the caps per day and month."""
        if points:
            text, spend, orders, earned, taken, *engagement = self.moments.get(at) or _moment(
                at, Metrics(), 0
            )
            self.moments[at] = [text, spend, orders, earned, taken + points, *engagement]
            self.stored = None

    def taken_between(self, start: datetime, end: datetime) -> int:
        """Return the points taken in `[start, end)`."""
        return sum(item[4] for at, item in self.moments.items() if start <= at < end)

    def forget_before(self, instant: datetime) -> None:
        """Drop what no window and no cap can reach any more."""
        gone = [at for at in self.moments if at < instant]
        if gone:
            self.since, self.stored = instant, None
        for at in gone:
            del self.moments[at]

    def unite(self, other: Tally) -> None:
        """Add everything that counts of another tally, from the instants from which it counts there."""
        self.total += other.total
        self.stored = None
        for at, item in other.moments.items():
            own = self.moments.get(at)
            self.moments[at] = _moment(at, _sum([own, item]), own[4] + item[4]) if own else item
        known = [since for since in (self.since, other.since) if since is not None]
        if known:
            self.since = max(known)
            self.forget_before(self.since)

    def data(self) -> dict[str, Any]:
        """Return the figures by instant as JSON data; the whole life has columns of its own."""
        if self.stored is not None:
            return self.stored
        return {
            "since": instant_text(self.since) if self.since else None,
            "moments": [item for _, item in sorted(self.moments.items()) if item[1:] != _NOTHING],
            **({"activity": _engagement(self.total)} if any(_engagement(self.total)) else {}),
        }


_NOTHING = ["0", 0, 0, 0]


def _moment(at: datetime, metrics: Metrics, taken: int) -> Moment:
    usual = [instant_text(at), fraction_text(metrics.spend), metrics.orders, metrics.points, taken]
    return [*usual, *_engagement(metrics)] if any(_engagement(metrics)) else usual


def _engagement(metrics: Metrics) -> list[int]:
    return [metrics.activity, metrics.events]


def read_tally(data: dict[str, Any], total: Metrics) -> Tally:
    """Return the tally that `data` wrote."""
    since, engagement = data.get("since"), data.get("activity")
    if engagement:
        total = replace(total, activity=engagement[0], events=engagement[1])
    moments = {datetime.fromisoformat(item[0]): item for item in data.get("moments", ())}
    return Tally(total, datetime.fromisoformat(since) if since else None, moments, data or None)


def _sum(items: Iterable[Moment]) -> Metrics:
    """Add up; money by denominator, for most amounts are whole and fractions are slow to add."""
    whole = orders = points = activity = events = 0
    numerators: dict[str, int] = {}
    for item in items:
        numerator, _, denominator = item[1].partition("/")
        if denominator:
            numerators[denominator] = numerators.get(denominator, 0) + int(numerator)
        else:
            whole += int(numerator)
        orders += item[2]
        points += item[3]
        if len(item) > USUAL:
            activity += item[5]
            events += item[6]
    parts = (Fraction(numerator, int(denominator)) for denominator, numerator in numerators.items())
    return Metrics(sum(parts, Fraction(whole)), orders, points, activity, events)
