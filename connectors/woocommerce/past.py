"""Reads what a shop has of the past: its customers, then its orders, oldest first, a page at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from connectors.base import PastPage
from connectors.http import Door
from connectors.woocommerce.api import API, LARGEST_PAGE, expect, objects
from connectors.woocommerce.fetch import customer_message, order_messages
from connectors.woocommerce.listing import SECOND, STAMP, Place, list_orders, read_place
from loyalty.pushes import PushError

CUSTOMERS, ORDERS = "customers", "orders"


def count_past(door: Door, since: datetime | None) -> int:
    """Return how many customers there are, and orders placed from an instant; raises PushError."""
    return _count(door, CUSTOMERS, {"role": "all"}) + _count(door, ORDERS, {"status": "any", **_from(since)})


def read_past(
    door: Door, since: datetime | None, cursor: str | None, *, with_products: bool, now: datetime
) -> PastPage:
    """Return a page of messages and where it goes on; drafts and the trash are left out. Raises PushError."""
    kind, _, place = (cursor or f"{CUSTOMERS} 1").partition(" ")
    if kind == CUSTOMERS:
        return _customers(door, int(place), since, now)
    rows, following = list_orders(door, "date", read_place(place))
    found: dict[str, dict[str, Any] | None] = {str(row.get("id")): row for row in rows}
    messages = order_messages(door, found, with_products, now)
    return PastPage(tuple(messages), f"{ORDERS} {following.text()}" if following else None)


def _customers(door: Door, page: int, since: datetime | None, now: datetime) -> PastPage:
    """Return a page of customers by id; one who is deleted meanwhile may hide another, of whom his orders tell."""
    query = {"role": "all", "orderby": "id", "order": "asc", "per_page": str(LARGEST_PAGE), "page": str(page)}
    rows = objects(expect(door.get(f"{API}/customers", query)))
    messages = tuple(customer_message(str(row.get("id")), row, now) for row in rows)
    first = Place("any", since - SECOND if since else None)
    following = f"{CUSTOMERS} {page + 1}" if len(rows) == LARGEST_PAGE else f"{ORDERS} {first.text()}"
    return PastPage(messages, following)


def _count(door: Door, path: str, query: dict[str, str]) -> int:
    answer = door.get(f"{API}/{path}", {**query, "per_page": "1", "_fields": "id"})
    objects(expect(answer))
    total = answer.headers.get("X-WP-Total", "")
    if not total.isdigit():
        raise PushError("The shop does not say how many there are.", permanent=False, reason="unreachable")
    return int(total)


def _from(since: datetime | None) -> dict[str, str]:
    return {"after": (since - SECOND).strftime(STAMP), "dates_are_gmt": "true"} if since else {}
