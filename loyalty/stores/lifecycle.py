"""The end of a store: its app is taken out, its persons are forgotten, its keys are thrown away."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from loyalty.crypto import Vault
from loyalty.stores.webhook_secrets import seal_secrets
from loyalty.values import StoreId


def note_uninstalled(connection: Connection, store: StoreId, at: datetime) -> str | None:
    """Disconnect a store whose app was taken out at an instant; return its key, None when it was connected later, or
    is disconnected already.
    """
    statement = text(
        "update stores set state = 'disconnected' where id = :id and state = 'connected'"
        " and coalesce(revived_at, created_at) <= :at returning key"
    )
    return connection.execute(statement, {"id": store, "at": at}).scalar()


def note_erasure_wish(connection: Connection, store: StoreId, at: datetime) -> str | None:
    """Note that a shop wants its persons forgotten; return its key, None when that is known, or the shop came back.

    It is asked for 48 hours after the app was taken out: a shop that was connected since then has come back. A day more
    is for the delivery, which is tried again for hours.
    """
    statement = text(
        "update stores set state = 'disconnected', erase_at = :at where id = :id and erase_at is null"
        " and (state = 'disconnected' or coalesce(revived_at, created_at) <= :at - interval '72 hours') returning key"
    )
    return connection.execute(statement, {"id": store, "at": at}).scalar()


def list_to_erase(connection: Connection) -> list[StoreId]:
    """Return the stores of the account whose persons must be forgotten yet."""
    rows = connection.execute(
        text("select id from stores where erase_at is not null and shop_domain is not null order by number")
    )
    return [StoreId(row[0]) for row in rows]


def hold_to_erase(connection: Connection, store: StoreId) -> bool:
    """Return whether the persons of a store must be forgotten; if so, it is not connected again before the transaction
    ends.
    """
    statement = text(
        "select 1 from stores where id = :id and erase_at is not null and state = 'disconnected' for share"
    )
    return connection.execute(statement, {"id": store}).scalar() is not None


def throw_keys_away(connection: Connection, vault: Vault, store: StoreId) -> None:
    """Forget the credentials, the secrets and the domain of a store; whoever connects the shop again begins anew."""
    statement = text(
        "update stores set credentials = :none, webhook_secrets = :secrets, shop_domain = null"
        " where id = :id and state = 'disconnected'"
    )
    values = {"id": store, "none": vault.seal_json({}), "secrets": seal_secrets(vault, [])}
    connection.execute(statement, values)
