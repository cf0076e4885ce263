"""Coupon codes and dates; law: the same cause always has the same code, and nobody can guess it (RULES §7)."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from loyalty.clock import day_end, local_date
from loyalty.programs.program import FREE_SHIPPING, Program, Reward
from loyalty.values import ZERO, decimal_floor

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
PREFIX = "lr"
LENGTH = 10
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
    """What a coupon is worth: a fixed amount in the account's currency or percent, from which subtotal, until when."""

    kind: str
    amount: Decimal
    minimum_subtotal: Decimal
    expires_at: datetime | None
    free_shipping: bool = False
    reusable: bool = False


def coupon_terms(reward: Reward, program: Program, granted_at: datetime) -> CouponTerms:
    """Return the terms of a reward granted at an instant: valid to the end of the last of its valid days."""
    expires_at, ships_free = None, reward.kind == FREE_SHIPPING
    if reward.valid_days is not None:
        last = local_date(granted_at, program.time_zone) + timedelta(days=reward.valid_days)
        expires_at = day_end(last, program.time_zone)
    return CouponTerms(
        kind=reward.kind,
        amount=decimal_floor(ZERO if ships_free else reward.amount or ZERO, 4),
        minimum_subtotal=decimal_floor(reward.minimum_subtotal, 4),
        expires_at=expires_at,
        free_shipping=ships_free,
    )
