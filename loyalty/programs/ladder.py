"""The ladder of a program: tiers with what to reach and to keep, their benefits, and how long they last."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from loyalty.programs.terms import Duration, Metric, WindowKind
from loyalty.values import ONE, fraction_text

Text = dict[str, str]
PRIORITY_SHIPPING = "priority_shipping"
ORDER_SERVICES = frozenset({PRIORITY_SHIPPING})
"""Services that are done to an order: the shop marks it."""


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
    early_access: tuple[str, ...] = ()
    """Products or collections, in the shop's own words, that members of the tier may see or buy before others."""
    perks: tuple[Text, ...] = ()
    """What else the tier offers, in words for people only."""

    @property
    def has_code(self) -> bool:
        """Return whether a member of the tier may have a standing code."""
        return self.free_shipping or bool(self.discount_percent)

    def order_words(self) -> tuple[str, ...]:
        """Return the services with which the shop shall mark an order."""
        return tuple(word for word in self.service if word in ORDER_SERVICES)

    def words(self) -> tuple[str, ...]:
        """Return the benefits as words for the shop: flags that its theme or help desk acts on."""
        discount = (f"discount:{fraction_text(self.discount_percent)}",) if self.discount_percent else ()
        shipping = ("free_shipping",) if self.free_shipping else ()
        return (
            *self.service,
            *(f"early_access:{scope}" for scope in self.early_access),
            *shipping,
            *discount,
        )


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
