"""The shapes of what the API answers: points are integers, money decimal texts, times RFC 3339 in UTC."""

from __future__ import annotations

from functools import cache
from typing import Any

from marshmallow import INCLUDE, Schema, fields

from webhook_app.api.fields import Moment


def words() -> fields.Dict:
    """Return the field of a text in each language."""
    return fields.Dict(keys=fields.String(), values=fields.String(), metadata={"description": "By language."})


class ProblemField(Schema):
    pointer = fields.String(metadata={"description": "JSON pointer of the field."})
    detail = fields.String()


class Problem(Schema):
    class Meta:
        unknown = INCLUDE  # RFC 9457 §3.2: each kind of problem may have members of its own

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    errors = fields.List(fields.Nested(ProblemField))
    reason = fields.String(metadata={"description": "Why a member cannot take part, as a word."})
    texts = fields.Dict(metadata={"description": "The reason for people, by language."})
    period = fields.String(metadata={"description": "Whose cap is reached: day, week, month, lifetime."})
    limit = fields.Integer(metadata={"description": "The cap of the period."})
    again_at = fields.String(allow_none=True, metadata={"description": "When an activity counts again."})


class TierSchema(Schema):
    key = fields.String()
    name = words()
    since = Moment(allow_none=True)
    until = Moment(allow_none=True)


class BalanceSchema(Schema):
    available = fields.Integer()
    pending = fields.Integer()
    held = fields.Integer()
    debt = fields.Integer()


class GapSchema(Schema):
    metric = fields.String()
    amount = fields.Raw(metadata={"description": "Money as a decimal text, else a whole number."})


class ProgressSchema(Schema):
    next_tier = fields.String(allow_none=True, metadata={"description": "Its key; null at the top."})
    missing = fields.List(fields.Nested(GapSchema))
    text = words()


class MetricsSchema(Schema):
    spend = fields.String()
    orders = fields.Integer()
    points = fields.Integer()


class MemberSchema(Schema):
    id = fields.UUID()
    email = fields.String()
    name = fields.String()
    merged_into = fields.UUID(allow_none=True, metadata={"description": "Who stands for this member."})
    joined_at = Moment(allow_none=True)
    tier = fields.Nested(TierSchema, allow_none=True)
    balance = fields.Nested(BalanceSchema)
    progress = fields.Nested(ProgressSchema, allow_none=True)
    metrics = fields.Nested(MetricsSchema)


class OrderRefSchema(Schema):
    id = fields.String(metadata={"description": "The shop's own id."})
    number = fields.String()


class EntrySchema(Schema):
    id = fields.UUID()
    kind = fields.String()
    points = fields.Integer()
    balance_after = fields.Integer()
    order = fields.Nested(OrderRefSchema, allow_none=True)
    program_version = fields.Integer(allow_none=True)
    reason = words()
    explanation = fields.Dict()
    effective_at = Moment()
    posted_at = Moment()


class LotSchema(Schema):
    id = fields.UUID()
    points = fields.Integer()
    remaining = fields.Integer()
    available_from = Moment()
    expires_at = Moment(allow_none=True)
    state = fields.String(metadata={"description": "pending, available, used or expired."})
    order = fields.Nested(OrderRefSchema, allow_none=True)


class PeriodSchema(TierSchema):
    reason = words()


class CountedOrderSchema(OrderRefSchema):
    awarded_at = Moment()
    net_amount = fields.String()
    points = fields.Integer()
    counts_as_order = fields.Boolean()
    program_version = fields.Integer()


class CountedAdjustmentSchema(Schema):
    at = Moment()
    points = fields.Integer()


class WindowSchema(Schema):
    kind = fields.String()
    start = Moment(attribute="from", data_key="from", allow_none=True)
    until = Moment()


class ExplainSchema(Schema):
    window = fields.Nested(WindowSchema)
    program_version = fields.Integer()
    metrics = fields.Nested(MetricsSchema)
    orders = fields.List(fields.Nested(CountedOrderSchema))
    adjustments = fields.List(fields.Nested(CountedAdjustmentSchema))


