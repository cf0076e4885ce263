"""The cash back of an order; law: exact until the one rounding down to the account's decimals, so that refunds in parts
take back exactly what was given (RULES §4).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from loyalty.earning.earning import Rating
from loyalty.values import decimal_floor

HUNDRED = 100
NOTHING = Decimal(0)


def cash_back(rating: Rating, net_base: Fraction) -> Decimal:
    """Return the credit that an order deserves with so much of its base left, by the rules of its payment.

    None for test orders, in another currency, of total 0, while the program is paused, or below the minimum.
    """
    program = rating.program
    rules = program.cash_back
    if not rules.gives or not rating.counts or program.paused or rating.gross < rules.minimum_order:
        return NOTHING
    percent = rules.percent_of(rating.tier_key)
    return decimal_floor(net_base * Fraction(percent, HUNDRED), program.decimals)
