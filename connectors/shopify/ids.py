"""Shopify's global ids and the numbers in them, which alone are our external ids."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError

from connectors.values import key

PREFIX = "gid://shopify/"


def gid(kind: str, number: str) -> str:
    """Return the global id of a thing, such as `gid://shopify/Order/123`."""
    return f"{PREFIX}{kind}/{number}"


def is_number(text: str) -> bool:
    """Return whether a text is the number of a thing."""
    return text.isascii() and text.isdecimal() and int(text) > 0


def tail(value: Any) -> str:
    """Return the number of a global id as text; raises ValidationError."""
    kind, number = split(value)
    if not kind:
        raise ValidationError("Not a global id.")
    return number


def split(value: Any) -> tuple[str, str]:
    """Return the kind and the number of a global id, two empty texts for null; raises ValidationError."""
    if value is None:
        return "", ""
    if not isinstance(value, str) or not value.startswith(PREFIX):
        raise ValidationError("Not a global id.")
    kind, _, number = value.removeprefix(PREFIX).partition("?")[0].partition("/")
    return kind, key(number)
