"""The ledger's proof and its seals, the coupons that were issued, and the log of who did what."""

from __future__ import annotations

from marshmallow import Schema, fields

from loyalty.activity.service import list_activities
from loyalty.engine.verify import verify_ledger
from loyalty.reports.coupons import list_coupons
from loyalty.reports.roots import list_roots
from loyalty.reports.statements import require_member
from webhook_app.api.answers import ActivitySchema, CouponSchema, VerificationSchema, page_of
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Resource, number_cursor, page, transaction, uuid_cursor
from webhook_app.api.questions import CouponsQuery, PageQuery, VerificationQuery
from webhook_app.security import access

blueprint = Resource("ledger", __name__, description="Proof of the ledger, coupons and the audit log.")


class RootSchema(Schema):
    day = fields.Date(metadata={"description": "Of the account's time zone."})
    number = fields.Integer()
    sealed_at = Moment()
    entries = fields.Integer(metadata={"description": "How many entries this seal holds."})
    root = fields.String(metadata={"description": "Their Merkle root by RFC 6962, hexadecimal."})
    previous = fields.String(metadata={"description": "`sha256` of the seal before."})
    sha256 = fields.String(metadata={"description": "Stands for this seal and all before it: keep this one."})


@blueprint.reads("/ledger/verification", VerificationSchema, VerificationQuery)
def verification(query: Data) -> Data:
    """Check entries against lots; with `rebuild` also everything stored against a fold from nothing."""
    with transaction(steady=True) as connection:
        result = verify_ledger(connection, access().account, rebuild=query["rebuild"])
    return {
        "members": result.members,
        "entries": result.entries,
        "differences": len(result.differences),
        "details": result.differences,
    }


@blueprint.reads("/ledger/roots", page_of(RootSchema), PageQuery)
def roots(query: Data) -> Data:
    """List the last seal of each day, newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        rows = list_roots(connection, before, limit + 1)
    return page(rows, limit, lambda row: row["number"])


@blueprint.reads("/coupons", page_of(CouponSchema), CouponsQuery)
def coupons(query: Data) -> Data:
    """List coupons, newest first, those of one member where he is given."""
    limit, before, member = query["limit"], uuid_cursor(query["cursor"]), query["member"]
    with transaction() as connection:
        if member is not None:
            require_member(connection, member)
        rows = list_coupons(connection, member, before, limit + 1)
    return page(rows, limit, lambda row: row["id"])


@blueprint.reads("/activities", page_of(ActivitySchema), PageQuery)
def activities(query: Data) -> Data:
    """List who did what, newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        rows = list_activities(connection, before, limit + 1)
    return page(rows, limit, lambda row: row["id"])
