"""What redemptions ask and answer."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from webhook_app.api.answers import OrderRefSchema
from webhook_app.api.fields import Moment
from webhook_app.api.questions import PageQuery, Strict

STATES = ("requested", "held", "issued", "used", "cancelling", "cancelled", "expired", "failed")
FULFILMENTS = ("open", "accepted", "done", "refused")


class RedeemRequest(Strict):
    reward = fields.String(required=True)
    points = fields.Integer(strict=True, load_default=None, validate=validate.Range(min=1))
    amount = fields.Decimal(
        load_default=None,
        as_string=True,
        validate=validate.Range(min=0, min_inclusive=False),
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


class RedemptionsQuery(PageQuery):
    member = fields.UUID(load_default=None)
    fulfilment = fields.String(load_default=None, validate=validate.OneOf(FULFILMENTS))


class IssuedCodeSchema(Schema):
    code = fields.String()
    expires_at = Moment(allow_none=True)


class RedemptionSchema(Schema):
    id = fields.UUID()
    member = fields.UUID(attribute="member_id")
    reward = fields.String(attribute="reward_key")
    kind = fields.String()
    points = fields.Integer()
    amount = fields.String(metadata={"description": "Money of a variable discount, else empty."})
    state = fields.String(validate=validate.OneOf(STATES))
    coupon = fields.Nested(IssuedCodeSchema, allow_none=True)
    asked_at = Moment()
    hold_until = Moment(allow_none=True)
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
