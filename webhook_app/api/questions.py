"""The shapes of what the API is asked; unknown fields and parameters are mistakes."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, RAISE, Schema, ValidationError, fields, validate, validates_schema

from loyalty.programs.fields import DECIMAL
from webhook_app.api.fields import MOST_POINTS, Moment, Points

LARGEST_PAGE = 200


class Strict(Schema):
    """Unknown fields and parameters are mistakes."""

    class Meta:
        unknown = RAISE


def _reason() -> fields.String:
    """Return the field that says why somebody did something by hand."""
    judges = [validate.Length(1, 500), validate.Regexp(r".*\S", error="Must say why.")]
    return fields.String(required=True, validate=judges)


class NoQuery(Strict):
    """No parameters."""


class PageQuery(Strict):
    limit = fields.Integer(load_default=50, validate=validate.Range(1, LARGEST_PAGE))
    cursor = fields.String(load_default=None, metadata={"description": "`next` of the page before."})


class MembersQuery(PageQuery):
    email = fields.String(load_default=None)


class CouponsQuery(PageQuery):
    member = fields.UUID(load_default=None)


class OrdersQuery(PageQuery):
    member = fields.UUID(load_default=None)
    store = fields.String(load_default=None, metadata={"description": "The key of a store."})
    id = fields.String(load_default=None, metadata={"description": "The store's own id of an order."})


class InboxQuery(PageQuery):
    status = fields.String(
        load_default=None,
        validate=validate.OneOf(["pending", "reading", "processed", "failed", "ignored"]),
    )
    topic = fields.String(load_default=None)


class ReplayRequest(Strict):
    """Which messages: all of a status, narrowed by topic and by a range of ids."""

    status = fields.String(load_default="failed", validate=validate.OneOf(["processed", "failed", "ignored"]))
    topic = fields.String(load_default=None, allow_none=True)
    first = fields.Integer(load_default=None, allow_none=True, strict=True)
    last = fields.Integer(load_default=None, allow_none=True, strict=True)


class RetryRequest(Strict):
    reason = fields.String(load_default=None, allow_none=True, metadata={"description": "Why they failed."})


class PushesQuery(PageQuery):
    status = fields.String(
        load_default=None, validate=validate.OneOf(["waiting", "done", "failed", "superseded"])
    )


class VerificationQuery(Strict):
    rebuild = fields.Boolean(load_default=False)


class AdjustmentRequest(Strict):
    points = Points(required=True)
    reason = _reason()
    counts_toward_tier = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class TierRequest(Strict):
    """Without a tier the override, or the invitation, ends."""

    tier = fields.String(load_default=None, allow_none=True)
    by = fields.String(load_default="override", validate=validate.OneOf(["override", "invitation"]))
    until = Moment(load_default=None, allow_none=True)
    reason = _reason()


class BenefitCodeRequest(Strict):
    store = fields.String(
        load_default=None,
        allow_none=True,
        metadata={"description": "The first connected store that keeps codes, unless given."},
    )


class ReasonRequest(Strict):
    reason = _reason()


class MergeRequest(ReasonRequest):
    member = fields.UUID(required=True, metadata={"description": "Who is merged into this member."})


class BirthdayRequest(Strict):
    month = fields.Integer(required=True, strict=True)
    day = fields.Integer(required=True, strict=True)
    year = fields.Integer(load_default=None, allow_none=True, strict=True)


class ConsentRequest(Strict):
    """`wording` names the text that was agreed to, or its version."""

    purpose = fields.String(
        required=True, validate=validate.Regexp(r"^[a-z0-9_-]{1,64}$", error="Must be a key.")
    )
    granted = fields.Boolean(required=True, truthy={True}, falsy={False})
    source = fields.String(
        load_default="api", validate=validate.Regexp(r"^[a-z0-9_-]{1,64}$", error="Must be a key.")
    )
    wording = fields.String(load_default="", validate=validate.Length(max=100))


class JoinRequest(Strict):
    """An e-mail address or a phone is enough."""

    email = fields.String(load_default="", validate=validate.Length(max=254))
    phone = fields.String(load_default="", validate=validate.Length(max=32))
    name = fields.String(load_default="", validate=validate.Length(max=200))
    region = fields.String(
        load_default="",
        validate=validate.Regexp(r"^([A-Z]{2}(-[A-Z0-9]{1,3})?)?$", error="Such as TW or US-NY."),
    )
    birthday = fields.Nested(BirthdayRequest, load_default=None, allow_none=True)
    referral_code = fields.String(load_default="", validate=validate.Length(max=40))
    consents = fields.List(fields.Nested(ConsentRequest), load_default=list, validate=validate.Length(max=20))


class ConsentsQuery(PageQuery):
    member = fields.UUID(load_default=None)


class LinkRequest(Strict):
    email = fields.String(required=True, validate=validate.Length(1, 254))
    language = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf(["zh-TW", "zh-CN", "en"]),
        metadata={"description": "Of the mail; by the member's region unless given."},
    )  # fmt: skip


class IdentityRequest(ReasonRequest):
    kind = fields.String(required=True, validate=validate.OneOf(["email", "phone"]))
    value = fields.String(required=True, validate=validate.Length(1, 254))


class OpeningRequest(ReasonRequest):
    points = Points(required=True)
    expires_at = Moment(load_default=None, allow_none=True)
    key = fields.String(load_default="", validate=validate.Length(max=100))

    @validates_schema
    def _gives(self, data: dict[str, Any], **_: Any) -> None:
        if data["points"] < 0:
            raise ValidationError("Must be above 0.", "points")


class TagsRequest(Strict):
    add = fields.List(fields.String(validate=validate.Length(1, 100)), load_default=list)
    remove = fields.List(fields.String(validate=validate.Length(1, 100)), load_default=list)
    reason = _reason()


class ActivityRequest(Strict):
    member = fields.UUID(required=True)
    kind = fields.String(
        required=True, validate=validate.Regexp(r"^[a-z0-9_-]{1,64}$", error="Must be a key.")
    )
    key = fields.String(required=True, validate=validate.Length(1, 200))
    score = fields.Integer(
        load_default=None, strict=True, validate=validate.Range(0, 10**9),
        metadata={"description": "Unless given: the program's for the kind, else 1."},
    )  # fmt: skip
    event = fields.Boolean(
        load_default=None, truthy={True}, falsy={False},
        metadata={"description": "Unless given: the program's for the kind, else false."},
    )  # fmt: skip


class NoticesQuery(PageQuery):
    member = fields.UUID(load_default=None)


class CorrectionRequest(Strict):
    """What a campaign of a version gives instead: a multiplier, a bonus, both, or nothing at all (`void`)."""

    version = fields.Integer(required=True, strict=True)
    campaign = fields.String(required=True)
    multiplier = fields.String(
        load_default=None, validate=validate.Regexp(DECIMAL, error='Must be a decimal string such as "1.5".')
    )
    bonus = fields.Integer(strict=True, load_default=None, validate=validate.Range(1, MOST_POINTS))
    void = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    reason = fields.String(
        required=True, validate=[validate.Length(1, 500), validate.Regexp(r".*\S", error="Must say why.")]
    )

    @validates_schema
    def _says_one_thing(self, data: dict[str, Any], **_: Any) -> None:
        gives = data["multiplier"] is not None or data["bonus"] is not None
        if gives == data["void"]:
            raise ValidationError("Must be either true, or a multiplier or a bonus be given.", "void")


class PublishRequest(Strict):
    effective_from = Moment(load_default=None, allow_none=True)
    document = fields.Dict(load_default=None, metadata={"description": "The draft, unless given."})


class LintRequest(Strict):
    document = fields.Dict(load_default=None, metadata={"description": "The draft, unless given."})
    on_orders = fields.Boolean(
        load_default=True,
        metadata={"description": "Also by past orders, which takes as long as a simulation."},
    )


class RepeatHeaders(Schema):
    idempotency_key = fields.String(load_default=None, data_key="Idempotency-Key")


class DocumentBody(Schema):
    """A program document; `loyalty.programs` judges it."""

    class Meta:
        unknown = INCLUDE
