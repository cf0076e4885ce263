"""Incidents: what a merchant should look at, and that somebody has."""

from __future__ import annotations

from marshmallow import Schema, fields

from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.incidents.repository import resolve
from loyalty.reports.incidents import list_incidents, read_incident
from webhook_app.api.answers import OrderRefSchema, page_of, words
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Resource, Writing, actor, number_cursor, page, transaction
from webhook_app.api.questions import PageQuery
from webhook_app.security import access

blueprint = Resource("incidents", __name__, description="What a merchant should look at.")


class IncidentsQuery(PageQuery):
    is_open = fields.Boolean(
        data_key="open",
        load_default=None,
        metadata={"description": "true: nobody has looked yet; false: resolved; all unless given."},
    )


class IncidentSchema(Schema):
    id = fields.Integer()
    kind = fields.String(
        metadata={
            "description": "code_used_again, code_used_by_other, coupon_changed, coupon_deleted, redemption_failed,"
            " credit_used_again, credit_code_failed, discount_share, shop_not_read, webhooks_restored,"
            " data_request, store_uninstalled."
        }
    )
    text = words()
    subject = fields.String(metadata={"description": "The cause of a coupon, a day, or a store and a day."})
    member = fields.UUID(attribute="member_id", allow_none=True)
    order = fields.Nested(OrderRefSchema, allow_none=True)
    data = fields.Dict()
    is_open = fields.Boolean(data_key="open")
    noticed_at = Moment()
    resolved_at = Moment(allow_none=True)
    resolved_by = fields.String()


@blueprint.reads("/incidents", page_of(IncidentSchema), IncidentsQuery)
def incidents(query: Data) -> Data:
    """List incidents, newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        rows = list_incidents(connection, access().account, before, limit + 1, is_open=query["is_open"])
    return page(rows, limit, lambda row: row["id"])


@blueprint.writes("/incidents/<int:incident>/resolve", IncidentSchema, status=200)
def resolve_one(writing: Writing, incident: int) -> Data:
    """Note that somebody has looked at an incident; the first who did stays noted."""
    if resolve(writing.connection, incident, actor(), utc_now()):
        note(writing.connection, access().account, actor(), "incident.resolved", str(incident))
    return read_incident(writing.connection, access().account, incident)
