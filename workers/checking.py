"""Look after a connected store: put back its webhooks, note what it says of itself now."""

from __future__ import annotations

from loyalty.stores.service import get_store, note_settings
from loyalty.values import AccountId, StoreId
from workers.runtime import Runtime


def check_store(runtime: Runtime, account: AccountId, store_id: StoreId) -> list[str]:
    """Register again the webhooks that the shop has disabled or lost; return what was mended. Raises PushError.

    With LAUREL_PUSH=off, and in a store that was connected without registering, no webhook is touched.
    """
    with runtime.database.transaction(account) as connection:
        store = get_store(connection, runtime.vault, store_id)
    connector, access = runtime.connectors[store.platform], runtime.access(store)
    may_write = store.registers_webhooks and runtime.settings.push
    mended = connector.register_webhooks(access) if may_write else []
    settings = connector.read_settings(access)
    with runtime.database.transaction(account) as connection:
        note_settings(connection, store_id, settings)
    return mended
