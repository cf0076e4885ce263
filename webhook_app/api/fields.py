"""The API's own kinds of values: instants and points."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields

from loyalty.clock import read_moment
from webhook_app.moments import moment_text

MOST_POINTS = 10**12
AMOUNT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,4})?")


class Moment(fields.Field[datetime]):
    """An instant: written in UTC with Z, read with any offset; one without offset is refused."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else moment_text(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            return read_moment(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None


class Points(fields.Integer):
    """Whole points, not 0; a JSON float or text is refused."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < abs(value) <= MOST_POINTS:
            raise ValidationError("Must be a whole number other than 0.")
        return value


class Amount(fields.Field[Decimal]):
    """Money as a decimal text such as "-12.50", not 0; a JSON float is refused."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else f"{value:f}"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        if not isinstance(value, str) or not AMOUNT.fullmatch(value) or not Decimal(value):
            raise ValidationError('Must be a decimal string other than 0, for example "12.50".')
        return Decimal(value)


def above_zero(amount: Decimal) -> None:
    """Refuse an amount that is not above 0; `validate.Range` would describe a text as if it were a number."""
    if amount <= 0:
        raise ValidationError("Must be greater than 0.")
