"""Something at which a shop failed, as a message that names it: it is read by itself, for as long as that takes."""

from __future__ import annotations

import json
from datetime import datetime

from connectors.base import FetchedMessage
from connectors.bodies import Body
from loyalty.commerce import NeedsRead, Read
from loyalty.pushes import OneFailed

FETCHED_ORDER = "fetch.order"
FETCHED_CUSTOMER = "fetch.customer"
LATE = "late"
"""The key of a thing at which the shop failed when many were read."""
READS = {FETCHED_ORDER: Read.ORDER, FETCHED_CUSTOMER: Read.CUSTOMER}


def late_message(
    external_id: str, now: datetime, failure: OneFailed | None = None, topic: str = FETCHED_ORDER
) -> FetchedMessage:
    """Return an order, or a customer, that could not be read as a message that says so."""
    body = json.dumps({"id": external_id, LATE: True}, separators=(",", ":"))
    return FetchedMessage(topic, external_id, body.encode(), now, failure=failure)


def find_late(topic: str, external_id: str, body: Body) -> NeedsRead | None:
    """Return what must be read because of such a message; None: it is none."""
    if topic not in READS or not body.get(LATE):
        return None
    return NeedsRead(READS[topic], (external_id,), "failed before")
