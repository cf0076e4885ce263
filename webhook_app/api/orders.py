"""Orders: told by tills and other channels without a shop, and listed with what they earned."""

from __future__ import annotations

from functools import partial

from flask import request
from marshmallow import Schema, fields

from connectors.till.schemas import TillOrderSchema
from loyalty.clock import utc_now
from loyalty.errors import NotFound
from loyalty.reports.orders import list_orders
from loyalty.reports.statements import require_member
from loyalty.stores.service import TILL, Place, list_places
from webhook_app.api.answers import page_of
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Resource, Writing, page, text_cursor, transaction
from webhook_app.api.questions import OrdersQuery
from webhook_app.metrics import count_delivery
from webhook_app.security import access
from webhook_app.till_orders import accept_order, find_till, judge_buyer, judge_times
from webhook_app.tools import tools

blueprint = Resource("orders", __name__, description="Orders, and how tills tell of theirs.")


class AcceptedSchema(Schema):
    message = fields.Integer(metadata={"description": "Its place in the inbox."})
    status = fields.String(metadata={"description": "pending; what became of it when it was told before."})
    store = fields.String()
    id = fields.String()


class StandingOrderSchema(Schema):
    store = fields.String()
    id = fields.String()
    number = fields.String()
    member = fields.UUID(allow_none=True)
    state = fields.String(metadata={"description": "open, live, refunded or dead: what it is for points."})
    status = fields.String(allow_none=True, metadata={"description": "The store's own word."})
    currency = fields.String(allow_none=True)
    total = fields.String(allow_none=True)
    channel = fields.String(allow_none=True)
    test = fields.Boolean(allow_none=True)
    placed_at = Moment(allow_none=True)
    paid_at = Moment(allow_none=True)
    completed_at = Moment(allow_none=True)
    modified_at = Moment(allow_none=True)
    deleted_at = Moment(allow_none=True)
    awarded_at = Moment(attribute="award_at", allow_none=True)
    points = fields.Integer(metadata={"description": "What it stands at, net of refunds."})
    review = fields.String(allow_none=True, metadata={"description": "Why the rules cannot judge it."})


@blueprint.writes("/orders", AcceptedSchema, status=202, body=TillOrderSchema)
def tell_order(writing: Writing, asked: Data) -> Data:
    """Tell how an order of a till stands now; a worker gives the points. Telling the same again changes nothing."""
    till = find_till(list_places(writing.connection), asked["store"])
    judge_times(asked, utc_now())
    judge_buyer(writing.connection, asked["buyer"])
    connector, body = tools().connectors[TILL], request.get_data()
    row, is_new = accept_order(writing.connection, access().account, connector, till, asked["id"], body)
    writing.afterwards.append(partial(count_delivery, "accepted" if is_new else "repeated"))
    if row["status"] == "pending":
        writing.afterwards.append(partial(tools().wakes.wake, access().account))
    return {"message": row["id"], "status": row["status"], "store": till.key, "id": asked["id"]}


@blueprint.reads("/orders", page_of(StandingOrderSchema), OrdersQuery)
def orders(query: Data) -> Data:
    """List orders with what they stand at, by store and id."""
    limit, after, member = query["limit"], text_cursor(query["cursor"]), query["member"]
    with transaction() as connection:
        if member is not None:
            require_member(connection, member)
        places = _of_key(list_places(connection), query["store"])
        rows = list_orders(connection, places, member, query["id"], after, limit + 1)
    return page(rows, limit, lambda row: row["key"])


def _of_key(places: list[Place], key: str | None) -> list[Place]:
    meant = [place for place in places if key in (None, place.key)]
    if key is not None and not meant:
        raise NotFound("There is no store of that key.")
    return meant
