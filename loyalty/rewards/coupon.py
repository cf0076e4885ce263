"""Coupon codes and dates; law: the same cause always has the same code, and nobody can guess it (RULES §7)."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from loyalty.clock import day_end, local_date
from loyalty.programs.catalogue import (
    FREE_PRODUCT,
    FREE_SHIPPING,
    GIFT_CARD,
    MONEY_KINDS,
    VARIABLE_DISCOUNT,
    Reward,
)
from loyalty.programs.program import Program
from loyalty.values import ZERO, decimal_floor

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
PREFIX = "lr"
LENGTH = 10
WHOLE = Fraction(100)
_CODE = re.compile(f"^{PREFIX}[{ALPHABET}]{{{LENGTH}}}$")


def coupon_code(key: bytes, cause: str) -> str:
    """Return the code of a cause: prefix and 10 characters of a 31-letter alphabet from HMAC-SHA256(key, cause)."""
    number = int.from_bytes(hmac.new(key, cause.encode(), hashlib.sha256).digest(), "big")
    letters = []
    for _ in range(LENGTH):
        number, place = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[place])
    return PREFIX + "".join(letters)


def looks_like_ours(code: str) -> bool:
    """Return whether a code of an order may be one of Laurel's; only the database knows for sure."""
    return _CODE.match(code.casefold()) is not None


@dataclass(frozen=True, slots=True)
class CouponTerms:
    """What a coupon is worth: a fixed amount in the account's currency or percent, of what, from which subtotal, until
    when.
    """

    kind: str
    amount: Decimal
    minimum_subtotal: Decimal
    expires_at: datetime | None
    free_shipping: bool = False
    reusable: bool = False
    product_ids: tuple[str, ...] = ()
    category_ids: tuple[str, ...] = ()
    combinable: bool = False

    def scope(self) -> dict[str, object]:
        """Return what the coupon serves for, as JSON data; empty: for the whole order, and alone."""
        named = {"product_ids": list(self.product_ids), "category_ids": list(self.category_ids)}
        return {name: part for name, part in {**named, "combinable": self.combinable}.items() if part}


def valid_until(reward: Reward, program: Program, granted_at: datetime) -> datetime | None:
    """Return when a code granted at an instant is no longer valid: after the last of its valid days; None: never, as
    the member's own money does not.
    """
    if reward.valid_days is None or reward.kind in MONEY_KINDS:
        return None
    last = local_date(granted_at, program.time_zone) + timedelta(days=reward.valid_days)
    return day_end(last, program.time_zone)


def coupon_terms(reward: Reward, program: Program, granted_at: datetime, amount: str = "") -> CouponTerms:
    """Return the terms of a reward granted at an instant; `amount` is the money of a variable discount."""
    return CouponTerms(
        kind="fixed_discount" if reward.kind == VARIABLE_DISCOUNT else reward.kind,
        amount=Decimal(amount) if amount else decimal_floor(_worth(reward), _places(reward, program)),
        minimum_subtotal=decimal_floor(reward.minimum_subtotal, 4),
        expires_at=valid_until(reward, program, granted_at),
        free_shipping=reward.kind == FREE_SHIPPING,
        product_ids=tuple(sorted(reward.products.product_ids)),
        category_ids=tuple(sorted(reward.products.category_ids)),
        combinable=reward.combinable,
    )


def _places(reward: Reward, program: Program) -> int:
    return program.decimals if reward.kind == GIFT_CARD else 4


def _worth(reward: Reward) -> Fraction:
    """Return the money or percent of a code: everything of a free product, nothing where shipping is free."""
    if reward.kind == FREE_PRODUCT:
        return WHOLE
    return ZERO if reward.kind == FREE_SHIPPING else reward.amount or ZERO
