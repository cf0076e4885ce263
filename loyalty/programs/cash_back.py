"""Cash back: which part of what members spend returns to them as store credit; law: money, never points."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from loyalty.values import ZERO


@dataclass(frozen=True, slots=True)
class TierPercent:
    """What the members of one tier get back instead, in percent."""

    tier: str
    percent: Fraction


@dataclass(frozen=True, slots=True)
class CashBack:
    """Percent of an order's base that is credited; `minimum_order` is judged on that base before refunds."""

    percent: Fraction = ZERO
    tiers: tuple[TierPercent, ...] = ()
    minimum_order: Fraction = ZERO

    def percent_of(self, tier_key: str) -> Fraction:
        """Return the percent of a tier: its own, else that of everybody."""
        own = (each.percent for each in self.tiers if each.tier == tier_key)
        return next(own, self.percent)

    @property
    def gives(self) -> bool:
        """Return whether anybody gets anything back."""
        return self.percent > 0 or any(each.percent > 0 for each in self.tiers)
