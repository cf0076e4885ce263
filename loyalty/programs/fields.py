"""Marshmallow fields of the program document: exact numbers as strings, texts by language, calendar lengths."""

from __future__ import annotations

import re
from datetime import datetime
from fractions import Fraction
from typing import Any

from marshmallow import ValidationError, fields

from loyalty.programs.program import LANGUAGES
from loyalty.programs.terms import Duration

DECIMAL = re.compile(r"^\d{1,15}(\.\d{1,9})?$")
LARGEST = 10**15
KEY = re.compile(r"^[a-z0-9][a-z0-9_-]{0,63}$")


class Number(fields.Field[Fraction]):
    """A decimal string such as "1.5" (a whole JSON number is accepted, a float is not), read without rounding."""

    def __init__(self, *, positive: bool = False, most: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.positive = positive
        self.most = most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Fraction:
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not DECIMAL.match(text):
            raise ValidationError('Must be a decimal string, for example "1.5".')
        number = Fraction(text)
        if self.positive and number == 0:
            raise ValidationError("Must be greater than 0.")
        if self.most is not None and number > self.most:
            raise ValidationError(f"Must be at most {self.most}.")
        return number


class Whole(fields.Integer):
    """A whole number of at least `least` and at most `most`."""

    def __init__(self, *, least: int = 0, most: int = LARGEST, **options: Any) -> None:
        super().__init__(strict=True, **options)
        self.least = least
        self.most = most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError("Must be a whole number.")
        if not self.least <= value <= self.most:
            end = "on" if self.most == LARGEST else f"to {self.most}"
            raise ValidationError(f"Must be a whole number from {self.least} {end}.")
        return value


class Key(fields.String):
    """A name for machines: small letters, digits, `-` and `_`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not KEY.match(text):
            raise ValidationError("Must be 1 to 64 small letters, digits, - or _.")
        return text


class Texts(fields.Dict):
    """Text shown to people: {"zh-TW": …, "zh-CN": …, "en": …}; at least one of them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(keys=fields.String(), values=fields.String(), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, str]:
        texts: dict[str, str] = super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]
        unknown = sorted(set(texts) - set(LANGUAGES))
        if unknown:
            raise ValidationError({language: ["Unknown language."] for language in unknown})
        if not any(text.strip() for text in texts.values()):
            raise ValidationError("Must be given in at least one language.")
        return dict(texts)


class CalendarLength(fields.Field[Duration]):
    """Exactly one of {"days": n}, {"months": n}, {"years": n}."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Duration:
        if not isinstance(value, dict) or len(value) != 1 or not set(value) <= {"days", "months", "years"}:
            raise ValidationError('Must be one of {"days": n}, {"months": n}, {"years": n}.')
        ((unit, count),) = value.items()
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 36500:
            raise ValidationError({unit: ["Must be a whole number from 1 on."]})
        if unit == "days":
            return Duration(days=count)
        return Duration(months=count * 12 if unit == "years" else count)


class WallTime(fields.Field[datetime]):
    """A local time of the account's zone without offset: 2026-12-01T00:00."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            wall = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise ValidationError("Must be a local time such as 2026-12-01T00:00.") from None
        if wall.tzinfo is not None:
            raise ValidationError("Must be a local time of the account, without an offset.")
        return wall


class ByKey(fields.Dict):
    """An object of named parts; mistakes are told by the name alone."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            parts: dict[str, Any] = super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]
        except ValidationError as error:
            messages = error.messages
            if not isinstance(messages, dict):
                raise
            told = {key: found.get("value", found.get("key")) for key, found in messages.items()}
            raise ValidationError(told) from None
        return dict(parts)
