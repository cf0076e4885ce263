"""Says by the shape of a message's JSON object, not by its unsigned topic, what it is."""

from __future__ import annotations

from marshmallow import ValidationError

from connectors import values
from connectors.bodies import Body
from loyalty.errors import MalformedMessage

# What only the body of one resource has; read from the recordings of WooCommerce 11.0.1, v3.
MARKS = (
    ("order", "line_items"),
    ("customer", "is_paying_customer"),
    ("coupon", "discount_type"),
    ("product", "type"),
)


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
