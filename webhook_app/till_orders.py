"""Orders that a till tells of, by API or from a file: judged, and put into the inbox."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping

from connectors.base import Connector, RawMessage
from loyalty.errors import Conflict, Invalid, MalformedMessage, NotFound
from loyalty.inbox import repository as inbox
from loyalty.members.identity import normal_email, normal_phone
from loyalty.reports.statements import require_member
from loyalty.stores.service import Place
from loyalty.values import AccountId

Data = dict[str, Any]
TOPIC = "order"
MOST_AHEAD = timedelta(days=1)
TIMES = ("modified_at", "placed_at", "paid_at", "completed_at")


def find_till(places: list[Place], key: str) -> Place:
    """Return the till that is meant: the connected one of a key, or the only one. Raises Conflict and Invalid."""
    tills = [place for place in places if place.is_till and place.is_connected]
    meant = [till for till in tills if key in ("", till.key)]
    if len(meant) == 1:
        return meant[0]
    if not tills and not key:
        raise Conflict("The account has no connected till.")
    message = "There is no connected till of that key." if key else "There are several tills: name one."
    raise Invalid(message, {"/store": [message]})


def judge_times(asked: Data, now: datetime) -> None:
    """Refuse what lies ahead: no later state of the order would count until then."""
    told = {f"/{name}": asked.get(name) for name in TIMES}
    told |= {f"/refunds/{at}/created_at": one["created_at"] for at, one in enumerate(asked["refunds"])}
    ahead = [path for path, instant in told.items() if instant is not None and instant > now + MOST_AHEAD]
    if ahead:
        raise Invalid("The till's clock is wrong.", {path: ["Lies ahead."] for path in ahead})


def judge_buyer(connection: Connection, buyer: Data | None) -> None:
    """Refuse a buyer whom nothing names."""
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


def accept_order(
    connection: Connection, account: AccountId, connector: Connector, till: Place, order: str, body: bytes
) -> tuple[RowMapping, bool]:
    """Store what was told, unless it is known; return its message and whether that is new.

    Raises Conflict when the order was told otherwise at that instant.
    """
    key = connector.message_key(TOPIC, {}, body)
    is_new = inbox.accept(
        connection, account, till.store, key=key, source="api", topic=TOPIC, delivery_id=order, body=body
    )
    row = inbox.find_message(connection, till.store, key)
    assert row is not None
    if not is_new and not _says_the_same(connector, till, bytes(row["body"]), body):
        message = "The order was told otherwise for that instant; a later state needs a later modified_at."
        raise Conflict(message)
    return row, is_new


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
