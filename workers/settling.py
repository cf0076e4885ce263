"""Visit the members to whom something happens by itself and whom nobody loaded; late or twice changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import Connection

from loyalty.clock import utc_now
from loyalty.engine.apply import settle_members
from loyalty.ledger.repository import claim_expired
from loyalty.members.repository import claim_tier_dues
from loyalty.values import AccountId, StoreId
from workers.queues import Queues
from workers.runtime import Runtime

BATCH = 400
Claim = Callable[[Connection, datetime, int], list[UUID]]

log = structlog.get_logger(__name__)


def expire_points(runtime: Runtime, account: AccountId, now: datetime | None = None) -> int:
    """Let the points of members die whose lots are over; return how many members."""
    return _settle(runtime, account, claim_expired, now)


def close_tier_periods(runtime: Runtime, account: AccountId, now: datetime | None = None) -> int:
    """Judge the tier periods that are over, end terms, let new rules take effect; return how many members."""
    return _settle(runtime, account, claim_tier_dues, now)


def _settle(runtime: Runtime, account: AccountId, claim: Claim, now: datetime | None) -> int:
    """Settle members batch by batch; nobody is locked longer than a batch, nobody visited twice."""
    done: set[UUID] = set()
    while True:
        started = time.perf_counter()
        with runtime.database.transaction(account) as connection:
            ids = [member for member in claim(connection, now or utc_now(), BATCH) if member not in done]
            if not ids:
                return len(done)
            book = runtime.book(connection, account, set())
            pushed = settle_members(connection, book, ids, now or utc_now())
        done.update(ids)
        for store in pushed:
            runtime.wake_store(Queues.PUSH, account, StoreId(store))
        ms = round((time.perf_counter() - started) * 1000)
        log.info("settled", account=str(account), members=len(ids), ms=ms)
