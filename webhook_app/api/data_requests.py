"""Requests of persons who want to know what is stored of them: a shop passes them on, the merchant answers."""

from __future__ import annotations

from marshmallow import Schema, fields

from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.db import Row
from loyalty.errors import NotFound
from loyalty.privacy import repository as privacy
from webhook_app.api.answers import page_of
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Resource, Writing, actor, number_cursor, page, transaction
from webhook_app.api.questions import PageQuery
from webhook_app.security import access

blueprint = Resource(
    "data_requests", __name__, description="Persons who want to know what is stored of them."
)


class DataRequestsQuery(PageQuery):
    is_open = fields.Boolean(
        data_key="open",
        load_default=None,
        metadata={"description": "true: not answered yet; false: answered; all unless given."},
    )


class DataRequestSchema(Schema):
    id = fields.Integer()
    store = fields.String(attribute="store_key")
    external_id = fields.String(metadata={"description": "The shop's own id of the request."})
    customer = fields.String(
        attribute="customer_id", metadata={"description": "The shop's own id of the person."}
    )
    member = fields.UUID(
        attribute="member_id",
        allow_none=True,
        metadata={"description": "null: nothing is stored of the person."},
    )
    export = fields.String(allow_none=True, metadata={"description": "Where everything about the member is."})
    is_open = fields.Boolean(data_key="open")
    asked_at = Moment()
    handed_at = Moment(allow_none=True)
    handed_by = fields.String()


@blueprint.reads("/data-requests", page_of(DataRequestSchema), DataRequestsQuery)
def data_requests(query: Data) -> Data:
    """List requests, newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        rows = privacy.list_requests(connection, before, limit + 1, is_open=query["is_open"])
    return page([_shown(row) for row in rows], limit, lambda row: row["id"])


@blueprint.writes("/data-requests/<int:number>/done", DataRequestSchema, status=200)
def hand_over(writing: Writing, number: int) -> Data:
    """Note that the person was given his data; the first who did stays noted."""
    if privacy.hand_over(writing.connection, number, actor(), utc_now()):
        note(writing.connection, access().account, actor(), "data_request.done", str(number))
    row = privacy.find_request(writing.connection, number)
    if row is None:
        raise NotFound("There is no such request.")
    return _shown(row)


def _shown(row: Row) -> Data:
    member = row["member_id"]
    return {**row, "export": f"/api/v1/members/{member}/export" if member else None}
