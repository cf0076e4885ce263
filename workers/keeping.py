"""Keep the tokens of quiet stores alive: a refresh token that nobody uses for 90 days is lost, and with it the shop."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from loyalty.clock import utc_now
from loyalty.pushes import PushError
from loyalty.stores.service import Store, get_store
from loyalty.values import AccountId, StoreId
from workers.access import access_anew, access_of
from workers.runtime import Runtime

WEEK = timedelta(days=7)

log = structlog.get_logger(__name__)


def keep_tokens(runtime: Runtime, account: AccountId, store_id: StoreId, now: datetime | None = None) -> bool:
    """Have another pair of tokens where the present one is older than a week; return whether there was one to be had.

    Raises PushError.
    """
    at = now or utc_now()
    with runtime.database.transaction(account) as connection:
        store = get_store(connection, runtime.vault, store_id)
    if not store.is_connected or not _is_old(store, at):
        return False
    access_anew(runtime, store, access_of(runtime.settings, store), at)
    return True


def keep_or_tell(
    runtime: Runtime, account: AccountId, store_id: StoreId, now: datetime | None = None
) -> bool:
    """Keep the tokens of a store as `keep_tokens` does; a shop that gives none is logged."""
    try:
        return keep_tokens(runtime, account, store_id, now)
    except PushError as error:
        log.warning("tokens_not_kept", store=str(store_id), reason=error.reason)
        return False


def _is_old(store: Store, now: datetime) -> bool:
    issued = store.credentials.get("issued_at", "")
    has_pair = bool(store.credentials.get("refresh_token")) and bool(issued)
    return has_pair and datetime.fromisoformat(issued) <= now - WEEK
