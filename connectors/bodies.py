"""Turns the bytes of a message into a JSON object with exact numbers, and that into what a schema reads of it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NoReturn

from marshmallow import Schema, ValidationError

from loyalty.errors import MalformedMessage

Body = dict[str, Any]


def read_object(body: bytes) -> Body:
    """Return the JSON object of a body with exact numbers; raises MalformedMessage."""
    try:
        value = _DECODER.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise MalformedMessage(f"The body is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise MalformedMessage("The body is no JSON object.")
    return value


def load(schema: Schema, value: object, path: str = "") -> Any:
    """Return what the schema reads of a value; raises MalformedMessage that names the path of each mistake."""
    try:
        return schema.load(value)  # type: ignore[arg-type]
    except ValidationError as error:
        raise MalformedMessage("; ".join(_mistakes(error.messages, path))) from None


def _mistakes(messages: object, path: str) -> list[str]:
    if isinstance(messages, dict):
        return [
            line
            for key, deeper in messages.items()
            for line in _mistakes(deeper, f"{path}.{key}".lstrip("."))
        ]
    texts = messages if isinstance(messages, list) else [messages]
    return [f"{path}: {text}" for text in texts]


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse)
