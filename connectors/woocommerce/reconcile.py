"""How orders and customers stand in a shop now, in few fields: what changed lately, and what of ours is still there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from marshmallow import ValidationError

from connectors.base import SightingPage
from connectors.halving import ask_in_halves, list_failed, require_some
from connectors.http import Door
from connectors.values import instant_or_none, key, money, word
from connectors.woocommerce.api import chunks, list_all
from connectors.woocommerce.listing import Place, list_orders, read_place
from connectors.woocommerce.push import TIER
from loyalty.commerce import OrderSighting
from loyalty.pushes import OneFailed, PushError

FIELDS = "id,status,total,date_created_gmt,date_modified_gmt,refunds"
DATES = "id,date_created_gmt,date_modified_gmt"
LISTS = ("any", "trash")
"""`any` leaves out the trash."""
Json = dict[str, Any]


def read_clock(door: Door) -> datetime:
    """Return the time that the shop's server writes on its answers; raises PushError."""
    written = door.get("wp-json/", {"_fields": "name"}).headers.get("Date", "")
    try:
        return parsedate_to_datetime(written).astimezone(UTC)
    except ValueError:
        message = "The shop does not say what time it is."
        raise PushError(message, permanent=False, reason="unreachable") from None


def list_changed(door: Door, since: datetime, cursor: str | None) -> SightingPage:
    """Return a page of the orders changed after an instant, then of those in the trash, and where it goes on; where the
    shop fails at a page, its dates alone are read, and the orders apart.
    """
    place = read_place(cursor) if cursor else Place(LISTS[0], since)
    try:
        rows, following = list_orders(door, "modified", place, FIELDS)
        sightings = [_sighting(row) for row in rows]
    except OneFailed:
        rows, following = list_orders(door, "modified", place, DATES)
        sightings = _sight_apart(door, rows, place.status)
    if following is None and place.status != LISTS[-1]:
        following = Place(LISTS[-1], since)
    return SightingPage(tuple(sightings), following.text() if following else None)


def _sight_apart(door: Door, rows: Sequence[Json], status: str) -> list[OrderSighting]:
    """Return how listed orders stand, in their order; one at which the shop fails is told by its dates only, one that
    left the list meanwhile comes later on it, or on the other.
    """
    dates = {str(row.get("id")): row for row in rows}
    found, failed = ask_in_halves(partial(_list_sightings, door, status), list(dates))
    require_some(list(dates), failed)
    seen = {each.external_id: each for each in found}
    seen |= {each: _partial_sighting(dates[each]) for each in list_failed(failed)}
    return [seen[each] for each in dates if each in seen]


def sight_orders(door: Door, external_ids: Sequence[str]) -> list[OrderSighting]:
    """Return how these orders stand; a draft, and what is gone, is not listed. Raises PushError."""
    found: dict[str, OrderSighting] = {}
    for status in LISTS:
        missing = [each for each in external_ids if each not in found]
        for chunk in chunks(missing):
            found |= {seen.external_id: seen for seen in _list_sightings(door, status, chunk)}
    return list(found.values())


def _list_sightings(door: Door, status: str, ids: Sequence[str]) -> list[OrderSighting]:
    asked = {"include": ",".join(ids), "status": status, "_fields": FIELDS}
    return [_sighting(row) for row in list_all(door, "orders", asked)]


def sight_tiers(door: Door, external_ids: Sequence[str]) -> dict[str, str]:
    """Return the tier in the meta data of each of these customers, empty where there is none; raises PushError."""
    shown: dict[str, str] = {}
    for chunk in chunks(list(external_ids)):
        asked = {"include": ",".join(chunk), "role": "all", "_fields": "id,meta_data"}
        shown |= {str(row.get("id")): _tier(row) for row in list_all(door, "customers", asked)}
    return shown


def _tier(customer: Json) -> str:
    meta = customer.get("meta_data") or ()
    return next((str(each.get("value")) for each in meta if each.get("key") == TIER), "")


def _partial_sighting(row: Json) -> OrderSighting:
    return replace(_sighting({**row, "status": "unread", "total": "0"}), is_whole=False)


def _sighting(row: Json) -> OrderSighting:
    """Read an order of a list; raises PushError for one that cannot be read: nothing may be taken for missing."""
    try:
        refunds = [(key(each.get("id")), abs(money(each.get("total")))) for each in row.get("refunds") or ()]
        modified = instant_or_none(row.get("date_modified_gmt") or row.get("date_created_gmt"))
        if modified is None:
            raise ValidationError("It bears no date.")
        return OrderSighting(
            key(row.get("id")), modified, word(row.get("status")), money(row.get("total")), frozenset(refunds)
        )
    except ValidationError as error:
        message = f"The shop lists an order that cannot be read: {error.messages}"[:300]
        raise PushError(message, permanent=False, reason="unreachable") from None
