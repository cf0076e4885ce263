"""How often an activity of a kind counts in each local period; law: periods are half-open and the account's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from loyalty.clock import add_months, day_start, local_date
from loyalty.errors import Conflict
from loyalty.programs.automations import ActivityLimit
from loyalty.programs.ladder import Text
from loyalty.programs.words import say

ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_PERIODS = {
    "day": ("今天", "今天", "today"),
    "week": ("本週", "本周", "this week"),
    "month": ("本月", "本月", "this month"),
    "lifetime": ("總共", "总共", "in all"),
}


class ActivityLimitReached(Conflict):
    """An activity of this kind does not count again in this period."""


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `most` activities in `[start, end)`."""

    period: str
    """`day`, `week`, `month` or `lifetime`."""
    most: int
    start: datetime
    end: datetime

    @property
    def again_at(self) -> datetime | None:
        """Return when an activity may count again, None for never."""
        return None if self.period == "lifetime" else self.end

    def refusal(self, kind: str) -> ActivityLimitReached:
        """Return the error that says why an activity does not count."""
        texts = _texts(self.period, self.most)
        again = self.again_at.isoformat() if self.again_at else None
        told = {"period": self.period, "limit": self.most, "again_at": again, "texts": texts}
        return ActivityLimitReached(
            texts["en"], kind=kind, period=self.period, limit=self.most, again_at=self.again_at, told=told
        )


def open_caps(limit: ActivityLimit, at: datetime, tz: str) -> list[Cap]:
    """Return the caps of a kind whose periods hold an instant, the shortest period first."""
    day = local_date(at, tz)
    monday, first = day - timedelta(days=day.weekday()), day.replace(day=1)
    days = {
        "day": (limit.per_day, day, day + timedelta(days=1)),
        "week": (limit.per_week, monday, monday + timedelta(days=7)),
        "month": (limit.per_month, first, add_months(first, 1)),
    }
    caps = [
        Cap(period, most, day_start(start, tz), day_start(end, tz))
        for period, (most, start, end) in days.items()
        if most is not None
    ]
    return [*caps, Cap("lifetime", limit.lifetime, *ALWAYS)] if limit.lifetime is not None else caps


def _texts(period: str, most: int) -> Text:
    traditional, simplified, english = _PERIODS[period]
    return say(
        f"這項活動{traditional}最多計 {{most}} 次，已經計滿。",
        f"这项活动{simplified}最多计 {{most}} 次，已经计满。",
        f"Activities of this kind count {{most}} times at most {english}, and they have.",
        most=most,
    )
