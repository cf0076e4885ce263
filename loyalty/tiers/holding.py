"""What a member holds: a tier by his own figures with its end, and tiers for a term;
law: an end is fixed when the period begins (RULES §6, §9 (25)-(28)).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from loyalty.clock import day_start, local_date
from loyalty.programs.ladder import Conditions, Tier
from loyalty.programs.program import Program
from loyalty.programs.terms import RoundUp
from loyalty.tiers.qualification import Metrics, reaches

MOMENT = timedelta(microseconds=1)
"""The smallest step of time: figures up to just before an instant."""


class Judgement(NamedTuple):
    """The figures from `start` (None: ever) up to and with `until` by which a period was granted."""

    start: datetime | None
    until: datetime
    by_keep: bool = False


class Holding(NamedTuple):
    """The tier that a member's own figures gave him: `until` (None: no end) it is judged, and where it was not kept
    it ends at `falls_at`, when he falls to `falls_to`.
    """

    tier_key: str
    since: datetime
    until: datetime | None = None
    judgement: Judgement | None = None
    falls_to: str | None = None
    falls_at: datetime | None = None

    def due(self) -> datetime | None:
        """Return when something happens to it by itself."""
        return self.falls_at or self.until


class Term(NamedTuple):
    """A tier for a time on another ground than figures: `[start, until)`, None: without end."""

    cause: str
    by: str
    tier_key: str
    start: datetime
    until: datetime | None
    begun: bool = False
    paid_until: datetime | None = None
    """The end of what was paid for, before any days of grace."""

    def due(self) -> datetime | None:
        """Return when it begins, or once it has, when it ends."""
        return self.until if self.begun else self.start


def hold(program: Program, key: str, start: datetime, judgement: Judgement | None = None) -> Holding:
    """Return a tier as it is held from an instant on, with the end that the program gives it."""
    return Holding(key, start, period_end(program, key, start), judgement)


def period_end(program: Program, key: str, start: datetime) -> datetime | None:
    """Return the end of the local day that contains start + validity; the first tier has no end."""
    validity = program.tier_policy.validity
    if validity is None or program.tier_rank(key) == 0:
        return None
    return RoundUp.DAY.end_of(validity.after(start, program.time_zone), program.time_zone)


def grace_end(program: Program, end: datetime) -> datetime:
    """Return when a tier that was not kept is lost: at its end, or so many local days later."""
    grace = program.tier_policy.grace_days
    if not grace:
        return end
    return day_start(local_date(end, program.time_zone) + timedelta(days=grace), program.time_zone)


def keep_conditions(tier: Tier) -> Conditions | None:
    """Return by what a period's end is judged: `keep`, and only where a tier has none, `enter`."""
    return tier.keep or tier.enter


def fallback(program: Program, key: str, figures: Metrics) -> Tier:
    """Return where a member falls: the highest lower tier that the figures reach, or one step down."""
    lower = [tier for tier in program.tiers[1 : program.tier_rank(key)] if tier.enter is not None]
    if program.tier_policy.downgrade == "one_step":
        return lower[-1] if lower else program.tiers[0]
    reached = [tier for tier in lower if reaches(tier.enter, figures)]
    return reached[-1] if reached else program.tiers[0]
