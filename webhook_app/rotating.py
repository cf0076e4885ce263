"""Give a store another webhook secret: the old one stays accepted for a while, so that no delivery is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from loyalty.activity.service import note
from loyalty.errors import Invalid
from loyalty.stores.service import SHOPIFY, get_store, new_webhook_secret
from loyalty.stores.webhook_secrets import add_secret, end_older_secrets
from loyalty.values import AccountId, StoreId
from webhook_app.tools import Tools
from workers.access import ask


@dataclass(frozen=True, slots=True)
class Rotated:
    """The new secret, how many webhooks of the shop sign with it, and until when older ones are accepted."""

    secret: str = field(repr=False)
    webhooks: int
    older_until: datetime


def rotate_webhook_secret(
    tools: Tools, account: AccountId, store_id: StoreId, overlap: timedelta, actor: str, now: datetime
) -> Rotated:
    """Make a new secret, have the shop use it, then let the older ones end; raises Invalid, NotFound and PushError.

    Until the shop has taken it over, the older ones have no end: what fails in between loses no delivery, and may be
    repeated. A store that was connected without registering is told by whoever looks after it.
    """
    secret = new_webhook_secret()
    with tools.database.transaction(account) as connection:
        known = get_store(connection, tools.vault, store_id)
        if known.is_till:
            raise Invalid("A till has no webhook secret.")
        if known.platform == SHOPIFY:
            raise Invalid(
                "Shopify signs with the app's own secret: make another one there, then connect again."
            )
        add_secret(connection, tools.vault, store_id, secret)
        store = get_store(connection, tools.vault, store_id)
    may_write = store.registers_webhooks and store.is_connected and tools.settings.push
    webhooks = ask(tools, store, tools.connectors[store.platform].sign_anew) if may_write else 0
    with tools.database.transaction(account) as connection:
        end_older_secrets(connection, tools.vault, store_id, now + overlap, now)
        note(connection, account, actor, "store.secret_rotated", store.key, webhooks=webhooks)
    return Rotated(secret, webhooks, now + overlap)
