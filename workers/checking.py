"""Look after a connected store: put back its webhooks, note what it says of itself now."""

from __future__ import annotations

from loyalty.stores.service import get_store, note_settings
from loyalty.values import AccountId, StoreId
from workers.runtime import Runtime


def check_store(runtime: Runtime, account: AccountId, store_id: StoreId) -> list[str]:
    """Register again the webhooks that the shop has disabled or lost; return what was mended. Raises PushError.

    A store that was connected without registering keeps its webhooks to itself.
    """
    with runtime.database.transaction(account) as connection:
        store = get_store(connection, runtime.vault, store_id)
    connector, access = runtime.connectors[store.platform], runtime.access(store)
    mended = connector.register_webhooks(access) if store.registers_webhooks else []
    settings = connector.read_settings(access)
    with runtime.database.transaction(account) as connection:
        note_settings(connection, store_id, settings)
    return mended
