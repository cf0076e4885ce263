"""Turns bytes into the JSON object of a message and says by its shape, not by its unsigned topic, what it is."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NoReturn

from marshmallow import Schema, ValidationError

from connectors.woocommerce import values
from loyalty.errors import MalformedMessage

Body = dict[str, Any]

# What only the body of one resource has; read from the recordings of WooCommerce 11.0.1, v3.
MARKS = (
    ("order", "line_items"),
    ("customer", "is_paying_customer"),
    ("coupon", "discount_type"),
    ("product", "type"),
)


def read_object(body: bytes) -> Body:
    """Return the JSON object of a body with exact numbers; raises MalformedMessage."""
    try:
        value = _DECODER.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise MalformedMessage(f"The body is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise MalformedMessage("The body is no JSON object.")
    return value


def shape(body: Body) -> str:
    """Return what a body is: action, error, id, order, customer, coupon, product or unknown."""
    if body.keys() == {"action", "arg"}:
        return "action"
    if "id" not in body and {"code", "message"} <= body.keys():
        return "error"
    if body.keys() == {"id"}:
        return "id"
    return next((kind for kind, mark in MARKS if mark in body), "unknown")


def id_text(value: object, path: str) -> str:
    """Return a positive id as text; raises MalformedMessage that names the path."""
    try:
        return values.key(value)
    except ValidationError as error:
        raise MalformedMessage(f"{path}: {error.messages[0]}") from None


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
