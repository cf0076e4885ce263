"""What Shopify passes on of persons and of the end of a shop; such a delivery names its shop in the signed body too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from connectors.bodies import read_object
from loyalty.clock import read_moment
from loyalty.errors import MalformedMessage

REDACTED, UNINSTALLED = "shop/redact", "app/uninstalled"
COMPLIANCE = frozenset({"customers/data_request", "customers/redact", REDACTED})
ENDS = frozenset({REDACTED, UNINSTALLED})
TRIGGERED_AT = "x-shopify-triggered-at"
LAST_TOPICS = COMPLIANCE | {UNINSTALLED}
"""What is taken also of a shop that is not connected any more."""


def happened_at(topic: str, headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Return when an app was taken out, or a shop asked to be forgotten, where the delivery says so, else now: it may
    come after the shop was connected again.

    None for all other topics: their order is told by what they state.
    """
    if topic not in ENDS:
        return None
    try:
        return min(read_moment(headers.get(TRIGGERED_AT, "")), now)
    except ValueError:
        return now


def names_shop(body: bytes, domain: str | None) -> bool:
    """Return whether the body of a delivery about persons is of this shop: headers are not signed."""
    try:
        named = read_object(body).get("shop_domain")
    except MalformedMessage:
        return False
    return isinstance(named, str) and domain is not None and named.lower() == domain
