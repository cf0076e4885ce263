"""Delete what is done and old, in small transactions: nobody waits for it, and what is not done is never touched."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from loyalty.clock import utc_now
from loyalty.imports import repository as imports
from loyalty.inbox import repository as inbox
from loyalty.outbox import repository as outbox
from loyalty.values import AccountId
from workers.runtime import Runtime

BATCH = 1000
Forget = Callable[[Connection, datetime, int], int]

log = structlog.get_logger(__name__)


def _of_status(forget: Callable[[Connection, str, datetime, int], int], status: str) -> Forget:
    return lambda connection, before, limit: forget(connection, status, before, limit)


WHAT: dict[str, Forget] = {
    "messages": _of_status(inbox.forget_old, "processed"),
    "ignored_messages": _of_status(inbox.forget_old, "ignored"),
    "pushes": _of_status(outbox.forget_old, "done"),
    "superseded_pushes": _of_status(outbox.forget_old, "superseded"),
    "import_errors": imports.forget_errors,
}


def tidy(runtime: Runtime, account: AccountId, now: datetime | None = None) -> int:
    """Delete an account's messages and pushes that are done and older than the retention; return how many rows."""
    days = runtime.settings.retention_days
    if not days:
        return 0
    before = (now or utc_now()) - timedelta(days=days)
    counts = {name: _forget(runtime, account, forget, before) for name, forget in WHAT.items()}
    done = sum(counts.values())
    if done:
        log.info("tidied", account=str(account), **counts)
    return done


def _forget(runtime: Runtime, account: AccountId, forget: Forget, before: datetime) -> int:
    total = 0
    while True:
        with runtime.database.transaction(account) as connection:
            count = forget(connection, before, BATCH)
        total += count
        if count < BATCH:
            return total
