"""Look after a connected store: put back its webhooks, note what it says of itself now."""

from __future__ import annotations

from datetime import datetime

import structlog

from loyalty.clock import utc_now
from loyalty.db import Row
from loyalty.incidents.repository import note_incidents
from loyalty.pushes import PushError
from loyalty.stores.service import Store, get_store, note_settings
from loyalty.values import AccountId, StoreId
from workers.access import ask
from workers.runtime import Runtime

log = structlog.get_logger(__name__)


def check_store(
    runtime: Runtime, account: AccountId, store_id: StoreId, now: datetime | None = None
) -> list[str]:
    """Register again the webhooks that the shop has disabled or lost; return what was mended. Raises PushError.

    The merchant is told by an incident; what was missed meanwhile is for a pass that the caller begins. With
    LAUREL_PUSH=off, and in a store that was connected without registering, no webhook is touched.
    """
    with runtime.database.transaction(account) as connection:
        store = get_store(connection, runtime.vault, store_id)
    if not store.is_connected:
        return []
    may_write = store.registers_webhooks and runtime.settings.push
    mended = ask(runtime, store, runtime.connectors[store.platform].register_webhooks) if may_write else []
    if mended:
        with runtime.database.transaction(account) as connection:
            note_incidents(connection, account, [_restored(store, mended, now or utc_now())])
    _read_settings(runtime, store)
    return mended


def _read_settings(runtime: Runtime, store: Store) -> None:
    """Note what the shop says of itself now; where it does not answer, what was noted before stays."""
    try:
        settings = ask(runtime, store, runtime.connectors[store.platform].read_settings)
    except PushError as error:
        log.warning("settings_not_read", store=str(store.id), reason=error.reason)
        return
    with runtime.database.transaction(store.account) as connection:
        note_settings(connection, store.id, settings)


def _restored(store: Store, mended: list[str], at: datetime) -> Row:
    """Return the incident of webhooks that were put back; once a day."""
    subject = f"{store.key}:{at.date().isoformat()}"
    return {
        "kind": "webhooks_restored", "subject": subject, "member_id": None, "order_key": "",
        "data": {"store": store.key, "changed": mended}, "noticed_at": at,
    }  # fmt: skip
