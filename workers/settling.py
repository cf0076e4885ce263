"""Visit the members to whom something happens by itself and whom nobody loaded; late or twice changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Event
from uuid import UUID

import structlog
from sqlalchemy import Connection

from loyalty.clock import utc_now
from loyalty.db import Row
from loyalty.engine.apply import settle_members
from loyalty.errors import LedgerConflict
from loyalty.ledger.repository import ABREAST, claim_expired
from loyalty.members.repository import claim_tier_dues
from loyalty.values import AccountId, StoreId
from workers.queues import Queues
from workers.runtime import Runtime

BATCH = 400
Claim = Callable[[Connection, datetime, int], list[Row]]

log = structlog.get_logger(__name__)


def expire_points(runtime: Runtime, account: AccountId, now: datetime | None = None) -> int:
    """Let the points of members die whose lots are over; return how many members."""
    return _settle(runtime, account, claim_expired, now)


def close_tier_periods(runtime: Runtime, account: AccountId, now: datetime | None = None) -> int:
    """Judge the tier periods that are over, end terms, let new rules take effect; return how many members."""
    return _settle(runtime, account, claim_tier_dues, now)


def _settle(runtime: Runtime, account: AccountId, claim: Claim, now: datetime | None) -> int:
    """Settle members batch by batch; nobody is locked longer than a batch, nobody visited twice.

    Where one batch is full, two go on abreast: while one waits for the database, the other thinks.
    """
    done: set[UUID] = set()
    is_over = Event()

    def go_on() -> None:
        while not is_over.is_set() and _settle_next(runtime, account, claim, now, done):
            pass

    if _settle_next(runtime, account, claim, now, done) < BATCH:
        go_on()
        return len(done)
    with ThreadPoolExecutor(ABREAST) as pool:
        try:
            for running in [pool.submit(go_on) for _ in range(ABREAST)]:
                running.result()
        finally:  # whatever ends one of them, or this job, ends the other after its batch
            is_over.set()
    return len(done)


def _settle_next(
    runtime: Runtime, account: AccountId, claim: Claim, now: datetime | None, done: set[UUID]
) -> int:
    """Settle the next batch of members who are not done; return how many they are."""
    started = time.perf_counter()
    try:
        visited, pushed = _settle_batch(runtime, account, claim, now or utc_now(), done)
    except LedgerConflict:
        visited, pushed = _settle_batch(runtime, account, claim, now or utc_now(), done, refold=True)
    done.update(visited)
    for store in pushed:
        runtime.wake_store(Queues.PUSH, account, StoreId(store))
    if visited:
        ms = round((time.perf_counter() - started) * 1000)
        log.info("settled", account=str(account), members=len(visited), ms=ms)
    return len(visited)


def _settle_batch(
    runtime: Runtime,
    account: AccountId,
    claim: Claim,
    now: datetime,
    done: set[UUID],
    *,
    refold: bool = False,
) -> tuple[set[UUID], frozenset[UUID]]:
    """Settle one batch in a transaction; return whom, and the stores with pushes. Raises LedgerConflict: the same
    again with `refold`.
    """
    with runtime.database.transaction(account) as connection:
        rows = [row for row in claim(connection, now, BATCH) if row["id"] not in done]
        if not rows:
            return set(), frozenset()
        book = runtime.book(connection, account, set())
        pushed = settle_members(connection, book, rows, now, refold=refold)
    return {row["id"] for row in rows}, pushed
