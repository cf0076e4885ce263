"""Seal what an account has posted; late or twice changes nothing that is sealed."""

from __future__ import annotations

from datetime import datetime

import structlog

from loyalty.clock import utc_now
from loyalty.engine.sealing import seal_ledger
from loyalty.values import AccountId
from workers.runtime import Runtime

log = structlog.get_logger(__name__)


def seal_account(runtime: Runtime, account: AccountId, now: datetime | None = None) -> int:
    """Seal the entries of an account that no seal holds yet; return how many."""
    with runtime.database.transaction(account) as connection:
        sealed = seal_ledger(connection, account, now or utc_now())
    if sealed:
        log.info("sealed", account=str(account), entries=sealed)
    return sealed
