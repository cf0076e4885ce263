"""Backfills: take in the past of a shop, see first what it would cost, and how far it is."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from marshmallow import Schema, fields
from sqlalchemy import Connection

from loyalty.backfills.repository import Wish, find_backfill, list_backfills
from loyalty.clock import utc_now
from loyalty.engine.past import ask_for_past
from loyalty.errors import NotFound
from loyalty.stores.service import get_store, list_places
from webhook_app.api.answers import page_of
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Resource, Writing, actor, page, transaction, uuid_cursor
from webhook_app.api.questions import PageQuery, Strict
from webhook_app.security import access
from webhook_app.tools import tools

blueprint = Resource(
    "backfills", __name__, description="The past of shops: its orders and customers, read once."
)


class BackfillRequest(Strict):
    since = Moment(
        data_key="from",
        load_default=None,
        allow_none=True,
        metadata={"description": "Orders placed before it are left alone; null: all are read."},
    )
    tiers_only = fields.Boolean(
        load_default=False,
        metadata={"description": "Orders count toward tiers and give no points; chosen once."},
    )
    preview = fields.Boolean(
        load_default=False,
        metadata={"description": "Only tell what it would cost; nothing is kept or awarded."},
    )


class BackfillSchema(Schema):
    id = fields.UUID()
    store = fields.String()
    since = Moment(data_key="from", allow_none=True)
    tiers_only = fields.Boolean()
    preview = fields.Boolean()
    state = fields.String(metadata={"description": "running, done or failed."})
    percent = fields.Integer(metadata={"description": "How much is read; 100 when it is done."})
    total = fields.Integer(metadata={"description": "Customers and orders to be read."})
    seen = fields.Integer(metadata={"description": "Those that were read."})
    figures = fields.Dict(
        metadata={
            "description": "Of a preview: orders; known: those that count already; counting: those that would count,"
            " of buyers who may earn; points and points_at_most: what they would give, in the first and in the best"
            " tier; points_alive: what of points has not expired; customers; unread: those at which the shop failed,"
            " which are in no sum."
        }
    )
    problem = fields.String(metadata={"description": "Why it failed, or waits."})
    asked_at = Moment()
    finished_at = Moment(allow_none=True)


@blueprint.writes(
    "/stores/<string:store>/backfills", BackfillSchema, status=202, scope="adjust", body=BackfillRequest
)
def ask(writing: Writing, asked: Data, store: str) -> Data:
    """Take in the past of a store, or preview it; the same wish again changes nothing."""
    connection, account = writing.connection, access().account
    places = {place.key: place.store for place in list_places(connection)}
    if store not in places:
        raise NotFound("There is no store of that key.")
    found = get_store(connection, tools().vault, places[store])
    backfill = ask_for_past(connection, account, found, Wish(**asked), utc_now(), actor())
    writing.afterwards.append(partial(tools().wake_backfill, account, found.id))
    return _get(connection, backfill)


@blueprint.reads("/backfills/<uuid:backfill>", BackfillSchema)
def show(backfill: UUID) -> Data:
    """Tell how far a backfill is, and what a preview found."""
    with transaction() as connection:
        return _get(connection, backfill)


@blueprint.reads("/backfills", page_of(BackfillSchema), PageQuery)
def backfills(query: Data) -> Data:
    """List backfills, newest first."""
    limit, before = query["limit"], uuid_cursor(query["cursor"])
    with transaction() as connection:
        rows = list_backfills(connection, before, limit + 1)
    return page(rows, limit, lambda row: row["id"])


def _get(connection: Connection, backfill: UUID) -> Data:
    row = find_backfill(connection, backfill)
    if row is None:
        raise NotFound("There is no backfill of that id.")
    return dict(row)
