"""What redemptions ask and answer."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from loyalty.rewards.redemption import Fulfilment
from webhook_app.api.answers import OrderRefSchema
from webhook_app.api.fields import Amount, Moment, above_zero
from webhook_app.api.questions import PageQuery, Strict

STATES = ("requested", "held", "issued", "used", "cancelling", "cancelled", "expired", "failed")
FULFILMENTS = tuple(str(step) for step in Fulfilment)
LONGEST_NOTE = 2000


class RedeemRequest(Strict):
    reward = fields.String(required=True)
    points = fields.Integer(strict=True, load_default=None, validate=validate.Range(min=1))
    amount = Amount(
        load_default=None,
        validate=above_zero,
        metadata={"description": "Of a variable discount: money to pay instead of points to spend."},
    )
    store = fields.String(
        load_default=None, metadata={"description": "Key of the store whose code it shall be."}
    )
    checkout = fields.Boolean(
        load_default=False,
        metadata={
            "description": "A variable discount for a checkout: held for 30 minutes, spent when it is used."
        },
    )
    request = fields.Dict(
        keys=fields.String(validate=validate.Length(max=64)),
        values=fields.String(validate=validate.Length(max=2000)),
        load_default=dict,
        metadata={"description": "What people need to carry a service out."},
    )


class CancelRequest(Strict):
    reason = fields.String(load_default="cancelled", validate=validate.Length(min=1, max=500))


class FulfilmentRequest(Strict):
    """The next step of a service; how it ended may be told in a note, and a refusal must."""

    step = fields.String(
        required=True, data_key="state", validate=validate.OneOf(["accepted", "done", "refused"])
    )
    note = fields.String(load_default="", validate=validate.Length(max=LONGEST_NOTE))

    @validates_schema
    def _says_why(self, data: dict[str, Any], **_: Any) -> None:
        if data["step"] == Fulfilment.REFUSED and not data["note"].strip():
            raise ValidationError("Must say why.", "note")
        if data["step"] == Fulfilment.ACCEPTED and data["note"]:
            raise ValidationError("Only the end of a service has a note.", "note")


class RedemptionsQuery(PageQuery):
    member = fields.UUID(load_default=None)
    fulfilment = fields.String(load_default=None, validate=validate.OneOf(FULFILMENTS))


class IssuedCodeSchema(Schema):
    code = fields.String()
    expires_at = Moment(allow_none=True)


class SeatSchema(Schema):
    key = fields.String()
    state = fields.String(metadata={"description": "Of the sign-up: signed_up, waiting, cancelled …"})


class RedemptionSchema(Schema):
    id = fields.UUID()
    member = fields.UUID(attribute="member_id")
    reward = fields.String(attribute="reward_key")
    kind = fields.String()
    cause = fields.String(
        allow_none=True, metadata={"description": "Why a rule gave it; null: somebody redeemed it."}
    )
    points = fields.Integer()
    amount = fields.String(metadata={"description": "Money of a variable discount, else empty."})
    state = fields.String(validate=validate.OneOf(STATES))
    coupon = fields.Nested(IssuedCodeSchema, allow_none=True)
    asked_at = Moment()
    hold_until = Moment(allow_none=True)
    ends_at = Moment(allow_none=True, metadata={"description": "When it ends by itself, unused."})
    ended_at = Moment(allow_none=True)
    restored = fields.Integer(metadata={"description": "Points that refunds of its orders gave back."})
    order = fields.Nested(
        OrderRefSchema, allow_none=True, metadata={"description": "The first order that used it."}
    )
    uses = fields.Integer()
    failure = fields.String(allow_none=True)
    fulfilment = fields.String(allow_none=True)
    request = fields.Dict()
    closing_note = fields.String()
    event = fields.Nested(SeatSchema, allow_none=True, metadata={"description": "Where a ticket has a seat."})
    link = fields.String(
        dump_default=None,
        allow_none=True,
        metadata={"description": "To content, for 15 minutes, when it was just redeemed."},
    )


class ContentLinkSchema(Schema):
    link = fields.String(attribute="url")
    expires_at = Moment(attribute="ends_at")
