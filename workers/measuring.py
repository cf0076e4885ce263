"""Measure what discounts take of an account's revenue; late or twice changes nothing."""

from __future__ import annotations

from datetime import datetime

import structlog

from loyalty.clock import utc_now
from loyalty.engine import discounting
from loyalty.values import AccountId
from workers.runtime import Runtime

log = structlog.get_logger(__name__)


def judge_discounts(runtime: Runtime, account: AccountId, now: datetime | None = None) -> int:
    """Judge the discounts of an account; return 1 when they are above its limit, else 0."""
    with runtime.database.transaction(account) as connection:
        is_above = discounting.judge_discounts(connection, account, now or utc_now())
    if is_above:
        log.warning("discounts_above", account=str(account))
    return int(is_above)
