"""Whose deliveries arrive where: found by the random part of an address, or by the domain of a shop."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, text

from loyalty.crypto import Vault
from loyalty.stores.webhook_secrets import accepted, open_secrets
from loyalty.values import AccountId, StoreId


@dataclass(frozen=True, slots=True)
class Address:
    """Whose deliveries arrive at a webhook address, and with which secrets they are signed."""

    store: StoreId
    account: AccountId
    platform: str
    webhook_secrets: tuple[str, ...] = field(repr=False)
    is_connected: bool = True


def find_address(connection: Connection, vault: Vault, token: str, now: datetime) -> Address | None:
    """Return whose webhook address it is, with the secrets that are accepted now; works without an account."""
    statement = text(
        "select store_id, account_id, platform, webhook_secrets from laurel_find_store_by_token(:token)"
    )
    row = connection.execute(statement, {"token": token}).first()
    if row is None:
        return None
    return Address(StoreId(row[0]), AccountId(row[1]), row[2], accepted(open_secrets(vault, row[3]), now))


def find_address_of_shop(connection: Connection, vault: Vault, domain: str, now: datetime) -> Address | None:
    """Return the store of a shop, connected or not, with the secrets that are accepted now; works without an account.

    An empty secret stands for those of the installation's own app.
    """
    statement = text(
        "select store_id, account_id, platform, webhook_secrets, state from laurel_find_store_by_shop(:domain)"
    )
    row = connection.execute(statement, {"domain": domain}).first()
    if row is None:
        return None
    secrets = accepted(open_secrets(vault, row[3]), now)
    return Address(StoreId(row[0]), AccountId(row[1]), row[2], secrets, is_connected=row[4] == "connected")
