"""Limits that a merchant sets himself: how much of what he sells his discounts may take."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

ALERT = "alert"
BLOCK = "block"
WHOLE = 100


@dataclass(frozen=True, slots=True)
class DiscountShare:
    """The most, in percent of the revenue, that the program's codes may take off in the last days."""

    percent: Fraction
    days: int = 30
    """Local days, the present one included."""
    action: str = ALERT
    """What happens above it: `alert` tells of an incident, `block` also lets no discount be redeemed."""

    def is_above(self, discounts: Fraction, revenue: Fraction) -> bool:
        """Return whether so much taken off such a revenue is more than the limit; exactly at it is not."""
        return discounts * WHOLE > revenue * self.percent
