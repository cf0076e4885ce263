"""Reads what a shop has of the past: its customers, then its orders, oldest first, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from connectors.base import FetchedMessage, PastPage
from connectors.halving import Failed, ask_in_halves, require_some
from connectors.http import Door
from connectors.late import FETCHED_CUSTOMER, late_message
from connectors.woocommerce.api import API, LARGEST_PAGE, expect, list_all, objects
from connectors.woocommerce.fetch import customer_message, order_messages
from connectors.woocommerce.listing import SECOND, STAMP, Place, list_orders, read_place
from loyalty.pushes import OneFailed, PushError

CUSTOMERS, ORDERS = "customers", "orders"
DATES = "id,date_created_gmt"
Json = dict[str, Any]


def count_past(door: Door, since: datetime | None) -> int:
    """Return how many customers there are, and orders placed from an instant; raises PushError."""
    return _count(door, CUSTOMERS, {"role": "all"}) + _count(door, ORDERS, {"status": "any", **_from(since)})


def read_past(
    door: Door, since: datetime | None, cursor: str | None, *, with_products: bool, now: datetime
) -> PastPage:
    """Return a page of messages and where it goes on; drafts and the trash are left out. Where the shop fails at it,
    it is read apart, and what fails alone is only named. Raises PushError.
    """
    kind, _, place = (cursor or f"{CUSTOMERS} 1").partition(" ")
    if kind == CUSTOMERS:
        return _customers(door, int(place), since, now)
    failed: Failed[str] = []
    try:
        rows, following = list_orders(door, "date", read_place(place))
    except OneFailed:
        dates, following = list_orders(door, "date", read_place(place), DATES)
        rows, failed = _read_apart(door, ORDERS, {"status": "any"}, dates)
    found: dict[str, Json | None] = {str(row.get("id")): row for row in rows}
    messages = order_messages(door, found, with_products, now)
    _require_any(messages)
    late = [late_message(each, now, error) for some, error in failed for each in some]
    return PastPage((*messages, *late), f"{ORDERS} {following.text()}" if following else None)


def _customers(door: Door, page: int, since: datetime | None, now: datetime) -> PastPage:
    """Return a page of customers by id; one who is deleted meanwhile may hide another, of whom his orders tell."""
    query = {"role": "all", "orderby": "id", "order": "asc", "per_page": str(LARGEST_PAGE), "page": str(page)}
    failed: Failed[str] = []
    try:
        rows = listed = objects(expect(door.get(f"{API}/customers", query)))
    except OneFailed:
        listed = objects(expect(door.get(f"{API}/customers", {**query, "_fields": "id"})))
        rows, failed = _read_apart(door, CUSTOMERS, {"role": "all"}, listed)
    messages = [customer_message(str(row.get("id")), row, now) for row in rows]
    late = [late_message(each, now, error, FETCHED_CUSTOMER) for some, error in failed for each in some]
    first = Place("any", since - SECOND if since else None)
    following = f"{CUSTOMERS} {page + 1}" if len(listed) == LARGEST_PAGE else f"{ORDERS} {first.text()}"
    return PastPage((*messages, *late), following)


def _require_any(messages: Sequence[FetchedMessage]) -> None:
    """Raise OneFailed where the shop fails at what belongs to each order of several: none of them is to blame."""
    failures = [each.failure for each in messages if each.failure is not None]
    if 1 < len(messages) == len(failures):
        raise failures[0]


def _read_apart(
    door: Door, path: str, query: dict[str, str], listed: Sequence[Json]
) -> tuple[list[Json], Failed[str]]:
    """Return what a page has, read by its ids, in its order, and at which of them the shop fails; raises PushError,
    also where it fails at everything and not at single things.
    """
    ids = [str(row.get("id")) for row in listed]
    rows, failed = ask_in_halves(partial(_list_some, door, path, query), ids)
    require_some(ids, failed)
    found = {str(row.get("id")): row for row in rows}
    return [found[each] for each in ids if each in found], failed


def _list_some(door: Door, path: str, query: dict[str, str], ids: Sequence[str]) -> list[Json]:
    return list_all(door, path, {**query, "include": ",".join(ids)})


def _count(door: Door, path: str, query: dict[str, str]) -> int:
    answer = door.get(f"{API}/{path}", {**query, "per_page": "1", "_fields": "id"})
    objects(expect(answer))
    total = answer.headers.get("X-WP-Total", "")
    if not total.isdigit():
        raise PushError("The shop does not say how many there are.", permanent=False, reason="unreachable")
    return int(total)


def _from(since: datetime | None) -> dict[str, str]:
    return {"after": (since - SECOND).strftime(STAMP), "dates_are_gmt": "true"} if since else {}
