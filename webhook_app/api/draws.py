"""Lucky draws: who takes part, the hash of the seed beforehand, the winners and the seed afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.community import draw_repository as repository
from loyalty.community.forms import State
from loyalty.community.things import get_thing, list_things
from loyalty.engine import drawing
from loyalty.programs.fields import Key, Whole
from webhook_app.api.answers import page_of
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Resource, Writing, actor, number_cursor, page, transaction
from webhook_app.api.questions import PageQuery, Strict
from webhook_app.api.taking_part import (
    NamedRequest,
    NamedSchema,
    activity_field,
    book_of,
    counted_field,
    deliver,
    key_field,
)
from webhook_app.security import access

blueprint = Resource("draws", __name__, description="Lucky draws.")
MOST_WINNERS = 500
MOST_NAMED = 10_000
_OF_KIND = {
    "segment": {"segment"},
    "activity": {"activity", "from", "until"},
    "event": {"event"},
    "members": {"members"},
}


class EntrantsRequest(Strict):
    """Who takes part, as it is at the draw; `kind` says which of the other fields belong to it."""

    kind = fields.String(required=True, validate=validate.OneOf(list(_OF_KIND)))
    segment = Key()
    activity = Key(metadata={"description": "Who did something of this kind in [from, until)."})
    opens = Moment(data_key="from", attribute="from")
    closes = Moment(data_key="until", attribute="until")
    event = Key()
    state = fields.String(
        validate=validate.OneOf([str(State.ATTENDED), str(State.SIGNED_UP)]),
        metadata={"description": "event: attended, unless given."},
    )
    members = fields.List(fields.UUID(), validate=validate.Length(1, MOST_NAMED))

    @validates_schema
    def _fits_its_kind(self, data: Data, **_: Any) -> None:
        kind = data["kind"]
        needed = _OF_KIND[kind]
        allowed = {"kind", *needed, *({"state"} if kind == "event" else ())}
        wrong = {name: [f"Does not belong to the kind {kind}."] for name in set(data) - allowed}
        wrong |= {name: ["Must be given."] for name in needed - set(data)}
        if wrong:
            raise ValidationError(wrong)
        if kind == "activity" and data["until"] <= data["from"]:
            raise ValidationError("Must be after from.", "until")


class DrawRequest(NamedRequest):
    key = key_field()
    entrants = fields.Nested(EntrantsRequest, required=True)
    winners = Whole(required=True, least=1, most=MOST_WINNERS)
    activity = activity_field("draw_won")


class WinnerSchema(Schema):
    rank = fields.Integer()
    member = fields.UUID(attribute="member_id")
    key = fields.String(attribute="member_key")
    counted = counted_field()


class DrawSchema(NamedSchema):
    entrants = fields.Dict()
    winners = fields.Integer(metadata={"description": "How many may win."})
    commitment = fields.Function(
        lambda it: bytes(it["commitment"]).hex(),
        metadata={"description": "SHA-256 of the seed, hexadecimal, known from the start."},
    )
    drawn_at = Moment(allow_none=True)
    seed = fields.Function(
        lambda it: bytes(it["seed"]).hex() if it["drawn_at"] else None,
        metadata={"description": "16 bytes, hexadecimal; null before the draw."},
    )


class DrawnSchema(DrawSchema):
    won = fields.List(fields.Nested(WinnerSchema), metadata={"description": "The first winner first."})


class DrawEntrySchema(Schema):
    position = fields.Integer()
    member = fields.UUID(attribute="member_id")
    key = fields.String(attribute="member_key")
    rank = fields.Integer(allow_none=True)


class RerunSchema(Schema):
    same = fields.Boolean(
        attribute="is_same", metadata={"description": "Whether the winners are those recorded."}
    )
    committed = fields.Boolean(
        attribute="is_committed", metadata={"description": "Whether the seed has the hash shown before."}
    )
    entrants = fields.Integer()
    winners = fields.List(fields.UUID())


def _plain(rule: Data) -> Data:
    """Return a rule as JSON data."""
    plain = dict(rule)
    if rule["kind"] == "members":
        plain["members"] = sorted({str(member) for member in rule["members"]})
    if rule["kind"] == "activity":
        plain |= {name: rule[name].isoformat() for name in ("from", "until")}
    if rule["kind"] == "event":
        plain.setdefault("state", State.ATTENDED.value)
    return plain


def _shown(row: Mapping[Any, Any], won: Sequence[Mapping[Any, Any]]) -> Data:
    return {**row, "won": won}


@blueprint.writes("/draws", DrawSchema, status=201, scope="adjust", body=DrawRequest)
def make_draw(writing: Writing, asked: Data) -> Any:
    """Write a new draw; its seed is made now and only its hash is shown."""
    data = {**asked, "entrants": _plain(asked["entrants"])}
    made = drawing.make_draw(writing.connection, book_of(writing), data, utc_now())
    commitment = bytes(made["commitment"]).hex()
    note(writing.connection, access().account, actor(), "draw.made", asked["key"], commitment=commitment)
    return made


@blueprint.reads("/draws", page_of(DrawSchema), PageQuery)
def draws(query: Data) -> Data:
    """List draws, newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        rows = list_things(connection, repository.DRAWS, before, limit + 1)
    return page(rows, limit, lambda row: row["id"])


@blueprint.reads("/draws/<key>", DrawnSchema)
def one_draw(key: str) -> Data:
    """Return a draw; its seed and winners once it is drawn."""
    with transaction() as connection:
        row = get_thing(connection, repository.DRAWS, key)
        return _shown(row, repository.list_winners(connection, row["id"]))


@blueprint.writes("/draws/<key>/draw", DrawnSchema, status=200, scope="adjust")
def draw(writing: Writing, key: str) -> Data:
    """Draw the winners, once; again it returns them."""
    done = drawing.draw(writing.connection, book_of(writing), key, utc_now(), actor())
    note(writing.connection, access().account, actor(), "draw.drawn", key, winners=len(done.winners))
    deliver(writing, done.pushed)
    return _shown(done.draw, done.winners)


@blueprint.reads("/draws/<key>/entries", page_of(DrawEntrySchema), PageQuery)
def entries(query: Data, key: str) -> Data:
    """List who took part, as it was at the draw, in the order in which they were drawn from."""
    limit, cursor = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        row = get_thing(connection, repository.DRAWS, key)
        after = -1 if cursor is None else cursor
        rows = repository.list_entries(connection, row["id"], after, limit + 1)
    return page(rows, limit, lambda row: row["position"])


@blueprint.reads("/draws/<key>/re-run", RerunSchema)
def re_run(key: str) -> Any:
    """Draw again from the recorded seed and entries, and compare; nothing is changed."""
    with transaction(steady=True) as connection:
        return drawing.run_again(connection, key)
