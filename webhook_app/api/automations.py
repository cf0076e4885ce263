"""Segments and automations: who is meant and why, whom a new one would mean, and what was told to whom."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from marshmallow import Schema, fields

from loyalty.clock import utc_now
from loyalty.engine.book import load_book
from loyalty.engine.previewing import FIRST, preview_automation, preview_segment
from loyalty.programs.service import load_versions
from loyalty.reports.messages import read_messages
from loyalty.reports.segments import explain_segments, list_segment_members, list_segments
from loyalty.reports.standing import read_standings
from webhook_app.api.answers import MemberSchema, page_of, words
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Resource, number_cursor, page, transaction, uuid_cursor
from webhook_app.api.questions import NoticesQuery, PageQuery, Strict
from webhook_app.security import access
from webhook_app.tools import tools

blueprint = Resource("automations", __name__, description="Segments, automations and messages.")


class SegmentSchema(Schema):
    key = fields.String()
    name = words()
    members = fields.Integer()


class SegmentsSchema(Schema):
    data = fields.List(fields.Nested(SegmentSchema))


class CriterionSchema(Schema):
    kind = fields.String()
    any_of = fields.List(fields.String())
    none_of = fields.List(fields.String())
    metric = fields.String()
    since = fields.String()
    window = fields.Dict()
    at_least = fields.String(allow_none=True)
    below = fields.String(allow_none=True)
    opens = fields.String(attribute="from", data_key="from")
    closes = fields.String(attribute="until", data_key="until")
    value = fields.String(metadata={"description": "The member's own figure."})
    met = fields.Boolean()


class ExplainedSchema(Schema):
    key = fields.String()
    name = words()
    any = fields.Boolean(metadata={"description": "Whether one criterion is enough."})
    is_in = fields.Boolean()
    criteria = fields.List(fields.Nested(CriterionSchema))


class ChangeSchema(Schema):
    segment = fields.String()
    entered = fields.Boolean()
    changed_at = Moment()


class MemberSegmentsSchema(Schema):
    segments = fields.List(fields.Nested(ExplainedSchema))
    history = fields.List(fields.Nested(ChangeSchema), metadata={"description": "Newest first."})


class ReachedSchema(Schema):
    members = fields.Integer(metadata={"description": "Those who are meant."})
    of = fields.Integer(metadata={"description": "Those who were looked at."})
    named = fields.List(fields.UUID(), metadata={"description": "The first of them by id."})


class AutomationSchema(Schema):
    key = fields.String()
    name = words()
    trigger = fields.String()
    once_per = fields.String()
    dated = fields.Boolean(metadata={"description": "Whether time causes it, and not an event."})


class AutomationsSchema(Schema):
    data = fields.List(fields.Nested(AutomationSchema))


class RenderedSchema(Schema):
    subject = words()
    body = words()


class MemberMessageSchema(Schema):
    id = fields.Integer()
    member = fields.UUID()
    kind = fields.String()
    target = fields.String()
    cause = fields.String()
    status = fields.String()
    caused_at = Moment()
    noted_at = Moment()
    data = fields.Dict()
    text = fields.Nested(RenderedSchema)


class SigningSchema(Schema):
    secret = fields.String()
    header = fields.String()
    algorithm = fields.String()


class SegmentPreview(Strict):
    segment = fields.Dict(required=True, metadata={"description": "As in the program document."})


class AutomationPreview(Strict):
    automation = fields.Dict(required=True, metadata={"description": "As in the program document."})


@blueprint.reads("/segments", SegmentsSchema)
def segments() -> Data:
    """List the segments of the program in force with their sizes."""
    with transaction() as connection:
        return {"data": list_segments(connection, access().account, utc_now())}


@blueprint.reads("/segments/<key>/members", page_of(MemberSchema), PageQuery)
def segment_members(query: Data, key: str) -> Data:
    """List the members of a segment."""
    limit, after = query["limit"], uuid_cursor(query["cursor"])
    with transaction() as connection:
        ids = list_segment_members(connection, key, after or FIRST, limit + 1)
        standings = read_standings(connection, access().account, ids, utc_now())
    return page(standings, limit, lambda row: row.id)


@blueprint.reads("/members/<uuid:member>/segments", MemberSegmentsSchema)
def member_segments(member: UUID) -> Data:
    """Return for each segment why a member is in it or not, and what changed when."""
    with transaction() as connection:
        return explain_segments(connection, access().account, member, utc_now())


@blueprint.asks("/segments/preview", ReachedSchema, SegmentPreview)
def segment_preview(asked: Data) -> Any:
    """Count who would be in a segment."""
    with transaction(steady=True) as connection:
        return preview_segment(connection, access().account, asked["segment"], utc_now())


@blueprint.reads("/automations", AutomationsSchema)
def automations() -> Data:
    """List the automations of the program in force."""
    with transaction() as connection:
        program = load_versions(connection, access().account).at(utc_now())
    found = [
        {"key": it.key, "name": it.name, "trigger": it.trigger, "once_per": it.once_per,
         "dated": not it.trigger.is_folded}
        for it in (program.automations if program else ())
    ]  # fmt: skip
    return {"data": found}


@blueprint.asks("/automations/preview", ReachedSchema, AutomationPreview)
def automation_preview(asked: Data) -> Any:
    """Count whom an automation would reach: by time in the next 30 days, by an event if it happened now."""
    with transaction(steady=True) as connection:
        return preview_automation(connection, access().account, asked["automation"], utc_now())


@blueprint.reads("/messages", page_of(MemberMessageSchema), NoticesQuery)
def messages(query: Data) -> Data:
    """List messages to members and calls of other systems, newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        rows = read_messages(connection, access().account, query["member"], before, limit + 1)
    return page(rows, limit, lambda row: row["id"])


@blueprint.reads("/webhook-signing", SigningSchema, scope="adjust")
def signing() -> Data:
    """Return the key that signs what this account tells other systems."""
    with transaction() as connection:
        secret = load_book(connection, tools().vault, access().account).webhook_secret().decode()
    return {"secret": secret, "header": "X-Laurel-Signature", "algorithm": "HMAC-SHA256 of the raw body"}
