"""The words and small values of a program document: choices, matches, lengths on the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction

from loyalty.clock import (
    add_days_to_instant,
    add_months,
    add_months_to_instant,
    day_end,
    day_start,
    local_date,
)


class AwardOn(StrEnum):
    PAID = "paid"
    COMPLETED = "completed"


class Rounding(StrEnum):
    FLOOR = "floor"
    HALF_UP = "half_up"
    CEILING = "ceiling"

    def apply(self, value: Fraction) -> int:
        """Round an exact number of points to whole points."""
        if self is Rounding.FLOOR:
            return value.__floor__()
        if self is Rounding.CEILING:
            return value.__ceil__()
        return (value + Fraction(1, 2)).__floor__()


class Discounts(StrEnum):
    DEDUCTED = "deducted"
    IGNORED = "ignored"


class Stacking(StrEnum):
    BEST = "best"
    ADD = "add"


class NegativeBalance(StrEnum):
    ALLOW = "allow"
    FLOOR = "floor"


class Metric(StrEnum):
    SPEND = "spend"
    ORDERS = "orders"
    POINTS = "points"
    ACTIVITY = "activity"
    EVENTS = "events"
    REPEAT_RATE = "repeat_rate"


class WindowKind(StrEnum):
    ROLLING = "rolling"
    CALENDAR_YEAR = "calendar_year"
    MEMBERSHIP_YEAR = "membership_year"
    LIFETIME = "lifetime"


@dataclass(frozen=True, slots=True)
class Match:
    """Which products are meant: a line is, when any of the lists names it; all empty: none."""

    product_ids: frozenset[str] = frozenset()
    category_ids: frozenset[str] = frozenset()
    skus: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.product_ids or self.category_ids or self.skus or self.tags)

    def needs_products(self) -> bool:
        """Return whether the shop must be asked for categories or tags to judge it."""
        return bool(self.category_ids or self.tags)


@dataclass(frozen=True, slots=True)
class Duration:
    """A length on the calendar: months and years clamp to the month's end."""

    days: int = 0
    months: int = 0

    def after(self, instant: datetime, tz: str) -> datetime:
        """Return the instant with the same local wall time this much later."""
        if self.months:
            return add_months_to_instant(instant, self.months, tz)
        return add_days_to_instant(instant, self.days, tz)


class RoundUp(StrEnum):
    DAY = "day"
    MONTH = "month"
    YEAR = "year"

    def end_of(self, instant: datetime, tz: str) -> datetime:
        """Return the first instant after the local day, month or year that contains `instant`."""
        day = local_date(instant, tz)
        if self is RoundUp.DAY:
            return day_end(day, tz)
        if self is RoundUp.MONTH:
            return day_start(add_months(day.replace(day=1), 1), tz)
        return day_start(date(day.year + 1, 1, 1), tz)
