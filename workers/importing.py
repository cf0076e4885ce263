"""Take files of members part by part; a worker that dies leaves the part for the next one, and an import that fails
holds up no other.
"""

from __future__ import annotations

import time
from datetime import datetime
from uuid import UUID

import structlog
from rq.timeouts import BaseTimeoutException

from loyalty.clock import utc_now
from loyalty.engine.importing import fail_import, take_step
from loyalty.engine.passing import PASSING
from loyalty.imports.repository import claim_import
from loyalty.logs import where
from loyalty.values import AccountId, StoreId
from workers.queues import Queues
from workers.runtime import Runtime

SECONDS = 30.0
"""After so long a job ends and wakes the next one, so that others are not kept waiting."""

log = structlog.get_logger(__name__)


def run_imports(
    runtime: Runtime, account: AccountId, now: datetime | None = None, *, seconds: float | None = None
) -> int:
    """Take what waits of an account's imports; return how many steps were done. `seconds`: no longer than that."""
    steps, started = 0, time.monotonic()
    while seconds is None or time.monotonic() - started < seconds:
        stores = _take_step(runtime, account, now or utc_now())
        if stores is None:
            break
        steps += 1
        for store in stores:
            runtime.wake_store(Queues.PUSH, account, StoreId(store))
    if steps:
        ms = round((time.monotonic() - started) * 1000)
        log.info("imported", account=str(account), steps=steps, ms=ms)
    return steps


def _take_step(runtime: Runtime, account: AccountId, now: datetime) -> frozenset[UUID] | None:
    """Do the next piece of the oldest import that nobody works on; return the stores with pushes, None: all is done."""
    row = None
    try:
        with runtime.database.transaction(account) as connection:
            book = runtime.book(connection, account, set())
            row = claim_import(connection)
            return take_step(connection, book, row, now) if row else None
    except (*PASSING, BaseTimeoutException):
        raise
    except Exception as error:
        if row is None:
            raise
        log.error("import_failed", account=str(account), number=row["id"], error=where(error))
        with runtime.database.transaction(account) as connection:
            fail_import(connection, account, row, now)
        return frozenset()
