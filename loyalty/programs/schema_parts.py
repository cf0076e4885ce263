"""What the schemas of a program document share: strictness, lists of ids, choices, parts with defaults."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, fields, validate


class Strict(Schema):
    """Unknown keys are mistakes."""

    class Meta:
        unknown = RAISE


def ids() -> fields.List[Any]:
    """Return a list of texts, empty unless given."""
    return fields.List(fields.String(), load_default=list)


def choice(options: Any, default: str) -> fields.String:
    """Return one of some words."""
    return fields.String(validate=validate.OneOf([str(option) for option in options]), load_default=default)


def part(schema: type[Schema]) -> fields.Nested:
    """Return an object that has its defaults when it is left out."""
    return fields.Nested(schema, load_default=lambda: schema().load({}))


class MatchSchema(Strict):
    """Which products are meant."""

    product_ids = ids()
    category_ids = ids()
    skus = ids()
    tags = ids()
