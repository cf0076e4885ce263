"""Reads what a shop has of the past: its customers page by page, its orders by one bulk operation, oldest first.

The shop writes the orders into a file of lines, which is read in slices that end where an order does. Where the reading
goes on is told by a text: of which operation, from which byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any

from connectors.base import FetchedMessage, PastPage
from connectors.halving import ask_in_halves, list_failed, require_some
from connectors.http import Door
from connectors.late import late_message
from connectors.shopify.client import DENIED, Shopify
from connectors.shopify.documents import document
from connectors.shopify.fetch import customer_message, find_orders, order_messages
from connectors.shopify.ids import gid, tail
from connectors.shopify.paging import SHORT
from connectors.shopify.refusals import codes, refusal_of, refused, user_errors
from connectors.values import instant
from loyalty.pushes import PushError

Json = dict[str, Any]
CUSTOMERS, START, WAIT, READ = "customers", "start", "wait", "read"
PAGE = 100
SLICE, LARGEST_SLICE = 256 * 1024, 16 * 1024 * 1024
MOST_STARTS = 3
SHORTEST_WAIT, LONGEST_WAIT = 0.5, 60.0
BUSY = frozenset({"LIMIT_REACHED", "OPERATION_IN_PROGRESS"})
RUNNING = frozenset({"CREATED", "RUNNING"})
STAMP = "%Y-%m-%dT%H:%M:%SZ"
ARGUMENTS = "(sortKey: CREATED_AT)"


def count_past(shop: Shopify, since: datetime | None) -> int:
    """Return how many customers there are, and orders placed from an instant; raises PushError."""
    data = shop.ask_for("counts", {"query": _from(since) or None})
    return sum(int(data[name]["count"]) for name in ("customersCount", "ordersCount"))


def read_past(
    shop: Shopify, files: Door, since: datetime | None, cursor: str | None,
    *, with_products: bool, now: datetime,
) -> PastPage:  # fmt: skip
    """Return a page of messages and where it goes on; `files` leads to the file without our token.

    Raises PushError.
    """
    kind, _, place = (cursor or f"{CUSTOMERS} ").partition(" ")
    if kind == CUSTOMERS:
        # An older version kept the shop's own cursor: it begins anew.
        return _customers(shop, int(place) if place.isdecimal() else 0, now)
    if kind == START:
        return _start(shop, since, int(place))
    number, starts, at = place.split(" ")
    if kind == WAIT:
        return _wait(shop, number, int(starts), int(at))
    operation = _operation(shop, number)
    url = _find_url(operation)
    if url is None:
        return PastPage((), f"{START} {starts}")
    found, end = _read_orders(files, url, int(at))
    # No clock of a shop makes us see what is yet to come.
    written = min(instant(operation["createdAt"]), now)
    read = partial(_messages, shop, with_products=with_products, written=written, now=now)
    return PastPage(_read_apart(read, found, now), None if end is None else f"{READ} {number} {starts} {end}")


def _customers(shop: Shopify, last: int, now: datetime) -> PastPage:
    """Return the customers after an id, in the order of their ids. Each page is a list of its own: one that is paged
    through ends after 25,000 (https://shopify.dev/docs/api/usage/limits).
    """
    variables = {"first": PAGE, "query": f"id:>={last + 1}" if last else None}
    page = shop.ask_for("customer_list", variables, "customers")["customers"]
    ids = [int(tail(row["id"])) for row in page["nodes"]]
    if any(each <= before for before, each in pairwise([last, *ids])):
        # A search that Shopify does not understand is left out in silence: the same page would come for ever.
        raise PushError("The customers do not come by their ids.", permanent=True, reason="configuration")
    messages = tuple(customer_message(tail(row["id"]), row, now) for row in page["nodes"])
    is_over = not ids or not page["pageInfo"]["hasNextPage"]
    return PastPage(messages, f"{START} 0" if is_over else f"{CUSTOMERS} {ids[-1]}")


def _start(shop: Shopify, since: datetime | None, starts: int) -> PastPage:
    """Start the operation; one that was started just before we were killed only runs beside it."""
    if starts >= MOST_STARTS:
        raise PushError("The shop failed to write its orders.", permanent=True, reason="unreachable")
    filtered = f"(sortKey: CREATED_AT, query: {json.dumps(_from(since))})" if since else ARGUMENTS
    query = document("past_orders").text.replace(ARGUMENTS, filtered, 1)
    payload = shop.ask_for("start_bulk", {"query": query})["bulkOperationRunQuery"]
    errors = user_errors(payload)
    if codes(errors) & BUSY:
        message = "The shop carries out other bulk operations."
        raise PushError(message, permanent=False, reason="limit", retry_after=LONGEST_WAIT)
    if errors:
        raise refusal_of(errors)
    number = tail(payload["bulkOperation"]["id"])
    return PastPage((), f"{WAIT} {number} {starts + 1} 0", SHORTEST_WAIT)


def _wait(shop: Shopify, number: str, starts: int, polls: int) -> PastPage:
    """Look whether the file is written; one that failed is asked for again, but where we may not read it."""
    operation = _operation(shop, number)
    if operation["status"] in RUNNING:
        seconds = min(LONGEST_WAIT, SHORTEST_WAIT * 2.0 ** min(polls, 10))
        return PastPage((), f"{WAIT} {number} {starts} {polls + 1}", seconds)
    if operation["errorCode"] == DENIED:
        raise refused(f"The shop answered {DENIED} to the bulk operation.", "permission")
    if operation["status"] != "COMPLETED":
        return PastPage((), f"{START} {starts}")
    is_empty = not operation["url"] and not int(operation["objectCount"])
    return PastPage((), None if is_empty else f"{READ} {number} {starts} 0")


def _operation(shop: Shopify, number: str) -> Json:
    found = shop.ask_for("bulk", {"id": gid("BulkOperation", number)})["bulkOperation"]
    return found or {"status": "EXPIRED", "errorCode": None, "url": None, "objectCount": 0}


def _find_url(operation: Json) -> str | None:
    """Return where the file is; it is kept for seven days."""
    url = operation["url"]
    return str(url) if operation["status"] == "COMPLETED" and url else None


def _read_orders(files: Door, url: str, start: int) -> tuple[list[Json], int | None]:
    """Return the orders that are whole in a slice of the file, and where the next one begins; None: nowhere."""
    size = SLICE
    while True:
        part = files.read_bytes(url, start, size)
        is_last = len(part) < size
        lines = part.split(b"\n")
        whole = lines if is_last else lines[:-1]
        rows = [_row(line) for line in whole if line.strip()]
        roots = [place for place, row in enumerate(rows) if "__parentId" not in row]
        if is_last:
            return list(_orders(rows)), None
        if len(roots) > 1 or (roots and size >= LARGEST_SLICE):
            used = sum(len(line) + 1 for line in whole[: roots[-1]])
            return list(_orders(rows[: roots[-1]])), start + used
        if size >= LARGEST_SLICE:
            raise PushError("An order is too large to be read.", permanent=True, reason="configuration")
        size *= 4


def _row(line: bytes) -> Json:
    try:
        row = json.loads(line, parse_float=Decimal)
    except ValueError:
        raise PushError(
            "The file has a line that is no JSON.", permanent=False, reason="unreachable"
        ) from None
    if not isinstance(row, dict):
        raise PushError("The file has a line that is no object.", permanent=False, reason="unreachable")
    return row


def _orders(rows: list[Json]) -> Iterator[Json]:
    """Yield the orders of lines that are grouped, each in the form of an answer."""
    order: Json | None = None
    for row in rows:
        parent = row.pop("__parentId", None)
        if parent is None:
            if order is not None:
                yield order
            order = {**row, "lineItems": {"nodes": []}, "shippingLines": {"nodes": []}}
        elif order is None or parent != order["id"]:
            raise PushError("The file is not grouped by order.", permanent=False, reason="unreachable")
        else:
            name = "lineItems" if "originalTotalSet" in row else "shippingLines"
            order[name]["nodes"].append(row)
    if order is not None:
        yield order


def _read_apart(
    read: Callable[[Sequence[Json]], list[FetchedMessage]], found: Sequence[Json], now: datetime
) -> tuple[FetchedMessage, ...]:
    """Return the orders as messages; one at which the shop fails is only named, and is read by itself later.

    Raises PushError, also where the shop fails at everything and not at single orders.
    """
    messages, failed = ask_in_halves(read, found)
    require_some(found, failed)
    return (*messages, *(late_message(tail(order["id"]), now) for order in list_failed(failed)))


def _messages(
    shop: Shopify,
    found: Sequence[Json],
    *,
    with_products: bool,
    written: datetime,
    now: datetime,
) -> list[FetchedMessage]:
    """Return the orders as messages, stated when the file was; those with refunds, or with lists that may be cut, are
    read again, and stated now.
    """
    orders: dict[str, Json | None] = {tail(order["id"]): order for order in found}
    again = {number for number, order in orders.items() if order and _is_unfinished(order)}
    orders |= find_orders(shop, [number for number in orders if number in again])
    messages = order_messages(shop, orders, with_products=with_products, now=now)
    return [each if each.key_id in again else replace(each, observed_at=written) for each in messages]


def _is_unfinished(order: Json) -> bool:
    return bool(order["refunds"]) or any(
        len(order[name]) >= SHORT for name in ("transactions", "fulfillments")
    )


def _from(since: datetime | None) -> str:
    return f"created_at:>='{since.astimezone(UTC).strftime(STAMP)}'" if since else ""
