"""Events: what is on, who signs up, who waits, who came."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.community import repository
from loyalty.community.code import check_in_code
from loyalty.community.forms import FORM_NAMES, STATE_NAMES, CheckIn, Form, State
from loyalty.community.things import get_thing, list_things
from loyalty.engine import gatherings, returning, tickets
from loyalty.engine.book import load_book
from loyalty.programs.fields import Texts, Whole
from webhook_app.api.answers import page_of, words
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Resource, Writing, actor, number_cursor, page, transaction
from webhook_app.api.questions import PageQuery, ReasonRequest, Strict
from webhook_app.api.taking_part import (
    AudienceSchema,
    MemberRequest,
    NamedRequest,
    NamedSchema,
    activity_field,
    audience_field,
    book_of,
    counted_field,
    deliver,
    key_field,
)
from webhook_app.security import access
from webhook_app.tools import tools

blueprint = Resource("events", __name__, description="Events that members sign up for.")
MOST_SEATS = 10**6
DAY = timedelta(days=1)
MEASURES = ("signed_up", "attended")


class GoalRequest(Strict):
    measure = fields.String(required=True, validate=validate.OneOf(MEASURES))
    at_least = Whole(required=True, least=1, most=MOST_SEATS)


class GoalSchema(Schema):
    measure = fields.String()
    at_least = fields.Integer()


class EventChangeRequest(NamedRequest):
    """An event; sign-up opens now, at the latest a day before it starts, and closes then, unless said otherwise."""

    form = fields.String(required=True, validate=validate.OneOf([str(form) for form in Form]))
    check_in = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf([str(way) for way in CheckIn])
    )
    is_online = fields.Boolean(required=True, data_key="online", truthy={True}, falsy={False})
    place = fields.String(
        required=True, validate=validate.Length(1, 2000),
        metadata={"description": "An address, or the link when it is online."},
    )  # fmt: skip
    starts_at = Moment(required=True)
    ends_at = Moment(required=True)
    opens_at = Moment(load_default=None, allow_none=True)
    closes_at = Moment(load_default=None, allow_none=True)
    capacity = Whole(load_default=None, allow_none=True, least=1, most=MOST_SEATS)
    has_waiting_list = fields.Boolean(
        load_default=False, data_key="waiting_list", truthy={True}, falsy={False}
    )
    audience = audience_field()
    activity = activity_field("event_participation")
    message = fields.String(
        load_default=None, allow_none=True,
        metadata={"description": "The program's message to who moves up from the waiting list."},
    )  # fmt: skip
    goal = fields.Nested(GoalRequest, load_default=None, allow_none=True)
    theme = Texts(load_default=dict)
    channels = fields.List(
        fields.String(validate=validate.Length(1, 64)), load_default=list, validate=validate.Length(max=20)
    )

    @validates_schema
    def _in_order(self, data: Data, **_: Any) -> None:
        data["opens_at"] = data["opens_at"] or min(utc_now(), data["starts_at"] - DAY)
        data["closes_at"] = data["closes_at"] or data["starts_at"]
        data["check_in"] = data["check_in"] or Form(data["form"]).check_in.value
        for first, second in (("starts_at", "ends_at"), ("opens_at", "closes_at")):
            if data[second] <= data[first]:
                raise ValidationError(f"Must be after {first}.", second)


class EventRequest(EventChangeRequest):
    key = key_field()


class EventSchema(NamedSchema):
    form = fields.String()
    form_name = words()
    check_in = fields.String()
    online = fields.Boolean(attribute="is_online")
    place = fields.String()
    starts_at = Moment()
    ends_at = Moment()
    opens_at = Moment()
    closes_at = Moment()
    capacity = fields.Integer(allow_none=True)
    taken = fields.Integer(metadata={"description": "Seats in use."})
    waiting_list = fields.Boolean(attribute="has_waiting_list")
    audience = fields.Nested(AudienceSchema)
    message = fields.String(allow_none=True)
    goal = fields.Nested(GoalSchema, allow_none=True)
    theme = words()
    channels = fields.List(fields.String())
    called_off_at = Moment(allow_none=True)


class EventResultSchema(EventSchema):
    counts = fields.Dict(metadata={"description": "Sign-ups by state."})
    reached = fields.Integer(allow_none=True, metadata={"description": "What the goal measures, as it is."})
    goal_reached = fields.Boolean(allow_none=True)


class SignUpSchema(Schema):
    id = fields.Integer()
    member = fields.UUID(attribute="member_id")
    state = fields.String()
    state_name = words()
    queued_at = Moment()
    changed_at = Moment()
    redemption = fields.UUID(
        attribute="redemption_id", allow_none=True, metadata={"description": "The ticket that it came of."}
    )
    counted = counted_field()


class CheckInCodeSchema(Schema):
    code = fields.String()


class SignUpsQuery(PageQuery):
    state = fields.String(load_default=None, validate=validate.OneOf([str(state) for state in State]))


class CheckInRequest(MemberRequest):
    code = fields.String(required=True, validate=validate.Length(1, 40))


class AttendanceRequest(MemberRequest):
    came = fields.Boolean(load_default=True, truthy={True}, falsy={False})


def event_answer(row: Mapping[Any, Any]) -> Data:
    """Return an event as the API shows it."""
    return {**row, "form_name": FORM_NAMES[Form(row["form"])]}


def sign_up_answer(row: Mapping[Any, Any]) -> Data:
    """Return a sign-up as the API shows it."""
    return {**row, "state_name": STATE_NAMES[State(row["state"])]}


@blueprint.writes("/events", EventSchema, status=201, body=EventRequest)
def make_event(writing: Writing, asked: Data) -> Data:
    """Write a new event."""
    made = gatherings.make_event(writing.connection, book_of(writing), asked, utc_now())
    note(writing.connection, access().account, actor(), "event.made", asked["key"])
    return event_answer(made)


@blueprint.writes("/events/<key>", EventSchema, status=200, method="PUT", body=EventChangeRequest)
def change_event(writing: Writing, asked: Data, key: str) -> Data:
    """Write what an event is from now on; who waits gets the seats that are new."""
    changed = gatherings.change_event(writing.connection, book_of(writing), key, asked, utc_now())
    note(writing.connection, access().account, actor(), "event.changed", key, capacity=asked["capacity"])
    return event_answer(changed)


@blueprint.reads("/events", page_of(EventSchema), PageQuery)
def events(query: Data) -> Data:
    """List events, newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        rows = list_things(connection, repository.GATHERINGS, before, limit + 1)
    return page([event_answer(row) for row in rows], limit, lambda row: row["id"])


