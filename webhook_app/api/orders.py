"""Orders: told by tills and other channels without a shop, and listed with what they earned."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from flask import request
from marshmallow import Schema, fields
from sqlalchemy import Connection, RowMapping

from connectors.base import Connector, RawMessage
from connectors.till.schemas import TillOrderSchema
from loyalty.clock import utc_now
from loyalty.errors import Conflict, Invalid, MalformedMessage, NotFound
from loyalty.inbox import repository as inbox
from loyalty.members.identity import normal_email, normal_phone
from loyalty.reports.orders import list_orders
from loyalty.reports.statements import require_member
from loyalty.stores.service import TILL, Place, list_places
from webhook_app.api.answers import page_of
from webhook_app.api.fields import Moment
from webhook_app.api.parts import Data, Resource, Writing, page, text_cursor, transaction
from webhook_app.api.questions import OrdersQuery
from webhook_app.metrics import count_delivery
from webhook_app.security import access
from webhook_app.tools import tools

blueprint = Resource("orders", __name__, description="Orders, and how tills tell of theirs.")
TOPIC = "order"
MOST_AHEAD = timedelta(days=1)
TIMES = ("modified_at", "placed_at", "paid_at", "completed_at")


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
    till = _find_till(list_places(writing.connection), asked["store"])
    _judge_times(asked, utc_now())
    _judge_buyer(writing.connection, asked["buyer"])
    row = _accept(writing, till, asked["id"])
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


def _find_till(places: list[Place], key: str) -> Place:
    """Return the till that is meant: the connected one of a key, or the only one."""
    tills = [place for place in places if place.is_till and place.is_connected]
    meant = [till for till in tills if key in ("", till.key)]
    if len(meant) == 1:
        return meant[0]
    if not tills and not key:
        raise Conflict("The account has no connected till.")
    message = "There is no connected till of that key." if key else "There are several tills: name one."
    raise Invalid(message, {"/store": [message]})


def _judge_times(asked: Data, now: datetime) -> None:
    """Refuse what lies ahead: no later state of the order would count until then."""
    told = {f"/{name}": asked.get(name) for name in TIMES}
    told |= {f"/refunds/{at}/created_at": one["created_at"] for at, one in enumerate(asked["refunds"])}
    ahead = [path for path, instant in told.items() if instant is not None and instant > now + MOST_AHEAD]
    if ahead:
        raise Invalid("The till's clock is wrong.", {path: ["Lies ahead."] for path in ahead})


def _judge_buyer(connection: Connection, buyer: Data | None) -> None:
    if buyer is None:
        return
    mistakes = {}
    if buyer["email"] and not normal_email(buyer["email"]):
        mistakes["/buyer/email"] = ["Identifies nobody."]
    if buyer["phone"] and not normal_phone(buyer["phone"]):
        mistakes["/buyer/phone"] = ["Must be in E.164, such as +886912345678."]
    if buyer["member"] is not None and not _is_member(connection, buyer["member"]):
        mistakes["/buyer/member"] = ["There is no member of that id."]
    if mistakes:
        raise Invalid("The buyer cannot be known.", mistakes)


def _is_member(connection: Connection, member: UUID) -> bool:
    try:
        require_member(connection, member)
    except NotFound:
        return False
    return True


def _accept(writing: Writing, till: Place, order: str) -> RowMapping:
    """Store what was told, unless it is known; raises Conflict when the order was told otherwise at that instant."""
    connection, connector, body = writing.connection, tools().connectors[TILL], request.get_data()
    key = connector.message_key(TOPIC, {}, body)
    is_new = inbox.accept(
        connection, access().account, till.store, key=key, source="api", topic=TOPIC, delivery_id=order, body=body
    )  # fmt: skip
    row = inbox.find_message(connection, till.store, key)
    assert row is not None
    if not is_new and not _says_the_same(connector, till, bytes(row["body"]), body):
        message = "The order was told otherwise for that instant; a later state needs a later modified_at."
        raise Conflict(message)
    writing.afterwards.append(partial(count_delivery, "accepted" if is_new else "repeated"))
    return row


def _says_the_same(connector: Connector, till: Place, known: bytes, body: bytes) -> bool:
    """Return whether two bodies state the same; one that was emptied, as its buyer was erased, cannot be compared."""
    if not known:
        return True
    try:
        facts = [
            connector.parse(till.store, RawMessage("api", TOPIC, one), with_products=False)
            for one in (known, body)
        ]
    except MalformedMessage:
        return False
    return facts[0] == facts[1]
