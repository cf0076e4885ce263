"""Which tier a member's figures reach; law: reaching a threshold exactly is enough (RULES §6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from loyalty.clock import add_months, add_months_to_instant, day_start, local_date
from loyalty.programs.ladder import Conditions, Tier, Window
from loyalty.programs.program import Program
from loyalty.programs.terms import Metric, WindowKind
from loyalty.values import ZERO


@dataclass(frozen=True, slots=True)
class Metrics:
    """A member's figures over a window, or what one order or activity adds to them: net spend (exact money), orders,
    points earned, activity score, events taken part in.
    """

    spend: Fraction = ZERO
    orders: int = 0
    points: int = 0
    activity: int = 0
    events: int = 0

    def __add__(self, other: Metrics) -> Metrics:
        return Metrics(
            self.spend + other.spend,
            self.orders + other.orders,
            self.points + other.points,
            self.activity + other.activity,
            self.events + other.events,
        )

    def __sub__(self, other: Metrics) -> Metrics:
        return Metrics(
            self.spend - other.spend,
            self.orders - other.orders,
            self.points - other.points,
            self.activity - other.activity,
            self.events - other.events,
        )

    def value(self, metric: Metric) -> Fraction:
        """Return the figure of a metric; the repeat rate is the share of orders that were not the first one."""
        if metric is Metric.SPEND:
            return self.spend
        if metric is Metric.REPEAT_RATE:
            return Fraction(self.orders - 1, self.orders) if self.orders > 0 else ZERO
        return Fraction(getattr(self, metric.value))


def window_start(window: Window, instant: datetime, tz: str, joined_at: datetime | None) -> datetime | None:
    """Return the first instant that counts at `instant`, None for the whole life (RULES §6, §9 (29))."""
    if window.kind is WindowKind.LIFETIME:
        return None
    today = local_date(instant, tz)
    if window.kind is WindowKind.ROLLING:
        return day_start(add_months(today, -window.months), tz)
    if window.kind is WindowKind.CALENDAR_YEAR:
        return day_start(date(today.year, 1, 1), tz)
    return _membership_year_start(joined_at or instant, instant, tz)


def _membership_year_start(joined_at: datetime, instant: datetime, tz: str) -> datetime:
    years = max(0, local_date(instant, tz).year - local_date(joined_at, tz).year)
    start = add_months_to_instant(joined_at, 12 * years, tz)
    return start if start <= instant or not years else add_months_to_instant(joined_at, 12 * (years - 1), tz)


def reaches(conditions: Conditions | None, metrics: Metrics) -> bool:
    """Return whether the figures meet any, or all, of the thresholds; a tier without thresholds is never reached."""
    if conditions is None:
        return False
    met = (metrics.value(item.metric) >= item.at_least for item in conditions.conditions)
    return any(met) if conditions.any_of else all(met)


def earned_tier(program: Program, metrics: Metrics) -> Tier:
    """Return the highest tier whose `enter` the figures reach, the first when none."""
    reached = [tier for tier in program.tiers[1:] if reaches(tier.enter, metrics)]
    return reached[-1] if reached else program.tiers[0]
