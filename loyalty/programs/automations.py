"""Automations of a program: when something happens to a member and he meets the conditions, do this;
law: once per member, period or cause.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from loyalty.clock import local_date
from loyalty.programs.ladder import Text
from loyalty.programs.segments import Criterion
from loyalty.programs.terms import Duration


class Trigger(StrEnum):
    MEMBER_JOINED = "member_joined"
    ORDER_PAID = "order_paid"
    ORDER_COUNT = "order_count"
    STREAK = "streak"
    TIER_CHANGED = "tier_changed"
    ACTIVITY_RECORDED = "activity_recorded"
    BIRTHDAY = "birthday"
    POINTS_EXPIRING = "points_expiring"
    TIER_EXPIRING = "tier_expiring"
    COUPON_EXPIRING = "coupon_expiring"
    INACTIVE_FOR = "inactive_for"
    SEGMENT_ENTERED = "segment_entered"
    SEGMENT_LEFT = "segment_left"
    REFERRAL_COMPLETED = "referral_completed"

    @property
    def is_folded(self) -> bool:
        """Return whether an event of the member's timeline causes it; the others are found with time and recorded."""
        return self in _FOLDED


_FOLDED = frozenset(
    {
        Trigger.MEMBER_JOINED,
        Trigger.ORDER_PAID,
        Trigger.ORDER_COUNT,
        Trigger.STREAK,
        Trigger.TIER_CHANGED,
        Trigger.ACTIVITY_RECORDED,
    }
)


class OncePer(StrEnum):
    MEMBER = "member"
    YEAR = "year"
    MONTH = "month"
    WEEK = "week"
    DAY = "day"
    CAUSE = "cause"

    def occasion(self, cause: str, at: datetime, tz: str) -> str:
        """Return what an automation may run once for: nothing further, the local period, or the cause itself."""
        day = local_date(at, tz)
        if self is OncePer.MEMBER:
            return "once"
        if self is OncePer.WEEK:
            year, week, _ = day.isocalendar()
            return f"{year}-W{week:02}"
        lengths = {OncePer.YEAR: 4, OncePer.MONTH: 7, OncePer.DAY: 10}
        return day.isoformat()[: lengths[self]] if self in lengths else cause


@dataclass(frozen=True, slots=True)
class When:
    """What a trigger asks for besides its name; None and empty where it does not ask."""

    count: int | None = None
    """order_count: the how-many-th order."""
    every: int | None = None
    """order_count: each so-many-th order."""
    months: int | None = None
    """streak: months in a row with an order each."""
    minimum_order: Fraction | None = None
    """order_paid: the order's net base at least."""
    days: int = 0
    """Days before a birthday or an end, or of inactivity."""
    tiers: frozenset[str] = frozenset()
    """tier_changed, tier_expiring: the tier that is reached, or ends."""
    direction: str = "up"
    """tier_changed: up, down or any."""
    segment: str = ""
    activities: frozenset[str] = frozenset()
    side: str = "referrer"
    """referral_completed: referrer or friend."""


@dataclass(frozen=True, slots=True)
class GivePoints:
    points: int
    counts_toward_tier: bool = False


@dataclass(frozen=True, slots=True)
class GiveCoupon:
    reward: str


@dataclass(frozen=True, slots=True)
class HoldTier:
    """At least this tier, for a length of time; None: without end."""

    tier: str
    length: Duration | None = None


@dataclass(frozen=True, slots=True)
class ChangeTags:
    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Write a message of the program's `messages` to the member."""

    message: str


@dataclass(frozen=True, slots=True)
class CallWebhook:
    """Tell another system at an address (https) of it."""

    url: str


Action = GivePoints | GiveCoupon | HoldTier | ChangeTags | SendMessage | CallWebhook


@dataclass(frozen=True, slots=True)
class Automation:
    key: str
    trigger: Trigger
    actions: tuple[Action, ...]
    when: When = field(default_factory=When)
    conditions: tuple[Criterion, ...] = ()
    """All must hold."""
    once_per: OncePer = OncePer.CAUSE
    name: Text = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """A text to a member; `{name}` and the like are filled in when it is sent."""

    key: str
    subject: Text
    body: Text


PLACEHOLDERS = frozenset(
    {"name", "points_name", "points", "balance", "tier", "coupon", "date", "days", "order"}
)


@dataclass(frozen=True, slots=True)
class Referral:
    """What a member and the friend whom he brings get, after the friend's first paid order outlived `hold_days`."""

    referrer: tuple[Action, ...] = ()
    friend: tuple[Action, ...] = ()
    hold_days: int = 14
    minimum_order: Fraction = Fraction(0)
    """The net base that the friend's first order must keep."""
    per_month: int | None = None
    """How many friends a member may be paid for in a calendar month; None: no limit."""
    lifetime: int | None = None

    @property
    def is_offered(self) -> bool:
        """Return whether anybody gets anything."""
        return bool(self.referrer or self.friend)


@dataclass(frozen=True, slots=True)
class ActivityLimit:
    """What an activity of a kind counts, and how often at most in each local period; None: no limit."""

    kind: str
    score: int = 1
    is_event: bool = False
    per_day: int | None = None
    per_week: int | None = None
    per_month: int | None = None
    lifetime: int | None = None
