"""Small values that every topic speaks: ids, money, exact numbers; law: no float ever enters money or points."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NewType
from uuid import UUID

AccountId = NewType("AccountId", UUID)
StoreId = NewType("StoreId", UUID)
MemberId = NewType("MemberId", UUID)
MessageId = NewType("MessageId", int)
ZERO = Fraction(0)
ONE = Fraction(1)


def new_id(milliseconds: int | None = None) -> UUID:
    """Return a UUID version 7 (RFC 9562): 48 bits of milliseconds since 1970, then random bits."""
    stamp = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    value = (stamp << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return UUID(int=value)


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount of one currency (ISO 4217 code)."""

    amount: Decimal
    currency: str


def exact(value: str | int | Decimal) -> Fraction:
    """Return the number of a decimal string without any rounding; raises ValueError."""
    if isinstance(value, str):
        numerator, slash, denominator = value.partition("/")
        if numerator.isdecimal() and not slash:
            return Fraction(int(numerator))
        if numerator.isdecimal() and denominator.isdecimal():
            return Fraction(int(numerator), int(denominator))
    return Fraction(value)


def fraction_text(value: Fraction) -> str:
    """Return a Fraction as the text `exact` reads back: `5` or `10/3`."""
    return str(value)


def decimal_floor(value: Fraction, decimals: int) -> Decimal:
    """Return the number rounded down to so many decimals, as it is shown to people."""
    return Decimal((value * 10**decimals).__floor__()).scaleb(-decimals)


def plain_text(value: Decimal) -> str:
    """Return a decimal as the one text of its value: `20` whether it is stored as 20, 20.00 or 2E+1."""
    return f"{value.normalize():f}" if value else "0"
