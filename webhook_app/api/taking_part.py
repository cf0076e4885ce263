"""What events, polls, challenges and draws share in the API: who they are for, their words, whom a request means."""

from __future__ import annotations

from functools import partial
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from loyalty.engine.book import AccountBook, load_book
from loyalty.programs.fields import Key, Texts
from webhook_app.api.answers import words
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Writing
from webhook_app.api.questions import Strict
from webhook_app.security import access
from webhook_app.tools import tools

MOST = 100
"""How many words a list of a request may have."""


class AudienceRequest(Strict):
    """Everybody, unless something is named; then one of each that is named."""

    tiers = fields.List(fields.String(), load_default=list, validate=validate.Length(max=MOST))
    segments = fields.List(fields.String(), load_default=list, validate=validate.Length(max=MOST))
    tags = fields.List(fields.String(), load_default=list, validate=validate.Length(max=MOST))


class AudienceSchema(Schema):
    tiers = fields.List(fields.String())
    segments = fields.List(fields.String())
    tags = fields.List(fields.String())


def audience_field() -> fields.Nested:
    """Return the field of whom something is for."""
    return fields.Nested(AudienceRequest, load_default=lambda: AudienceRequest().load({}))


class NamedRequest(Strict):
    """What everything has that members take part in."""

    name = Texts(required=True)
    description = Texts(load_default=dict)


class MemberRequest(Strict):
    member = fields.UUID(required=True)


class NamedSchema(Schema):
    id = fields.Integer()
    key = fields.String()
    name = words()
    description = words()
    activity = fields.String(
        metadata={"description": "The kind of activity that taking part is recorded as."}
    )


class TimedRequest(NamedRequest):
    """From when until when members may take part, and which."""

    opens_at = Moment(required=True)
    closes_at = Moment(load_default=None, allow_none=True)
    audience = audience_field()

    @validates_schema
    def _opens_first(self, data: Data, **_: Any) -> None:
        if data["closes_at"] is not None and data["closes_at"] <= data["opens_at"]:
            raise ValidationError("Must be after opens_at.", "closes_at")


class TimedSchema(NamedSchema):
    opens_at = Moment()
    closes_at = Moment(allow_none=True)
    audience = fields.Nested(AudienceSchema)


def key_field() -> Key:
    """Return the field of a name for machines."""
    return Key(required=True)


def activity_field(kind: str) -> Key:
    """Return the field of the kind of activity that taking part is recorded as."""
    return Key(load_default=kind, metadata={"description": "The kind of activity that is recorded."})


def counted_field() -> fields.Boolean:
    """Return the field that says whether taking part was recorded as an activity."""
    told = "Whether it was recorded as an activity; false when a limit of the kind was reached."
    return fields.Boolean(attribute="is_counted", allow_none=True, metadata={"description": told})


def book_of(writing: Writing) -> AccountBook:
    """Return the book of the account whose key the request carries."""
    return load_book(writing.connection, tools().vault, access().account)


def deliver(writing: Writing, pushed: frozenset[Any]) -> None:
    """Have the pushes of these stores delivered once the request is committed."""
    writing.afterwards.append(partial(tools().wake_pushes, access().account, pushed))
