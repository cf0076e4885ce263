"""Note what members must be told of, account by account, in bounded batches."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog

from loyalty.clock import utc_now
from loyalty.engine.reminding import remind_of_points, remind_of_tiers
from loyalty.values import AccountId
from workers.runtime import Runtime

BATCH = 1000

log = structlog.get_logger(__name__)


def send_reminders(runtime: Runtime, account: AccountId, now: datetime | None = None) -> int:
    """Note whose points and tiers end soon; return how many notices are new."""
    at = now or utc_now()
    found = _points(runtime, account, at) + _tiers(runtime, account, at)
    log.info("reminded", account=str(account), notices=found)
    return found


def _points(runtime: Runtime, account: AccountId, now: datetime) -> int:
    found = 0
    while True:
        with runtime.database.transaction(account) as connection:
            new = remind_of_points(connection, account, now, BATCH)
        found += new
        if new < BATCH:
            return found


def _tiers(runtime: Runtime, account: AccountId, now: datetime) -> int:
    found, after = 0, UUID(int=0)
    while True:
        with runtime.database.transaction(account) as connection:
            new, last = remind_of_tiers(connection, account, after, now, BATCH)
        found += new
        if last is None:
            return found
        after = last
