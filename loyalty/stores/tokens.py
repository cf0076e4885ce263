"""Tokens of a store that end: renewed by one worker at a time, both of a pair written together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from loyalty.crypto import Vault
from loyalty.errors import NotFound
from loyalty.values import StoreId

TOKENS = frozenset(
    {"access_token", "issued_at", "expires_at", "refresh_token", "refresh_expires_at", "scopes"}
)
"""Those of a store's credentials that a renewal brings."""
APP = ("mode", "client_id")
"""By which credentials say whose tokens they hold."""


def lock_tokens(connection: Connection, store: StoreId) -> None:
    """Wait until nobody else renews the tokens of a store; nobody may until the transaction ends.

    No row is locked, so that whatever else is written of the store does not wait for an answer of the shop.
    """
    statement = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")
    connection.execute(statement, {"name": f"tokens of {store}"})


def put_tokens(connection: Connection, vault: Vault, store: StoreId, tokens: Mapping[str, str]) -> None:
    """Write tokens among a store's credentials; the others stay. Raises NotFound."""
    known = _lock_credentials(connection, vault, store)
    write = text("update stores set credentials = :sealed where id = :id")
    connection.execute(write, {"id": store, "sealed": vault.seal_json({**known, **tokens})})


def with_newest_tokens(
    connection: Connection, vault: Vault, store: StoreId, new: Mapping[str, str]
) -> dict[str, str]:
    """Return credentials that are about to take the place of a store's, with the tokens that it has where the same app
    was given them later: the older ones end by that. Locks the store's row; raises NotFound.
    """
    known = _lock_credentials(connection, vault, store)
    is_same_app = all(known.get(name) == new.get(name) for name in APP)
    if not is_same_app or _issued_at(known) <= _issued_at(new):
        return dict(new)
    own = {name: value for name, value in new.items() if name not in TOKENS}
    return own | {name: value for name, value in known.items() if name in TOKENS}


def _issued_at(credentials: Mapping[str, str]) -> datetime:
    known = credentials.get("issued_at")
    return datetime.fromisoformat(known) if known else datetime.min.replace(tzinfo=UTC)


def _lock_credentials(connection: Connection, vault: Vault, store: StoreId) -> dict[str, str]:
    read = text("select credentials from stores where id = :id for no key update")
    sealed = connection.execute(read, {"id": store}).scalar()
    if sealed is None:
        raise NotFound("There is no such store.", store=str(store))
    known: dict[str, str] = vault.open_json(sealed)
    return known
