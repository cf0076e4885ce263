"""The shapes of what the API answers to commands, and of what members get and must be told."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from loyalty.values import fraction_text
from webhook_app.api.answers import BalanceSchema, MemberSchema, TierSchema, words
from webhook_app.api.fields import Moment


class AdjustmentSchema(Schema):
    number = fields.Integer()
    member = fields.UUID()
    points = fields.Integer(metadata={"description": "What was moved; a floor may cut off what was asked."})
    reason = fields.String()
    counts_toward_tier = fields.Boolean()
    accepted_at = Moment()
    balance = fields.Nested(BalanceSchema)
    tier_before = fields.String(allow_none=True)
    tier = fields.String(metadata={"description": "The tier's key once it is done."})


class BenefitSchema(Schema):
    multiplier = fields.Function(lambda it: fraction_text(it.multiplier))
    free_shipping = fields.Boolean()
    discount_percent = fields.Function(
        lambda it: None if it.discount_percent is None else fraction_text(it.discount_percent)
    )
    service = fields.List(fields.String())
    early_access = fields.List(fields.String())
    perks = fields.List(words())


def _percent(code: Any) -> str | None:
    return f"{code['amount'].normalize():f}" if code["kind"] == "percent_discount" else None


class StandingCodeSchema(Schema):
    code = fields.String()
    state = fields.String(metadata={"description": "requested, issued or failed: what the shop made of it."})
    discount_percent = fields.Function(_percent)
    free_shipping = fields.Boolean()
    expires_at = Moment(allow_none=True)
    tier = fields.String(metadata={"description": "The key of the tier that gives it."})


class ClaimableSchema(Schema):
    reward = fields.String()
    kind = fields.String()
    name = words()
    terms = words()
    uses = fields.Integer(allow_none=True, metadata={"description": "How often in a period; null: always."})
    period = fields.String(allow_none=True)
    uses_left = fields.Integer(allow_none=True, metadata={"description": "In the period that runs now."})
    refusals = fields.List(
        fields.String(), metadata={"description": "Why not now; empty: it may be claimed."}
    )


class BenefitsSchema(Schema):
    tier = fields.Nested(TierSchema, allow_none=True)
    benefits = fields.Nested(BenefitSchema)
    code = fields.Nested(
        StandingCodeSchema,
        allow_none=True,
        metadata={"description": "The newest standing code that is live."},
    )
    ahead = fields.List(
        words(), metadata={"description": "What the next tier offers that this one does not."}
    )
    claimable = fields.List(
        fields.Nested(ClaimableSchema), metadata={"description": "What may be had without points."}
    )


class TaggedSchema(Schema):
    member = fields.UUID()
    tags = fields.List(fields.String())


class RecordedSchema(Schema):
    number = fields.Integer()
    member = fields.UUID()
    kind = fields.String()
    key = fields.String()
    score = fields.Integer()
    event = fields.Boolean()
    accepted_at = Moment()


class ReminderSchema(Schema):
    id = fields.Integer()
    member = fields.UUID()
    kind = fields.String()
    ends_at = Moment()
    days = fields.Integer()
    data = fields.Dict()
    noted_at = Moment()


class MergedSchema(Schema):
    number = fields.Integer(metadata={"description": "By which the merge can be undone."})
    member = fields.Nested(MemberSchema)


class UnmergedSchema(MergedSchema):
    other = fields.Nested(MemberSchema)


class MergeSchema(Schema):
    number = fields.Integer()
    member = fields.UUID(metadata={"description": "Who was merged into this member."})
    merged_at = Moment()
    undone_at = Moment(allow_none=True)
    reason = fields.String()


class MergesSchema(Schema):
    data = fields.List(fields.Nested(MergeSchema))


class DuplicateSchema(Schema):
    by = fields.String(metadata={"description": "What they share: email, phone or name."})
    members = fields.List(fields.UUID())


class OpeningSchema(Schema):
    number = fields.Integer()
    member = fields.UUID()
    points = fields.Integer()
    expires_at = Moment(allow_none=True)
    key = fields.String()
    reason = fields.String()
    accepted_at = Moment()
    balance = fields.Nested(BalanceSchema)


class BirthdaySchema(Schema):
    month = fields.Integer()
    day = fields.Integer()
    year = fields.Integer(allow_none=True)


class IdentitySchema(Schema):
    kind = fields.String(metadata={"description": "customer (`<store>:<id>`), email or phone."})
    value = fields.String()
    member = fields.UUID(
        metadata={"description": "Whom it named first: this member, or one merged into him."}
    )


class PersonSchema(MemberSchema):
    identities = fields.List(fields.Nested(IdentitySchema))
    birthday = fields.Nested(BirthdaySchema, allow_none=True)
    consents = fields.Dict(
        keys=fields.String(), values=fields.Boolean(), metadata={"description": "By purpose, what holds now."}
    )


class ConsentSchema(Schema):
    id = fields.Integer()
    member = fields.UUID()
    purpose = fields.String()
    granted = fields.Boolean()
    source = fields.String()
    wording = fields.String()
    actor = fields.String()
    at = Moment()


class ErasedSchema(Schema):
    member = fields.UUID()
    erased_at = Moment()


class LinkSchema(Schema):
    email = fields.String()
    expires_at = Moment()
