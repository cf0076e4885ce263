"""Campaigns of a program document: when, for whom and how much; law: who is meant depends on the order and the member,
never on an id made at random.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction

from loyalty.programs.terms import Match, Stacking

HUNDRED = 100


@dataclass(frozen=True, slots=True)
class Recurs:
    """Member days on the account's calendar: every list that is given must name the day."""

    weekdays: frozenset[int] = frozenset()
    """ISO: 1 is Monday, 7 is Sunday."""
    month_days: frozenset[int] = frozenset()
    """A day beyond the month's end means its last day."""
    months: frozenset[int] = frozenset()

    def names(self, day: date) -> bool:
        """Return whether a local date is one of these days."""
        if self.months and day.month not in self.months:
            return False
        if self.weekdays and day.isoweekday() not in self.weekdays:
            return False
        return not self.month_days or self._names_month_day(day)

    def _names_month_day(self, day: date) -> bool:
        if (day + timedelta(days=1)).month == day.month:
            return day.day in self.month_days
        return max(self.month_days) >= day.day


def names_region(regions: frozenset[str], region: str) -> bool:
    """Return whether a list of regions means one, or the country that it lies in; an empty list means all."""
    country = region.partition("-")[0]
    return not regions or bool(region and regions & {region.upper(), country.upper()})


@dataclass(frozen=True, slots=True)
class CampaignScope:
    """What and whom a campaign means: all that is given must hold, and any entry of a list is enough."""

    match: Match = field(default_factory=Match)
    tiers: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    """ISO countries (`US`, with all their states) or `COUNTRY-STATE`."""
    channels: frozenset[str] = frozenset()
    member_tags: frozenset[str] = frozenset()

    def has_region(self, region: str) -> bool:
        """Return whether an order's region is meant."""
        return names_region(self.regions, region)

    def has_channel(self, channel: str) -> bool:
        """Return whether an order's channel is meant."""
        return not self.channels or channel in self.channels

    def has_tags(self, tags: frozenset[str]) -> bool:
        """Return whether a member with these tags is meant."""
        return not self.member_tags or not self.member_tags.isdisjoint(tags)


@dataclass(frozen=True, slots=True)
class Campaign:
    """A time-boxed multiplier or bonus; `opens` and `closes` are instants, half-open."""

    key: str
    opens: datetime
    closes: datetime
    multiplier: Fraction | None = None
    bonus: int | None = None
    scope: CampaignScope = field(default_factory=CampaignScope)
    recurs: Recurs | None = None
    minimum_order: Fraction | None = None
    first_order: bool = False
    nth_order: int | None = None
    counts_toward_tier: bool = False
    stacking: Stacking = Stacking.BEST
    holdout_percent: int = 0
    """How many of a hundred members never get it, so that its effect can be measured."""
    budget: int | None = None
    """Points that it may give in all."""
    per_member: int | None = None
    """Points that it may give to one member."""
    name: dict[str, str] = field(default_factory=dict)

    @property
    def is_limited(self) -> bool:
        """Return whether what it may give is limited, so that each order's share must be kept."""
        return self.budget is not None or self.per_member is not None

    @property
    def gives_something(self) -> bool:
        """Return whether it has a multiplier or a bonus; one that was corrected away has none."""
        return self.multiplier is not None or self.bonus is not None

    @property
    def needs_history(self) -> bool:
        """Return whether an order's part in it cannot be told from the order, its tier and its number alone."""
        return self.is_limited or bool(self.scope.member_tags or self.scope.segments)

    def is_open(self, instant: datetime) -> bool:
        """Return whether an instant lies between its start and its end."""
        return self.opens <= instant < self.closes

    def holds_out(self, member_key: str) -> bool:
        """Return whether a member is in the group that does not get it: SHA-256 of both keys, modulo 100."""
        if not self.holdout_percent:
            return False
        digest = hashlib.sha256(f"{self.key}\n{member_key}".encode()).digest()
        return int.from_bytes(digest[:8]) % HUNDRED < self.holdout_percent
