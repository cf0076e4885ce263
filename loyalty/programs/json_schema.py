"""The program document's JSON Schema (2020-12), made from the same schema that checks it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from marshmallow import Schema, fields, missing, validate

from loyalty.programs.fields import (
    DECIMAL,
    KEY,
    LARGEST,
    ByKey,
    CalendarLength,
    Key,
    Number,
    Texts,
    WallTime,
    Whole,
)
from loyalty.programs.program import LANGUAGES
from loyalty.programs.reward_schema import PERIODS, PerMember
from loyalty.programs.schema import ProgramSchema

Json = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_LENGTH = {"type": "integer", "minimum": 1, "maximum": 36500}
_USES: Json = {
    "type": "object",
    "properties": {
        "uses": {"type": "integer", "minimum": 1},
        "period": {"type": "string", "enum": list(PERIODS), "default": "lifetime"},
    },
    "additionalProperties": False,
    "required": ["uses"],
}
_KINDS: Mapping[type[fields.Field[Any]], Json] = {
    CalendarLength: {
        "type": "object",
        "properties": dict.fromkeys(("days", "months", "years"), _LENGTH),
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    },
    PerMember: {"anyOf": [{"type": "integer", "minimum": 1}, _USES]},
    Texts: {
        "type": "object",
        "properties": {language: {"type": "string"} for language in LANGUAGES},
        "additionalProperties": False,
    },
    Key: {"type": "string", "pattern": KEY.pattern},
    Number: {"anyOf": [{"type": "string", "pattern": DECIMAL.pattern}, {"type": "integer", "minimum": 0}]},
    WallTime: {"type": "string", "description": "Local time of the account, such as 2026-12-01T00:00."},
    fields.Boolean: {"type": "boolean"},
    fields.String: {"type": "string"},
    fields.Dict: {"type": "object"},
}


def program_json_schema() -> Json:
    """Return the JSON Schema of the whole document."""
    return {"$schema": DIALECT, "title": "Laurel program", **_object(ProgramSchema())}


def _object(schema: Schema) -> Json:
    described = {field.data_key or name: field for name, field in schema.load_fields.items()}
    required = [name for name, field in described.items() if field.required]
    content: Json = {
        "type": "object",
        "properties": {name: _field(field) for name, field in described.items()},
        "additionalProperties": False,
    }
    return {**content, "required": required} if required else content


def _field(field: fields.Field[Any]) -> Json:
    content = _content(field)
    if field.allow_none:
        content = {"anyOf": [content, {"type": "null"}]}
    default = field.load_default
    if default is not missing and not callable(default):
        content["default"] = str(default) if isinstance(default, Fraction) else default
    return content


def _content(field: fields.Field[Any]) -> Json:
    if isinstance(field, fields.Nested):
        return _object(field.schema)
    if isinstance(field, fields.List):
        return {"type": "array", "items": _field(field.inner), **_size(field)}
    if isinstance(field, ByKey) and field.value_field is not None:
        return {"type": "object", "additionalProperties": _field(field.value_field)}
    if isinstance(field, Whole):
        most = {"maximum": field.most} if field.most < LARGEST else {}
        return {"type": "integer", "minimum": field.least, **most}
    kind = next(content for known, content in _KINDS.items() if isinstance(field, known))
    choices = [rule.choices for rule in field.validators if isinstance(rule, validate.OneOf)]
    return {**kind, "enum": list(choices[0])} if choices else dict(kind)


def _size(field: fields.List[Any]) -> Json:
    rules = [rule for rule in field.validators if isinstance(rule, validate.Length)]
    sizes = {"minItems": rules[0].min, "maxItems": rules[0].max} if rules else {}
    return {name: size for name, size in sizes.items() if size is not None}
