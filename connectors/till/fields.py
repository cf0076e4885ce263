"""How a till writes values: exact money as text, times with their offset, ids that the names of causes can hold."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields

from loyalty.clock import read_moment

MONEY = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,4})?")
ID = re.compile(r"[A-Za-z0-9._/-]{1,64}")
UNSTORABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
MOST_PIECES = 10**6


class Money(fields.Field[Decimal]):
    """An amount as a decimal text such as "19.90"; below 0 only where it is signed."""

    def __init__(self, *, signed: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.signed = signed

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        if not isinstance(value, str) or not MONEY.fullmatch(value):
            raise ValidationError('Must be a decimal text such as "19.90".')
        if value.startswith("-") and not self.signed:
            raise ValidationError("Must not be below 0.")
        return Decimal(value)


class Instant(fields.Field[datetime]):
    """An instant of RFC 3339 with its offset."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            return read_moment(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None


class Id(fields.String):
    """The till's own name for something."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not ID.fullmatch(value):
            raise ValidationError("Must be a text of 1 to 64 letters, digits and . _ / -")
        return value


class Words(fields.String):
    """A text of at most so many characters, without line breaks and what a database refuses."""

    def __init__(self, most: int, **options: Any) -> None:
        super().__init__(**options)
        self.most = most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        if len(text) > self.most or UNSTORABLE.search(text):
            raise ValidationError(f"Must be at most {self.most} characters without line breaks.")
        return text


class Pieces(fields.Integer):
    """How many pieces; a JSON float or text is refused."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_PIECES:
            raise ValidationError(f"Must be a whole number from 0 to {MOST_PIECES}.")
        return value


class Flag(fields.Boolean):
    """A JSON boolean; what merely looks like one is refused."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("Must be true or false.")
        return value
