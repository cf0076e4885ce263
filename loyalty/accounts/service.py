"""Open accounts, make and look up API keys."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from loyalty.crypto import Vault
from loyalty.errors import Invalid, NotFound
from loyalty.values import AccountId, new_id

SCOPES = ("read", "write", "adjust")
API_KEY_PREFIX = "laurel_"


@dataclass(frozen=True, slots=True)
class ApiAccess:
    """Whose API key it is and what it may do."""

    account: AccountId
    key_id: UUID
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What is needed to open an account."""

    id: AccountId
    key: str
    name: str
    currency: str
    time_zone: str
    decimals: int


def key_from_name(name: str) -> str:
    """Return a key for machines made of a name: small letters, digits and dashes, with a few random ones at its end."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:40]
    return f"{plain or 'shop'}-{secrets.token_hex(3)}"


def open_account(connection: Connection, vault: Vault, new: NewAccount) -> None:
    """Write a new account; the transaction must be bound to its id."""
    statement = text(
        "insert into accounts (id, key, name, currency, time_zone, decimals, coupon_key)"
        " values (:id, :key, :name, :currency, :time_zone, :decimals, :coupon_key)"
    )
    values = {name: getattr(new, name) for name in ("id", "key", "name", "currency", "time_zone", "decimals")}
    connection.execute(statement, {**values, "coupon_key": vault.seal(secrets.token_bytes(32))})


def get_account(connection: Connection) -> dict[str, Any]:
    """Return the account that the transaction is bound to; raises NotFound."""
    row = connection.execute(text("select * from accounts")).mappings().first()
    if row is None:
        raise NotFound("There is no such account.")
    return dict(row)


def lock_account(connection: Connection) -> dict[str, Any]:
    """Lock the account's row, for what must happen one after the other: publishing, accepting commands."""
    row = connection.execute(text("select * from accounts for no key update")).mappings().first()
    if row is None:
        raise NotFound("There is no such account.")
    return dict(row)


def next_command_number(connection: Connection) -> int:
    """Count one more accepted command of the account and return its number; locks the account's row."""
    return next_command_numbers(connection, 1)[0]


def next_command_numbers(connection: Connection, count: int) -> range:
    """Count so many more accepted commands and return their numbers; locks the account's row."""
    statement = text("update accounts set commands = commands + :count returning commands")
    last = int(connection.execute(statement, {"count": count}).scalar_one())
    return range(last - count + 1, last + 1)


def make_api_key(connection: Connection, account: AccountId, name: str, scopes: tuple[str, ...]) -> str:
    """Make a key; it is shown once, only its SHA-256 is kept. Raises Invalid for an unknown scope."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise Invalid("The scopes of an API key are read, write, adjust.", {"/scopes": ["Unknown scope."]})
    key = API_KEY_PREFIX + secrets.token_urlsafe(32)
    statement = text(
        "insert into api_keys (id, account_id, name, sha256, scopes) values (:id, :account, :name, :sha256, :scopes)"
    )
    values = {
        "id": new_id(),
        "account": account,
        "name": name,
        "sha256": _sha256(key),
        "scopes": list(scopes),
    }
    connection.execute(statement, values)
    return key


def revoke_api_key(connection: Connection, key_id: UUID, now: datetime) -> None:
    """Let a key work no longer; raises NotFound."""
    statement = text("update api_keys set revoked_at = :now where id = :id and revoked_at is null")
    if not connection.execute(statement, {"id": key_id, "now": now}).rowcount:
        raise NotFound("There is no such API key.")


def find_api_access(connection: Connection, key: str) -> ApiAccess | None:
    """Return whose key it is, None for an unknown or revoked one; works without an account."""
    statement = text("select account_id, key_id, scopes from laurel_find_api_key(:sha256)")
    row = connection.execute(statement, {"sha256": _sha256(key)}).first()
    return ApiAccess(AccountId(row[0]), row[1], frozenset(row[2])) if row else None


def _sha256(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
