"""Read the past of a shop: page after page becomes messages of the inbox, which the drain takes as any others.

Each page is one transaction with the place where the reading goes on, so that it may be killed anywhere; a page that is
read twice is the same messages. What was read is taken before more is: memory and inbox stay small. What lies before
the first version is stored without being rated, and counts when all of it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from math import inf
from time import monotonic, sleep
from typing import Any

import structlog
from rq.timeouts import BaseTimeoutException

from connectors.base import FetchedMessage, PastPage, RawMessage, StoreAccess
from loyalty.backfills import repository as backfills
from loyalty.backfills.repository import Wish
from loyalty.commerce import Ignored, NeedsRead, OrderSnapshot, Parsed
from loyalty.engine.estimating import Known, add_estimates, buyers
from loyalty.engine.passing import PASSING
from loyalty.engine.past import open_past, suppose_past
from loyalty.engine.people import find_states
from loyalty.engine.timeline import OrderRef
from loyalty.errors import MalformedMessage
from loyalty.inbox import repository as inbox
from loyalty.logs import where
from loyalty.orders import repository as orders
from loyalty.pushes import PushError
from loyalty.values import AccountId, StoreId
from workers import draining
from workers.fetching import backoff_seconds, message_of
from workers.reading import Reader, open_reader, take_what_waits
from workers.runtime import Runtime

LEASE = timedelta(minutes=5)
SECONDS_AT_ONCE = 240.0
PAGES_AT_ONCE = 4
"""Pages of a hundred that are read before they are taken: one batch of the drain."""
PATIENCE = 4.0
"""Seconds that a worker waits for a shop; for longer it lets go."""
READ = "read"
"""The cursor of what is read whole, and is not counted whole yet."""
Row = Mapping[Any, Any]
Progress = Callable[[int, int], None]
"""Is told how much was read, and of how much."""

log = structlog.get_logger(__name__)


def run_backfill(
    runtime: Runtime, account: AccountId, store_id: StoreId,
    *, seconds: float = SECONDS_AT_ONCE, force: bool = False, progress: Progress | None = None,
) -> bool | None:  # fmt: skip
    """Go on with the backfill of a store; return whether it is over, None when there is none, or somebody is at it."""
    reader = open_reader(runtime, account, store_id, None)
    if reader is None:
        return None
    with runtime.database.transaction(account) as connection:
        now = reader.now()
        claimed = backfills.claim(connection, store_id, now, now + LEASE, force=force)
    if claimed is None:
        return None
    row = dict(claimed)
    try:
        is_over = _read_on(reader, row, monotonic() + seconds, progress or _say_nothing)
    except PushError as error:
        _stop(reader, row, error)
        return False
    except (*PASSING, BaseTimeoutException):
        raise
    except Exception as error:
        _give_up(reader, row, error)
        return False
    _let_go(reader, row, is_over=is_over)
    return is_over


def _say_nothing(seen: int, total: int) -> None:
    """Nobody looks on."""


def _read_on(reader: Reader, row: dict[str, Any], deadline: float, progress: Progress) -> bool:
    """Read page after page, then let all of it count; return False when the time is over before the end."""
    if not row["cursor"]:
        row["total"] = _count(reader, row)
    pages = 0
    while row["cursor"] != READ:
        if monotonic() > deadline:
            return False
        page = reader.ask(partial(_read_page, reader, row))
        _keep(reader, row, page)
        pages += 1
        progress(min(row["seen"], row["total"]), row["total"])
        if page.wait_seconds and not _wait(row, page.wait_seconds, deadline):
            return False
        if not row["preview"] and (page.next is None or pages % PAGES_AT_ONCE == 0):
            take_what_waits(reader)
    return bool(row["preview"]) or _let_count(reader, row, deadline)


def _read_page(reader: Reader, row: Row, access: StoreAccess) -> PastPage:
    since, cursor, products = row["since"], row["cursor"] or None, reader.with_products
    return reader.connector.read_past(access, since, cursor, with_products=products, now=reader.now())


def _wait(row: dict[str, Any], seconds: float, deadline: float) -> bool:
    """Wait a little for a shop that makes its next page ready; return False when others may use the time better."""
    if monotonic() + seconds > deadline or (seconds > PATIENCE and deadline < inf):
        row["wait"] = seconds
        return False
    sleep(seconds)
    return True


def _let_count(reader: Reader, row: Row, deadline: float) -> bool:
    """Let what was read count, and fold each member; return False when the time is over before the end."""
    account = reader.store.account
    take_what_waits(reader)
    with reader.runtime.database.transaction(account) as connection:
        open_past(connection, account, row["since"], reader.now())
    draining.refold_account(reader.runtime, account, deadline=deadline)
    return monotonic() < deadline


def _count(reader: Reader, row: Row) -> int:
    total = reader.ask(lambda access: reader.connector.count_past(access, row["since"]))
    with reader.runtime.database.transaction(reader.store.account) as connection:
        backfills.set_total(connection, row["id"], total)
    return total


def _keep(reader: Reader, row: dict[str, Any], page: PastPage) -> None:
    """Store a page, or in a preview what it would cost, with the place where the reading goes on."""
    store, account = reader.store, reader.store.account
    with reader.runtime.database.transaction(account) as connection:
        if row["preview"]:
            row["figures"] = _estimate(reader, connection, row, page.messages)
        else:
            messages = [message_of(each, asked_again=False) for each in page.messages]
            inbox.accept_read(connection, account, store.id, messages)
        row["cursor"] = page.next or READ
        row["seen"] += len(page.messages)
        until = reader.now() + LEASE
        backfills.advance(connection, row["id"], row["cursor"], len(page.messages), row["figures"], until)


def _estimate(
    reader: Reader, connection: Any, row: Row, messages: Iterable[FetchedMessage]
) -> dict[str, Any]:
    """Return the sums of a preview with the orders of a page."""
    wish = Wish(row["since"], row["tiers_only"], row["preview"])
    versions = suppose_past(connection, reader.versions, reader.store, wish, row["asked_at"])
    read = [_parse(reader, message) for message in messages]
    found = [
        fact
        for parsed in read
        if isinstance(parsed, tuple)
        for fact in parsed
        if isinstance(fact, OrderSnapshot)
    ]
    known = _known(connection, reader.store.number, found)
    customers = int(row["figures"].get("customers", 0)) + sum("customer" in each.topic for each in messages)
    unread = int(row["figures"].get("unread", 0)) + sum(isinstance(parsed, NeedsRead) for parsed in read)
    sums = add_estimates(row["figures"], found, known, versions, row["asked_at"])
    return {"customers": customers, "unread": unread, **sums}


def _known(connection: Any, store: int, found: Sequence[OrderSnapshot]) -> Known:
    rows = orders.list_orders(connection, [OrderRef(store, order.external_id).key for order in found])
    counted = frozenset(each["external_id"] for each in rows if each["version"] is not None)
    return Known(store, counted, find_states(connection, buyers(store, found)))


def _parse(reader: Reader, message: FetchedMessage) -> Parsed:
    """Return what a message states; one that is malformed costs nothing, and fails alone when it is taken."""
    raw = RawMessage("fetch", message.topic, message.body, message.observed_at)
    try:
        return reader.connector.parse(reader.store.id, raw, with_products=reader.with_products)
    except MalformedMessage as error:
        return Ignored(error.message)


def _let_go(reader: Reader, row: Row, *, is_over: bool) -> None:
    with reader.runtime.database.transaction(reader.store.account) as connection:
        if is_over:
            backfills.finish(connection, row["id"], reader.now())
        else:
            wait = row.get("wait")
            backfills.pause(connection, row["id"], reader.now() + timedelta(seconds=wait) if wait else None)
    log.info("backfill", store=str(reader.store.id), over=is_over, preview=row["preview"])


def _stop(reader: Reader, row: Row, error: PushError) -> None:
    """A refusal that stays ends a backfill; in passing trouble it waits, longer each time."""
    problem = f"{error.reason}: {error.message}"
    wait = error.retry_after or backoff_seconds(row["attempts"])
    with reader.runtime.database.transaction(reader.store.account) as connection:
        if error.permanent:
            backfills.finish(connection, row["id"], reader.now(), problem)
        else:
            backfills.pause(connection, row["id"], reader.now() + timedelta(seconds=wait), problem)
    log.warning("backfill_stopped", store=str(reader.store.id), reason=error.reason)


def _give_up(reader: Reader, row: Row, error: Exception) -> None:
    """End a backfill at which something went wrong that nobody foresaw: gone on with, it would end at the same page."""
    with reader.runtime.database.transaction(reader.store.account) as connection:
        backfills.finish(connection, row["id"], reader.now(), f"unforeseen: {type(error).__name__}")
    log.error("backfill_failed", store=str(reader.store.id), error=where(error))
