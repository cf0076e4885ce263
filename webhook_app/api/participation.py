"""What a member took part in."""

from __future__ import annotations

from uuid import UUID

from marshmallow import Schema, fields

from loyalty.reports.participation import read_participation
from webhook_app.api.answers import words
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Resource, transaction
from webhook_app.api.taking_part import counted_field

blueprint = Resource("participation", __name__, description="What members took part in.")


class OwnSignUpSchema(Schema):
    event = fields.String(attribute="key")
    name = words()
    starts_at = Moment()
    ends_at = Moment()
    state = fields.String()
    state_name = words()
    queued_at = Moment()
    changed_at = Moment()
    counted = counted_field()


class OwnAnswerSchema(Schema):
    poll = fields.String(attribute="key")
    kind = fields.String()
    name = words()
    answers = fields.Dict()
    answered_at = Moment()
    counted = counted_field()


class OwnSubmissionSchema(Schema):
    id = fields.Integer()
    challenge = fields.String(attribute="key")
    name = words()
    text = fields.String()
    urls = fields.List(fields.String())
    state = fields.String()
    state_name = words()
    submitted_at = Moment()
    reason = fields.String()
    judged_at = Moment(allow_none=True)
    counted = counted_field()


class OwnDrawSchema(Schema):
    draw = fields.String(attribute="key")
    name = words()
    drawn_at = Moment()
    rank = fields.Integer(allow_none=True, metadata={"description": "His place among the winners."})
    counted = counted_field()


class ParticipationSchema(Schema):
    sign_ups = fields.List(fields.Nested(OwnSignUpSchema))
    answers = fields.List(fields.Nested(OwnAnswerSchema))
    submissions = fields.List(fields.Nested(OwnSubmissionSchema))
    draws = fields.List(fields.Nested(OwnDrawSchema))


@blueprint.reads("/members/<uuid:member>/participation", ParticipationSchema)
def participation(member: UUID) -> Data:
    """Return a member's sign-ups, answers, submissions and draws, the newest 100 of each, also those of who is merged
    into him.
    """
    with transaction() as connection:
        return read_participation(connection, member)
