"""Corrections of campaigns: what they would do, what they did, and how to take them back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from functools import partial

from marshmallow import Schema, fields

from loyalty.clock import utc_now
from loyalty.engine.correcting import Preview, correct_campaign, preview_correction, undo_correction
from loyalty.programs.corrections import Correction
from loyalty.programs.repository import list_corrections
from loyalty.values import exact
from webhook_app.api.answers import page_of
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Resource, Writing, actor, transaction
from webhook_app.api.questions import CorrectionRequest
from webhook_app.security import access
from webhook_app.tools import tools

blueprint = Resource(
    "corrections", __name__, description="Corrections of campaigns that were published wrong."
)


class CorrectionSchema(Schema):
    number = fields.Integer()
    version = fields.Integer()
    campaign = fields.String()
    multiplier = fields.String(
        allow_none=True, metadata={"description": "Exact, as a decimal or a fraction."}
    )
    bonus = fields.Integer(allow_none=True)
    reason = fields.String()
    actor = fields.String()
    accepted_at = Moment()
    undone_at = Moment(allow_none=True)


class CorrectedSchema(CorrectionSchema):
    to_refold = fields.Integer(metadata={"description": "Members whose points are computed again soon."})


class ChangedSchema(Schema):
    member = fields.UUID()
    before = fields.Integer()
    after = fields.Integer()
    change = fields.Integer()


class PreviewSchema(Schema):
    looked_at = fields.Integer(metadata={"description": "Members with orders in the campaign's time."})
    members = fields.Integer(metadata={"description": "Those whose points change."})
    gained = fields.Integer()
    lost = fields.Integer()
    top = fields.List(fields.Nested(ChangedSchema), metadata={"description": "The largest changes."})


@blueprint.reads("/program/corrections", page_of(CorrectionSchema))
def list_all() -> Data:
    """List all corrections, newest first, also those that were undone."""
    with transaction() as connection:
        rows = list_corrections(connection)
    return {"data": rows[::-1], "next": None}


@blueprint.writes(
    "/program/corrections/preview", PreviewSchema, status=200, scope="adjust", body=CorrectionRequest
)
def preview(writing: Writing, asked: Data) -> Preview:
    """Say whose points a correction would change by how much; nothing is changed."""
    now = utc_now()
    return preview_correction(writing.connection, access().account, _correction(asked, now), now)


@blueprint.writes("/program/corrections", CorrectedSchema, status=201, scope="adjust", body=CorrectionRequest)
def accept(writing: Writing, asked: Data) -> Data:
    """Correct a campaign of a version for all orders that were or will be paid in it."""
    account, correction = access().account, _correction(asked, utc_now())
    number, to_refold = correct_campaign(writing.connection, account, correction)
    writing.afterwards.append(partial(tools().wake_inbox, account))
    return {**asdict(correction), "number": number, "to_refold": to_refold}


@blueprint.writes("/program/corrections/<int:number>/undo", CorrectedSchema, status=200, scope="adjust")
def undo(writing: Writing, number: int) -> Data:
    """Take a correction back: everybody's points become what they would be without it."""
    account = access().account
    undone, to_refold = undo_correction(writing.connection, account, number, actor=actor(), now=utc_now())
    writing.afterwards.append(partial(tools().wake_inbox, account))
    return {**asdict(undone), "to_refold": to_refold}


def _correction(asked: Data, now: datetime) -> Correction:
    return Correction(
        version=asked["version"],
        campaign=asked["campaign"],
        multiplier=exact(asked["multiplier"]) if asked["multiplier"] is not None else None,
        bonus=asked["bonus"],
        reason=asked["reason"],
        actor=actor(),
        accepted_at=now,
    )