@blueprint.reads("/events/<key>", EventResultSchema)
def event(key: str) -> Data:
    """Return an event with how many signed up and came, beside its goal."""
    with transaction() as connection:
        row = get_thing(connection, repository.GATHERINGS, key)
        found = repository.count_states(connection, row["id"])
    counts = {str(state): found.get(state, 0) for state in State}
    goal = row["goal"]
    seated = sum(count for state, count in counts.items() if State(state).has_seat)
    reached = None if goal is None else seated if goal["measure"] == "signed_up" else counts["attended"]
    met = None if reached is None else reached >= goal["at_least"]
    return {**event_answer(row), "counts": counts, "reached": reached, "goal_reached": met}


@blueprint.writes("/events/<key>/sign-ups", SignUpSchema, status=201, body=MemberRequest)
def sign_up(writing: Writing, asked: Data, key: str) -> Data:
    """Give a member a seat, or a place on the waiting list; who has either keeps it."""
    row = gatherings.sign_up(writing.connection, book_of(writing), key, asked["member"], utc_now())
    return sign_up_answer(row)


@blueprint.writes("/events/<key>/cancellations", SignUpSchema, status=200, body=MemberRequest)
def cancel(writing: Writing, asked: Data, key: str) -> Data:
    """Take a sign-up back; the first of the waiting list gets the seat, and a ticket gives its points back."""
    member: UUID = asked["member"]
    done = tickets.cancel_sign_up(writing.connection, book_of(writing), key, member, utc_now(), actor())
    deliver(writing, done.pushed)
    return sign_up_answer(done.sign_up)


@blueprint.writes("/events/<key>/calling-off", EventSchema, status=200, body=ReasonRequest)
def call_off(writing: Writing, asked: Data, key: str) -> Data:
    """Let an event not take place: all sign-ups are cancelled, and tickets give their points back, a hundred at once
    and more soon after.
    """
    reason = asked["reason"]
    done = returning.call_off(writing.connection, book_of(writing), key, reason, utc_now(), actor())
    note(writing.connection, access().account, actor(), "event.called_off", key, reason=reason)
    deliver(writing, done.pushed)
    if not done.is_over:
        writing.afterwards.append(partial(tools().wake_returns, access().account))
    return event_answer(done.event)


@blueprint.reads("/events/<key>/sign-ups", page_of(SignUpSchema), SignUpsQuery)
def sign_ups(query: Data, key: str) -> Data:
    """List the sign-ups of an event, oldest first."""
    limit, after = query["limit"], number_cursor(query["cursor"]) or 0
    with transaction() as connection:
        row = get_thing(connection, repository.GATHERINGS, key)
        rows = repository.list_sign_ups(connection, row["id"], query["state"], after, limit + 1)
    return page([sign_up_answer(row) for row in rows], limit, lambda row: row["id"])


@blueprint.reads("/events/<key>/check-in-code", CheckInCodeSchema, scope="adjust")
def code(key: str) -> Data:
    """Return the code that members check in with, to be shown at the event."""
    with transaction() as connection:
        get_thing(connection, repository.GATHERINGS, key)
        book = load_book(connection, tools().vault, access().account)
    return {"code": check_in_code(book.coupon_key, key)}


@blueprint.writes("/events/<key>/check-ins", SignUpSchema, status=200, body=CheckInRequest)
def check_in(writing: Writing, asked: Data, key: str) -> Data:
    """Let a member check in with the event's code."""
    done = gatherings.check_in(
        writing.connection, book_of(writing), key, asked["member"], asked["code"], utc_now(), actor()
    )
    deliver(writing, done.pushed)
    return sign_up_answer(done.sign_up)


@blueprint.writes(
    "/events/<key>/attendance", SignUpSchema, status=200, scope="adjust", body=AttendanceRequest
)
def attendance(writing: Writing, asked: Data, key: str) -> Data:
    """Note whether a member came."""
    member: UUID = asked["member"]
    done = gatherings.note_attendance(
        writing.connection, book_of(writing), key, member, utc_now(), actor(), came=asked["came"]
    )
    note(
        writing.connection, access().account, actor(), "event.attendance", key,
        member=str(member), state=done.sign_up["state"],
    )  # fmt: skip
    deliver(writing, done.pushed)
    return sign_up_answer(done.sign_up)
