"""An order at which a shop failed, as a message that names it: it is read by itself, for as long as that takes."""

from __future__ import annotations

import json
from datetime import datetime

from connectors.base import FetchedMessage
from connectors.bodies import Body
from loyalty.commerce import NeedsRead, Read

FETCHED_ORDER = "fetch.order"
LATE = "late"
"""The key of an order at which the shop failed when many were read."""


def late_message(order_id: str, now: datetime) -> FetchedMessage:
    """Return an order that could not be read as a message that says so."""
    body = json.dumps({"id": order_id, LATE: True}, separators=(",", ":"))
    return FetchedMessage(FETCHED_ORDER, order_id, body.encode(), now)


def find_late(topic: str, external_id: str, body: Body) -> NeedsRead | None:
    """Return what must be read because of such a message; None: it is none."""
    if topic != FETCHED_ORDER or not body.get(LATE):
        return None
    return NeedsRead(Read.ORDER, (external_id,), "failed before")
