"""Challenges: what members are asked to show, what they submit, and who judges it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate, validates_schema
from marshmallow.exceptions import ValidationError

from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.community import challenge_repository as repository
from loyalty.community.forms import SUBMISSION_NAMES
from loyalty.community.things import close_thing, get_thing, list_things
from loyalty.engine import challenging
from loyalty.programs.fields import Whole
from webhook_app.api.answers import page_of, words
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Resource, Writing, actor, number_cursor, page, transaction
from webhook_app.api.questions import PageQuery, Strict
from webhook_app.api.taking_part import (
    MemberRequest,
    TimedRequest,
    TimedSchema,
    activity_field,
    book_of,
    counted_field,
    deliver,
    key_field,
)
from webhook_app.security import access

blueprint = Resource("challenges", __name__, description="Challenges with submissions and moderation.")
MOST_LINKS = 10


class ChallengeRequest(TimedRequest):
    key = key_field()
    activity = activity_field("challenge")
    per_member = Whole(
        least=1, most=1000, load_default=1,
        metadata={"description": "Submissions of a member that were not rejected."},
    )  # fmt: skip


class ChallengeSchema(TimedSchema):
    per_member = fields.Integer()


class SubmissionRequest(MemberRequest):
    """A text, links, or both; files stay where they are."""

    text = fields.String(load_default="", validate=validate.Length(max=5000))
    urls = fields.List(
        fields.Url(schemes={"http", "https"}, validate=validate.Length(max=2000)),
        load_default=list, validate=validate.Length(max=MOST_LINKS),
    )  # fmt: skip

    @validates_schema
    def _says_something(self, data: Data, **_: Any) -> None:
        if not data["text"].strip() and not data["urls"]:
            raise ValidationError("Must be given, or urls.", "text")


class SubmissionSchema(Schema):
    id = fields.Integer()
    member = fields.UUID(attribute="member_id")
    text = fields.String()
    urls = fields.List(fields.String())
    state = fields.String()
    state_name = words()
    submitted_at = Moment()
    reason = fields.String()
    moderator = fields.String(allow_none=True)
    judged_at = Moment(allow_none=True)
    counted = counted_field()


class SubmissionsQuery(PageQuery):
    state = fields.String(load_default=None, validate=validate.OneOf(list(SUBMISSION_NAMES)))


class VerdictRequest(Strict):
    approve = fields.Boolean(required=True, truthy={True}, falsy={False})
    reason = fields.String(load_default="", validate=validate.Length(max=500))

    @validates_schema
    def _says_why_not(self, data: Data, **_: Any) -> None:
        if not data["approve"] and not data["reason"].strip():
            raise ValidationError("Must say why.", "reason")


def submission_answer(row: Mapping[Any, Any]) -> Data:
    """Return a submission as the API shows it."""
    return {**row, "state_name": SUBMISSION_NAMES[row["state"]]}


@blueprint.writes("/challenges", ChallengeSchema, status=201, body=ChallengeRequest)
def make_challenge(writing: Writing, asked: Data) -> Any:
    """Write a new challenge."""
    made = challenging.make_challenge(writing.connection, book_of(writing), asked, utc_now())
    note(writing.connection, access().account, actor(), "challenge.made", asked["key"])
    return made


@blueprint.reads("/challenges", page_of(ChallengeSchema), PageQuery)
def challenges(query: Data) -> Data:
    """List challenges, newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        rows = list_things(connection, repository.CHALLENGES, before, limit + 1)
    return page(rows, limit, lambda row: row["id"])


@blueprint.reads("/challenges/<key>", ChallengeSchema)
def challenge(key: str) -> Mapping[Any, Any]:
    """Return a challenge."""
    with transaction() as connection:
        return get_thing(connection, repository.CHALLENGES, key)


@blueprint.writes("/challenges/<key>/close", ChallengeSchema, status=200)
def close(writing: Writing, key: str) -> Any:
    """Take no submissions from now on; those that wait can still be judged."""
    closed = close_thing(writing.connection, repository.CHALLENGES, key, utc_now())
    note(writing.connection, access().account, actor(), "challenge.closed", key)
    return closed


@blueprint.writes("/challenges/<key>/submissions", SubmissionSchema, status=201, body=SubmissionRequest)
def submit(writing: Writing, asked: Data, key: str) -> Data:
    """Keep what a member submits until somebody judges it."""
    what = asked["member"], asked["text"], asked["urls"]
    return submission_answer(challenging.submit(writing.connection, book_of(writing), key, *what, utc_now()))


@blueprint.reads("/challenges/<key>/submissions", page_of(SubmissionSchema), SubmissionsQuery)
def submissions(query: Data, key: str) -> Data:
    """List the submissions of a challenge, newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        row = get_thing(connection, repository.CHALLENGES, key)
        rows = repository.list_submissions(connection, row["id"], query["state"], before, limit + 1)
    return page([submission_answer(row) for row in rows], limit, lambda row: row["id"])


@blueprint.writes(
    "/submissions/<int:number>/verdict", SubmissionSchema, status=200, scope="adjust", body=VerdictRequest
)
def judge(writing: Writing, asked: Data, number: int) -> Data:
    """Approve a submission, which is recorded as an activity, or reject it."""
    done = challenging.judge(
        writing.connection, book_of(writing), number, utc_now(), actor(),
        approve=asked["approve"], reason=asked["reason"],
    )  # fmt: skip
    note(
        writing.connection,
        access().account,
        actor(),
        "submission.judged",
        str(number),
        approve=asked["approve"],
    )
    deliver(writing, done.pushed)
    return submission_answer(done.submission)
