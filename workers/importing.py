"""Take files of members part by part; a worker that dies leaves the part for the next one."""

from __future__ import annotations

import time
from datetime import datetime

import structlog

from loyalty.clock import utc_now
from loyalty.engine.importing import take_step
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
        with runtime.database.transaction(account) as connection:
            book = runtime.book(connection, account, set())
            stores = take_step(connection, book, now or utc_now())
        if stores is None:
            break
        steps += 1
        for store in stores:
            runtime.wake_store(Queues.PUSH, account, StoreId(store))
    if steps:
        ms = round((time.monotonic() - started) * 1000)
        log.info("imported", account=str(account), steps=steps, ms=ms)
    return steps
