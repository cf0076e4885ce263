"""Note what members must be told of, account by account, in bounded batches."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog

from loyalty.clock import utc_now
from loyalty.engine.announcing import find_announcements, list_starts
from loyalty.engine.reminding import remind_of_points, remind_of_tiers
from loyalty.notices.repository import add_notices
from loyalty.values import AccountId
from workers.runtime import Runtime

BATCH = 1000

log = structlog.get_logger(__name__)


def send_reminders(runtime: Runtime, account: AccountId, now: datetime | None = None) -> int:
    """Note whose points and tiers end soon, and whose points will die sooner by rules that lie ahead; return how many
    notices are new.
    """
    at = now or utc_now()
    found = _points(runtime, account, at) + _tiers(runtime, account, at) + _announce(runtime, account, at)
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


def _announce(runtime: Runtime, account: AccountId, now: datetime) -> int:
    with runtime.database.transaction(account) as connection:
        starts = list_starts(connection, account, now)
    return sum(_announce_start(runtime, account, start, now) for start in starts)


def _announce_start(runtime: Runtime, account: AccountId, start: datetime, now: datetime) -> int:
    """Read without locks, then write: nobody is told twice, whoever else runs this meanwhile."""
    found, after = 0, UUID(int=0)
    while True:
        with runtime.database.transaction(account, steady=True) as connection:
            rows, last = find_announcements(connection, account, start, after, BATCH)
        if rows:
            with runtime.database.transaction(account) as connection:
                found += add_notices(connection, account, rows, now)
        if last is None:
            return found
        after = last
