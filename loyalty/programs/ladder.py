"""The ladder of a program: tiers with what to reach and to keep, their benefits, and how long they last."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from loyalty.programs.terms import Duration, Metric, WindowKind
from loyalty.values import ONE

Text = dict[str, str]


@dataclass(frozen=True, slots=True)
class Condition:
    metric: Metric
    at_least: Fraction


@dataclass(frozen=True, slots=True)
class Conditions:
    """Thresholds of which `any` or `all` must be reached; reaching one exactly is enough."""

    any_of: bool
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Benefits:
    multiplier: Fraction = ONE
    entry_reward: str | None = None
    birthday_reward: str | None = None
    free_shipping: bool = False
    discount_percent: Fraction | None = None
    service: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tier:
    key: str
    name: Text
    enter: Conditions | None = None
    keep: Conditions | None = None
    benefits: Benefits = field(default_factory=Benefits)


@dataclass(frozen=True, slots=True)
class Window:
    kind: WindowKind = WindowKind.ROLLING
    months: int = 12


@dataclass(frozen=True, slots=True)
class TierPolicy:
    window: Window = field(default_factory=Window)
    validity: Duration | None = None
    downgrade: str = "recalculate"
    grace_days: int = 0
    notice_days: tuple[int, ...] = ()
    on_refund: str = "period_end"
    on_change: str = "keep"
    """What happens when the version takes effect: members `keep` their tier until its period ends, or `recalculate`."""
