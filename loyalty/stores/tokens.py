"""Tokens of a store that end: renewed by one worker at a time, both of a pair written together."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, text

from loyalty.crypto import Vault
from loyalty.errors import NotFound
from loyalty.values import StoreId


def lock_tokens(connection: Connection, store: StoreId) -> None:
    """Wait until nobody else renews the tokens of a store; nobody may until the transaction ends.

    No row is locked, so that whatever else is written of the store does not wait for an answer of the shop.
    """
    statement = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")
    connection.execute(statement, {"name": f"tokens of {store}"})


def put_tokens(connection: Connection, vault: Vault, store: StoreId, tokens: Mapping[str, str]) -> None:
    """Write tokens among a store's credentials; the others stay. Raises NotFound."""
    read = text("select credentials from stores where id = :id for no key update")
    sealed = connection.execute(read, {"id": store}).scalar()
    if sealed is None:
        raise NotFound("There is no such store.", store=str(store))
    known: dict[str, str] = vault.open_json(sealed)
    write = text("update stores set credentials = :sealed where id = :id")
    connection.execute(write, {"id": store, "sealed": vault.seal_json({**known, **tokens})})
