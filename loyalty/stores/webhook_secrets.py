"""The secrets with which a store's deliveries may be signed: the current one first, older ones until they end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from loyalty.crypto import Vault
from loyalty.errors import NotFound
from loyalty.values import StoreId


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """A secret and when it is accepted no longer; None: it has no end."""

    value: str = field(repr=False)
    until: datetime | None = None


def seal_secrets(vault: Vault, secrets: Sequence[WebhookSecret]) -> bytes:
    """Return secrets encrypted."""
    return vault.seal_json([[it.value, it.until.isoformat() if it.until else None] for it in secrets])


def open_secrets(vault: Vault, sealed: bytes) -> list[WebhookSecret]:
    """Return the secrets of a store, the current one first; raises Undecryptable."""
    return [_secret(each) for each in vault.open_json(sealed)]


def _secret(stored: Any) -> WebhookSecret:
    # A bare text is what was stored before secrets had an end.
    value, until = (stored, None) if isinstance(stored, str) else stored
    return WebhookSecret(value, datetime.fromisoformat(until) if until else None)


def accepted(secrets: Sequence[WebhookSecret], now: datetime) -> tuple[str, ...]:
    """Return those that have not ended."""
    return tuple(it.value for it in secrets if it.until is None or now < it.until)


def lock_secrets(connection: Connection, vault: Vault, store: StoreId) -> list[WebhookSecret]:
    """Return the secrets of a store and lock its row; raises NotFound."""
    statement = text("select webhook_secrets from stores where id = :id for no key update")
    sealed = connection.execute(statement, {"id": store}).scalar()
    if sealed is None:
        raise NotFound("There is no such store.", store=str(store))
    return open_secrets(vault, sealed)


def put_secrets(
    connection: Connection, vault: Vault, store: StoreId, secrets: Sequence[WebhookSecret]
) -> None:
    """Write the secrets of a store."""
    statement = text("update stores set webhook_secrets = :secrets where id = :id")
    connection.execute(statement, {"id": store, "secrets": seal_secrets(vault, secrets)})


def add_secret(connection: Connection, vault: Vault, store: StoreId, value: str) -> None:
    """Make a secret the current one; those before stay accepted as long as they were. Raises NotFound."""
    known = lock_secrets(connection, vault, store)
    put_secrets(connection, vault, store, [WebhookSecret(value), *known])


def end_older_secrets(
    connection: Connection, vault: Vault, store: StoreId, until: datetime, now: datetime
) -> None:
    """Let all but the current secret end at an instant at the latest; those that have ended go. Raises NotFound."""
    current, *older = lock_secrets(connection, vault, store)
    ending = [WebhookSecret(it.value, min(it.until or until, until)) for it in older]
    kept = [it for it in ending if it.until is not None and it.until > now]
    put_secrets(connection, vault, store, [current, *kept])
