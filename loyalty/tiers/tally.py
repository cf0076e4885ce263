"""What a member's orders and marked adjustments add to his figures, by instant; law: a sum needs no single orders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from loyalty.tiers.qualification import Metrics
from loyalty.values import exact, fraction_text


@dataclass(slots=True)
class Tally:
    """Metrics by the instant from which they count, and points taken of the caps per day and month.

    Complete from `since` on (None: from the first one); `total` are the figures of the whole life, of which the
    data keep only what has no columns: activity score and events.
    """

    total: Metrics = field(default_factory=Metrics)
    since: datetime | None = None
    metrics: dict[datetime, Metrics] = field(default_factory=dict)
    taken: dict[datetime, int] = field(default_factory=dict)
    stored: dict[str, Any] | None = field(default=None, compare=False)
    """The data it was read from, while nothing of it has changed."""

    def add(self, at: datetime, change: Metrics) -> None:
        """Let figures count from an instant on; those before `since` only count in the whole life."""
        self.total += change
        self.stored = None
        if self.since is None or at >= self.since:
            self.metrics[at] = self.metrics.get(at, Metrics()) + change

    def sum(self, start: datetime | None, until: datetime) -> Metrics:
        """Return the figures from `start` (None: ever) up to and with `until`."""
        if start is None:
            return self.total - _sum(item for at, item in self.metrics.items() if at > until)
        return _sum(item for at, item in self.metrics.items() if start <= at <= until)

    def take(self, at: datetime, points: int) -> None:
        """Let an order take room under the caps per day and month."""
        if points:
            self.taken[at] = self.taken.get(at, 0) + points
            self.stored = None

    def taken_between(self, start: datetime, end: datetime) -> int:
        """Return the points taken in `[start, end)`."""
        return sum(points for at, points in self.taken.items() if start <= at < end)

    def forget_before(self, instant: datetime) -> None:
        """Drop what no window and no cap can reach any more."""
        gone = [at for at in (*self.metrics, *self.taken) if at < instant]
        if gone:
            self.since, self.stored = instant, None
        for at in gone:
            self.metrics.pop(at, None)
            self.taken.pop(at, None)

    def unite(self, other: Tally) -> None:
        """Add everything that counts of another tally, from the instants from which it counts there."""
        self.total += other.total
        self.stored = None
        for at, metrics in other.metrics.items():
            self.metrics[at] = self.metrics.get(at, Metrics()) + metrics
        for at, points in other.taken.items():
            self.taken[at] = self.taken.get(at, 0) + points
        known = [since for since in (self.since, other.since) if since is not None]
        if known:
            self.since = max(known)
            self.forget_before(self.since)

    def data(self) -> dict[str, Any]:
        """Return the figures by instant as JSON data; the whole life has columns of its own."""
        if self.stored is not None:
            return self.stored
        counting = {at for at, metrics in self.metrics.items() if metrics != Metrics()}
        moments = sorted(counting | self.taken.keys())
        return {
            "since": self.since.isoformat() if self.since else None,
            "moments": [
                _moment(at, self.metrics.get(at, Metrics()), self.taken.get(at, 0)) for at in moments
            ],
            **({"activity": _engagement(self.total)} if any(_engagement(self.total)) else {}),
        }


def _moment(at: datetime, metrics: Metrics, taken: int) -> list[object]:
    usual = [at.isoformat(), fraction_text(metrics.spend), metrics.orders, metrics.points, taken]
    return [*usual, *_engagement(metrics)] if any(_engagement(metrics)) else usual


def _engagement(metrics: Metrics) -> list[int]:
    return [metrics.activity, metrics.events]


def read_tally(data: dict[str, Any], total: Metrics) -> Tally:
    """Return the tally that `data` wrote."""
    since = data.get("since")
    activity, events = data.get("activity", (0, 0))
    whole_life = replace(total, activity=activity, events=events)
    tally = Tally(whole_life, datetime.fromisoformat(since) if since else None)
    for text, spend, orders, points, taken, *engagement in data.get("moments", ()):
        at = datetime.fromisoformat(text)
        tally.metrics[at] = Metrics(exact(spend), orders, points, *engagement)
        if taken:
            tally.taken[at] = taken
    tally.stored = data or None
    return tally


def _sum(items: Iterable[Metrics]) -> Metrics:
    """Add up; money by denominator, for most amounts are whole and fractions are slow to add."""
    numerators: dict[int, int] = {}
    orders = points = activity = events = 0
    for item in items:
        spend = item.spend
        numerators[spend.denominator] = numerators.get(spend.denominator, 0) + spend.numerator
        orders += item.orders
        points += item.points
        activity += item.activity
        events += item.events
    total = sum(
        (Fraction(numerator, denominator) for denominator, numerator in numerators.items()), Fraction(0)
    )
    return Metrics(total, orders, points, activity, events)
