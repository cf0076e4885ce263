"""The shapes of what the API is asked; unknown fields and parameters are mistakes."""

from __future__ import annotations

from marshmallow import INCLUDE, RAISE, Schema, fields, validate

from webhook_app.api.fields import Moment, Points

LARGEST_PAGE = 200


class Strict(Schema):
    """Unknown fields and parameters are mistakes."""

    class Meta:
        unknown = RAISE


class NoQuery(Strict):
    """No parameters."""


class PageQuery(Strict):
    limit = fields.Integer(load_default=50, validate=validate.Range(1, LARGEST_PAGE))
    cursor = fields.String(load_default=None, metadata={"description": "`next` of the page before."})


class MembersQuery(PageQuery):
    email = fields.String(load_default=None)


class CouponsQuery(PageQuery):
    member = fields.UUID(load_default=None)


class InboxQuery(PageQuery):
    status = fields.String(
        load_default=None,
        validate=validate.OneOf(["pending", "reading", "processed", "failed", "ignored"]),
    )


class PushesQuery(PageQuery):
    status = fields.String(
        load_default=None, validate=validate.OneOf(["waiting", "done", "failed", "superseded"])
    )


class VerificationQuery(Strict):
    rebuild = fields.Boolean(load_default=False)


class AdjustmentRequest(Strict):
    points = Points(required=True)
    reason = fields.String(
        required=True, validate=[validate.Length(1, 500), validate.Regexp(r".*\S", error="Must say why.")]
    )
    counts_toward_tier = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class PublishRequest(Strict):
    effective_from = Moment(load_default=None, allow_none=True)
    document = fields.Dict(load_default=None, metadata={"description": "The draft, unless given."})


class RepeatHeaders(Schema):
    idempotency_key = fields.String(load_default=None, data_key="Idempotency-Key")


class DocumentBody(Schema):
    """A program document; `loyalty.programs` judges it."""

    class Meta:
        unknown = INCLUDE
