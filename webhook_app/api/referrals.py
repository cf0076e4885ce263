"""Bring a friend: personal codes and links, claims, what became of them, and who waits for a review."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from marshmallow import Schema, fields, validate

from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.engine.book import load_book
from loyalty.engine.referring import claim, decide_review, personal_code
from loyalty.referrals.repository import list_referrals
from loyalty.reports.referrals import read_advocacy
from loyalty.reports.statements import require_member
from loyalty.stores.service import get_store
from webhook_app.api.answers import page_of
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Resource, Writing, actor, number_cursor, page, transaction
from webhook_app.api.questions import PageQuery, Strict
from webhook_app.security import access
from webhook_app.tools import tools

blueprint = Resource("referrals", __name__, description="Members who bring friends.")
STATUSES = ("claimed", "review", "pending", "completed", "refused", "reversed")


class PersonalSchema(Schema):
    code = fields.String()
    link = fields.String(
        allow_none=True,
        metadata={
            "description": "The shop's address with the code as `laurel_ref`; null: there are only tills."
        },
    )


class ReferralSchema(Schema):
    id = fields.Integer()
    referrer = fields.UUID()
    friend = fields.UUID()
    claimed_at = Moment()
    status = fields.String()
    reason = fields.String()
    order = fields.String(attribute="order_key", allow_none=True)
    due_at = Moment(allow_none=True, metadata={"description": "When the order's return days are over."})
    completed_at = Moment(allow_none=True)
    reviewed_by = fields.String(allow_none=True)


class AdvocateSchema(Schema):
    member = fields.UUID()
    friends = fields.Integer()
    completed = fields.Integer()
    spend = fields.String(metadata={"description": "Net spend of the friends who completed."})


class AdvocacySchema(Schema):
    members = fields.Integer()
    inviting = fields.Integer(metadata={"description": "Members who brought at least one friend."})
    claimed = fields.Integer()
    completed = fields.Integer()
    invitations_per_member = fields.String()
    conversion = fields.String(allow_none=True)
    k_factor = fields.String(
        metadata={"description": "Completed friends by members: invitations × conversion."}
    )
    advocates = fields.List(fields.Nested(AdvocateSchema), metadata={"description": "The first 20."})


class ReferralsQuery(PageQuery):
    member = fields.UUID(load_default=None, metadata={"description": "The one who brings."})
    status = fields.String(load_default=None, validate=validate.OneOf(STATUSES))


class ClaimRequest(Strict):
    code = fields.String(required=True, validate=validate.Length(1, 40))
    member = fields.UUID(required=True, metadata={"description": "The friend."})
    device = fields.String(
        load_default="", validate=validate.Length(max=500),
        metadata={"description": "What tells the device; only a keyed digest is kept."},
    )  # fmt: skip


class ReviewRequest(Strict):
    accept = fields.Boolean(required=True, truthy={True}, falsy={False})
    reason = fields.String(required=True, validate=validate.Length(1, 500))


def _answer(row: Mapping[Any, Any]) -> Data:
    return {**row, "referrer": row["referrer_id"], "friend": row["friend_id"]}


@blueprint.writes("/members/<uuid:member>/referral-code", PersonalSchema, status=200)
def own_code(writing: Writing, member: UUID) -> Data:
    """Return a member's personal code and link, the same each time."""
    connection = writing.connection
    book = load_book(connection, tools().vault, access().account)
    code = personal_code(connection, book, member)
    shop = get_store(connection, tools().vault, book.shop(0))
    return {"code": code, "link": None if shop.is_till else f"{shop.url}/?laurel_ref={code}"}


@blueprint.writes("/referrals", ReferralSchema, status=201, body=ClaimRequest)
def claim_referral(writing: Writing, asked: Data) -> Data:
    """Note that a member came by somebody's code; both are paid once his first order has outlived its return days."""
    connection = writing.connection
    require_member(connection, asked["member"])
    book = load_book(connection, tools().vault, access().account)
    return _answer(claim(connection, book, asked["code"], asked["member"], asked["device"], utc_now()))


@blueprint.reads("/referrals", page_of(ReferralSchema), ReferralsQuery)
def referrals(query: Data) -> Data:
    """List referrals, newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    statuses = [query["status"]] if query["status"] else []
    with transaction() as connection:
        rows = list_referrals(connection, statuses, query["member"], before, limit + 1)
    return page(rows, limit, lambda row: row["id"])


@blueprint.writes(
    "/referrals/<int:number>/review", ReferralSchema, status=200, scope="adjust", body=ReviewRequest
)
def review(writing: Writing, asked: Data, number: int) -> Data:
    """Let a referral that was held back go on, or refuse it."""
    connection = writing.connection
    row = decide_review(connection, number, accept=asked["accept"], reason=asked["reason"], reviewer=actor())
    note(connection, access().account, actor(), "referral.reviewed", str(number), accept=asked["accept"])
    return _answer(row)


@blueprint.reads("/reports/referrals", AdvocacySchema)
def advocacy() -> Data:
    """Return how much members bring friends, and who does most."""
    with transaction() as connection:
        return read_advocacy(connection)
