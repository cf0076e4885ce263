"""Reconciliations: when the shops were looked over, what differed from our copies, and why."""

from __future__ import annotations

from marshmallow import Schema, fields

from loyalty.reconciliation.repository import list_runs
from loyalty.stores.service import list_places
from webhook_app.api.answers import page_of
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Resource, number_cursor, page, transaction
from webhook_app.api.questions import PageQuery

blueprint = Resource(
    "reconciliations", __name__, description="How shops were looked over, and what differed."
)


class ReconciliationsQuery(PageQuery):
    store = fields.String(
        load_default=None, metadata={"description": "The key of a store; all unless given."}
    )


class ExampleSchema(Schema):
    subject = fields.String(metadata={"description": "The shop's id of an order, a coupon or a customer."})
    reason = fields.String()


class ReconciliationSchema(Schema):
    id = fields.Integer()
    store = fields.String()
    kind = fields.String(
        metadata={
            "description": "recent: changes of late; deep: everything; poll: the shop had been silent for a while."
        }
    )
    state = fields.String(metadata={"description": "running, done or failed."})
    seen = fields.Integer(metadata={"description": "How much of the shop was compared."})
    found = fields.Integer(metadata={"description": "How much differed; all of it was read again."})
    differences = fields.Dict(
        metadata={
            "description": "How many of each reason: missing, outdated, gone, returned, refund_deleted, refund_missing,"
            " status, total, unread, coupon, tier."
        }
    )
    examples = fields.List(fields.Nested(ExampleSchema), metadata={"description": "The first of them."})
    problem = fields.String(metadata={"description": "Why it failed, or waits."})
    started_at = Moment()
    finished_at = Moment(allow_none=True)


@blueprint.reads("/reconciliations", page_of(ReconciliationSchema), ReconciliationsQuery)
def reconciliations(query: Data) -> Data:
    """List how the shops were looked over, newest first; a poll is listed only when something differed."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        keys = {place.key: place.store for place in list_places(connection)}
        if query["store"] is not None and query["store"] not in keys:
            return page([], limit, lambda row: row["id"])
        rows = list_runs(connection, before, limit + 1, keys.get(query["store"]))
    return page(rows, limit, lambda row: row["id"])
