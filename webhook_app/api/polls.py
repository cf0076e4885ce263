"""Polls and surveys: what is asked, what members answer, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.community import poll_repository as repository
from loyalty.community.questions import QuestionKind
from loyalty.community.things import close_thing, get_thing, list_things
from loyalty.engine import polling
from loyalty.programs.fields import Key, Texts, Whole
from webhook_app.api.answers import page_of, words
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Resource, Writing, actor, number_cursor, page, transaction
from webhook_app.api.questions import PageQuery, Strict
from webhook_app.api.taking_part import (
    MemberRequest,
    TimedRequest,
    TimedSchema,
    book_of,
    counted_field,
    deliver,
    key_field,
)
from webhook_app.security import access

blueprint = Resource("polls", __name__, description="Polls and surveys.")
KINDS = {"poll": "vote", "survey": "survey"}
"""The kind of activity that answering is recorded as, by the kind of the poll."""
HIGHEST = 100
_OF_KIND = {
    QuestionKind.SINGLE: {"options"},
    QuestionKind.MULTIPLE: {"options", "most"},
    QuestionKind.SCALE: {"low", "high"},
    QuestionKind.TEXT: set(),
}


class OptionRequest(Strict):
    key = key_field()
    text = Texts(required=True)


class QuestionRequest(Strict):
    """One question; `kind` says which of the other fields belong to it."""

    key = key_field()
    kind = fields.String(required=True, validate=validate.OneOf([str(kind) for kind in _OF_KIND]))
    text = Texts(required=True)
    options = fields.List(fields.Nested(OptionRequest), validate=validate.Length(2, 50))
    most = Whole(least=1, metadata={"description": "multiple: how many options at most."})
    low = Whole(most=HIGHEST)
    high = Whole(least=1, most=HIGHEST)
    required = fields.Boolean(load_default=True, truthy={True}, falsy={False})

    @validates_schema
    def _fits_its_kind(self, data: Data, **_: Any) -> None:
        kind = QuestionKind(data["kind"])
        others = set(data) - {"key", "kind", "text", "required"} - _OF_KIND[kind]
        if others:
            raise ValidationError({name: [f"Does not belong to the kind {kind}."] for name in others})
        if "options" in _OF_KIND[kind]:
            _need_unique(data.get("options"), "options")
        if kind is QuestionKind.SCALE and data.get("low", 1) >= data.get("high", 5):
            raise ValidationError("Must be more than low.", "high")


def _need_unique(items: list[Data] | None, name: str) -> None:
    if not items:
        raise ValidationError("Must be given.", name)
    if len({item["key"] for item in items}) < len(items):
        raise ValidationError("Must have each key once.", name)


class PollRequest(TimedRequest):
    key = key_field()
    kind = fields.String(load_default="poll", validate=validate.OneOf(list(KINDS)))
    questions = fields.List(fields.Nested(QuestionRequest), required=True, validate=validate.Length(1, 50))
    activity = Key(
        load_default=None, metadata={"description": "The kind of activity: vote, or survey, unless given."}
    )

    @validates_schema
    def _asks_each_once(self, data: Data, **_: Any) -> None:
        _need_unique(data["questions"], "questions")
        data["activity"] = data["activity"] or KINDS[data["kind"]]


class OptionSchema(Schema):
    key = fields.String()
    text = words()


class QuestionSchema(Schema):
    key = fields.String()
    kind = fields.String()
    text = words()
    options = fields.List(fields.Nested(OptionSchema))
    most = fields.Integer()
    low = fields.Integer()
    high = fields.Integer()
    required = fields.Boolean()


class PollSchema(TimedSchema):
    kind = fields.String()
    questions = fields.List(fields.Nested(QuestionSchema))


class AnswersRequest(MemberRequest):
    answers = fields.Dict(
        keys=fields.String(), values=fields.Raw(), required=True,
        metadata={"description": "By question: an option, a list of options, a number, or a text."},
    )  # fmt: skip


class PollAnswerSchema(Schema):
    id = fields.Integer()
    member = fields.UUID(attribute="member_id")
    answers = fields.Dict()
    answered_at = Moment()
    counted = counted_field()


class QuestionResultSchema(Schema):
    key = fields.String(attribute="question.key")
    kind = fields.String(attribute="question.kind")
    text = fields.Dict(attribute="question.text")
    answered = fields.Integer(metadata={"description": "Members who answered it."})
    counts = fields.Dict(metadata={"description": "How many chose each option or number."})
    average = fields.String(allow_none=True, metadata={"description": "scale: to the hundredth."})


class PollResultsSchema(Schema):
    members = fields.Integer(metadata={"description": "Members who answered."})
    questions = fields.List(fields.Nested(QuestionResultSchema))


@blueprint.writes("/polls", PollSchema, status=201, body=PollRequest)
def make_poll(writing: Writing, asked: Data) -> Any:
    """Write a new poll or survey; its questions stay as they are."""
    made = polling.make_poll(writing.connection, book_of(writing), asked, utc_now())
    note(writing.connection, access().account, actor(), "poll.made", asked["key"], kind=asked["kind"])
    return made


@blueprint.reads("/polls", page_of(PollSchema), PageQuery)
def polls(query: Data) -> Data:
    """List polls and surveys, newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        rows = list_things(connection, repository.POLLS, before, limit + 1)
    return page(rows, limit, lambda row: row["id"])


@blueprint.reads("/polls/<key>", PollSchema)
def poll(key: str) -> Mapping[Any, Any]:
    """Return a poll or survey."""
    with transaction() as connection:
        return get_thing(connection, repository.POLLS, key)


@blueprint.writes("/polls/<key>/close", PollSchema, status=200)
def close(writing: Writing, key: str) -> Any:
    """Take no answers from now on."""
    closed = close_thing(writing.connection, repository.POLLS, key, utc_now())
    note(writing.connection, access().account, actor(), "poll.closed", key)
    return closed


@blueprint.writes("/polls/<key>/answers", PollAnswerSchema, status=201, body=AnswersRequest)
def answer(writing: Writing, asked: Data, key: str) -> Any:
    """Keep a member's answers, once."""
    done = polling.answer(
        writing.connection, book_of(writing), key, asked["member"], asked["answers"], utc_now(), actor()
    )
    deliver(writing, done.pushed)
    return done.answer


@blueprint.reads("/polls/<key>/answers", page_of(PollAnswerSchema), PageQuery)
def answers(query: Data, key: str) -> Data:
    """List what members answered, oldest first."""
    limit, after = query["limit"], number_cursor(query["cursor"]) or 0
    with transaction() as connection:
        row = get_thing(connection, repository.POLLS, key)
        rows = repository.list_answers(connection, row["id"], after, limit + 1)
    return page(rows, limit, lambda row: row["id"])


@blueprint.reads("/polls/<key>/results", PollResultsSchema)
def results(key: str) -> Data:
    """Return what came of a poll: counts for each option, the average of each scale."""
    with transaction() as connection:
        members, found = polling.read_results(connection, get_thing(connection, repository.POLLS, key))
    return {"members": members, "questions": found}
