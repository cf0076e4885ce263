"""How single JSON values of shops are read: exact money, aware times, ids as text, text that can be stored."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError

MONEY = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,8})?")
LARGEST_EXPONENT = 16


def money(value: Any) -> Decimal:
    """Return an amount of a decimal string, or of a JSON number that was parsed to int or Decimal; never a float."""
    if isinstance(value, str) and MONEY.fullmatch(value):
        return Decimal(value)
    if type(value) is int or _is_sane(value):
        return Decimal(value)
    raise ValidationError("Not an amount.")


def quantity(value: Any) -> int:
    """Return a count of pieces, whatever its sign; part of a piece, which plugins allow, counts as a whole one."""
    if type(value) is int or _is_sane(value):
        return int(abs(value).__ceil__())
    raise ValidationError("Not a quantity.")


def instant(value: Any) -> datetime:
    """Return a time; one without a zone, as WooCommerce writes its `*_gmt` values, is in UTC."""
    try:
        read = datetime.fromisoformat(value)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise ValidationError("Not a time.") from None


def instant_or_none(value: Any) -> datetime | None:
    """Return a time, or None for null."""
    return None if value is None else instant(value)


def number(value: Any) -> str:
    """Return an id as text; 0 and null, the shop's words for none, become the empty string."""
    if value is None or value == 0:
        return ""
    return key(value)


def key(value: Any) -> str:
    """Return the text of an id that must be there."""
    if type(value) is int and value > 0:
        return str(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and value.strip("0"):
        return value.lstrip("0")
    raise ValidationError("Not an id.")


def text(value: Any) -> str:
    """Return text without what a database refuses (NUL, lone surrogates); null becomes empty, a number its digits."""
    if value is None:
        return ""
    if type(value) is int:
        return str(value)
    if not isinstance(value, str):
        raise ValidationError("Not a text.")
    return value if value.isprintable() else value.encode("utf-8", "ignore").decode().replace("\x00", "")


def word(value: Any) -> str:
    """Return text that must not be empty."""
    read = text(value)
    if not read:
        raise ValidationError("Not a word.")
    return read


def flag(value: Any) -> bool:
    """Return a JSON boolean; what merely looks like one is refused."""
    if isinstance(value, bool):
        return value
    raise ValidationError("Not true or false.")


def anything(value: Any) -> Any:
    """Return the value as it is."""
    return value


def _is_sane(value: Any) -> bool:
    return isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) <= LARGEST_EXPONENT