class TierHistorySchema(Schema):
    tier = fields.Nested(TierSchema, allow_none=True)
    progress = fields.Nested(ProgressSchema, allow_none=True)
    history = fields.List(fields.Nested(PeriodSchema))
    explain = fields.Nested(ExplainSchema, allow_none=True)


class CouponSchema(Schema):
    id = fields.UUID()
    member = fields.UUID(attribute="member_id")
    code = fields.String()
    state = fields.String()
    reward = fields.String(attribute="reward_key")
    kind = fields.String()
    amount = fields.String()
    free_shipping = fields.Boolean()
    reusable = fields.Boolean(metadata={"description": "A tier's standing code: any number of uses."})
    minimum_subtotal = fields.String()
    granted_at = Moment()
    expires_at = Moment(allow_none=True)
    cause = fields.String()
    failure = fields.String(allow_none=True)
    order = fields.Nested(
        OrderRefSchema, allow_none=True, metadata={"description": "The order that used it."}
    )


class ReviewSchema(Schema):
    id = fields.String()
    number = fields.String()
    reason = fields.String()
    currency = fields.String()
    total = fields.String()
    placed_at = fields.String()


class ProgramSchema(Schema):
    version = fields.Integer()
    effective_from = Moment()
    published_at = Moment()
    currency = fields.String()
    time_zone = fields.String()
    decimals = fields.Integer()
    document = fields.Dict()


class VersionSchema(ProgramSchema):
    class Meta:
        exclude = ("document",)


class DraftSchema(Schema):
    document = fields.Dict()


class NoticeSchema(Schema):
    path = fields.String(metadata={"description": "JSON pointer."})
    code = fields.String()
    severity = fields.String(metadata={"description": "warning or advice."})
    message = words()


class LintSchema(Schema):
    warnings = fields.List(fields.Nested(NoticeSchema))
    advice = fields.List(fields.Nested(NoticeSchema))


class PublishedSchema(Schema):
    version = fields.Integer()
    effective_from = Moment()
    warnings = fields.List(fields.Nested(NoticeSchema))
    advice = fields.List(fields.Nested(NoticeSchema))


class DifferenceSchema(Schema):
    member = fields.UUID(allow_none=True, metadata={"description": "Null for what is everybody's."})
    what = fields.String()
    stored = fields.String()
    expected = fields.String()


class VerificationSchema(Schema):
    members = fields.Integer()
    entries = fields.Integer()
    differences = fields.Integer()
    details = fields.List(fields.Nested(DifferenceSchema))


class MessageSchema(Schema):
    id = fields.Integer()
    store = fields.UUID(attribute="store_id")
    source = fields.String()
    topic = fields.String()
    delivery_id = fields.String()
    status = fields.String()
    reason = fields.String()
    attempts = fields.Integer()
    bytes = fields.Integer()
    received_at = Moment()
    processed_at = Moment(allow_none=True)


class PushSchema(Schema):
    id = fields.Integer()
    store = fields.UUID(attribute="store_id")
    member = fields.UUID(attribute="member_id", allow_none=True)
    kind = fields.String()
    subject = fields.String()
    status = fields.String()
    reason = fields.String()
    detail = fields.String()
    attempts = fields.Integer()
    created_at = Moment()
    not_before = Moment(allow_none=True)
    done_at = Moment(allow_none=True)


class CountSchema(Schema):
    count = fields.Integer(metadata={"description": "How many wait again."})


class WaitingSchema(Schema):
    id = fields.Integer()
    status = fields.String()


class ActivitySchema(Schema):
    id = fields.Integer()
    actor = fields.String()
    action = fields.String()
    subject = fields.String()
    data = fields.Dict()
    at = Moment()


@cache
def page_of(schema: type[Schema]) -> type[Schema]:
    """Return the schema of one page: `data` and the cursor of the `next` one, null at the end."""
    name = schema.__name__.removesuffix("Schema")
    listed: dict[str, fields.Field[Any]] = {
        "data": fields.List(fields.Nested(schema)),
        "next": fields.String(allow_none=True),
    }
    return Schema.from_dict(listed, name=f"{name}Page")
