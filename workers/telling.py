"""Tell the shops that show points of those that became usable by time alone; late or twice changes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from loyalty.clock import utc_now
from loyalty.engine.book import AccountBook
from loyalty.engine.retelling import tell_matured
from loyalty.stores.told import find_matured_until, note_matured
from loyalty.values import AccountId, StoreId
from workers.queues import Queues
from workers.runtime import Runtime

FIRST = timedelta(days=1)
"""How far back the first look at a store goes; before it every change was told with the points of its instant."""

log = structlog.get_logger(__name__)


def tell_of_matured(runtime: Runtime, account: AccountId, now: datetime | None = None) -> int:
    """Write pushes for the customers whose points became usable since the last time; return for how many."""
    at = now or utc_now()
    with runtime.database.transaction(account) as connection:
        book = runtime.book(connection, account, set())
    stores = [store for store in book.store_numbers if book.is_showing(store) and store not in book.closed]
    return sum(_tell_store(runtime, book, store, at) for store in stores)


def _tell_store(runtime: Runtime, book: AccountBook, store: StoreId, now: datetime) -> int:
    """Go through a store's customers page by page; an interrupted job begins again."""
    told, after = 0, ""
    with runtime.database.transaction(book.id) as connection:
        since = find_matured_until(connection, store) or now - FIRST
    while since < now:
        with runtime.database.transaction(book.id) as connection:
            page = tell_matured(connection, book, store, since, now, after)
            if page.next is None:
                note_matured(connection, store, now)
        told += page.told
        if page.next is None:
            break
        after = page.next
    if told:
        runtime.wake_store(Queues.PUSH, book.id, store)
        log.info("matured_told", store=str(store), customers=told)
    return told
