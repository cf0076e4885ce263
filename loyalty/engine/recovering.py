"""When the keys are lost that sealed an account's secrets: find out, and begin with new ones; the ledger needs none.
When a database is lost: what it counted since its copy was made is not counted again.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text

from loyalty.accounts.service import get_account
from loyalty.crypto import Vault
from loyalty.db import Row
from loyalty.mails import repository as mails
from loyalty.stores.service import TILL

GAP = 1_000_000
"""More commands than an account accepts between a dump and the loss."""
SINCE = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Renewed:
    """Whether the key of codes is a new one, the keys of the stores that must be connected again, and how many mails
    were given up.
    """

    coupon_key: bool
    stores: tuple[str, ...]
    mails: int


def list_sealed(connection: Connection) -> list[bytes]:
    """Return something of the oldest and of the newest account that the installation's keys must open; needs none."""
    return [bytes(each) for each in connection.execute(text("select laurel_sealed()")).scalars()]


def skip_command_numbers(connection: Connection, now: datetime) -> int:
    """Count the account's commands on from far beyond the last one, and return where: what the lost database counted
    is not counted again, and so none of its codes is made again.

    The seconds since 2020 are in it, so that a second copy of the same dump goes on elsewhere than the first one did.
    """
    statement = text("update accounts set commands = greatest(commands, :seconds) + :gap returning commands")
    values = {"seconds": int((now - SINCE).total_seconds()), "gap": GAP}
    return int(connection.execute(statement, values).scalar_one())


def renew_secrets(connection: Connection, vault: Vault, now: datetime) -> Renewed:
    """Replace what cannot be opened any more: the account's key of codes, and what its stores were reached with; give
    up such mails.
    """
    account = get_account(connection)
    lost = not vault.opens(account["coupon_key"])
    if lost:
        statement = text("update accounts set coupon_key = :key where id = :id")
        connection.execute(statement, {"key": vault.seal(secrets.token_bytes(32)), "id": account["id"]})
    stores = _forget_secrets(connection, vault, account)
    unreadable = [row["id"] for row in mails.lock_waiting(connection) if not vault.opens(row["sealed"])]
    mails.settle_mails(connection, unreadable, "failed", "keys lost", now)
    return Renewed(lost, stores, len(unreadable))


def _forget_secrets(connection: Connection, vault: Vault, account: Row) -> tuple[str, ...]:
    """Forget what stores were reached with that cannot be opened; return the keys of those to be connected again."""
    rows = connection.execute(text("select * from stores order by number for update")).mappings().all()
    unreadable = [
        row for row in rows if not (vault.opens(row["credentials"]) and vault.opens(row["webhook_secrets"]))
    ]
    noted = {"currency": account["currency"], "decimals": str(account["decimals"])}
    for row in unreadable:
        _forget(connection, vault, row, noted)
    return tuple(row["key"] for row in unreadable if row["platform"] != TILL)


def _forget(connection: Connection, vault: Vault, row: Any, noted: dict[str, str]) -> None:
    """Let a store have no secrets: a shop is disconnected until somebody gives its keys, a till goes on."""
    is_till = row["platform"] == TILL
    statement = text(
        "update stores set credentials = :credentials, webhook_secrets = :secrets, state = :state where id = :id"
    )
    values = {
        "id": row["id"],
        "credentials": vault.seal_json(noted if is_till else {}),
        "secrets": vault.seal_json([]),
        "state": row["state"] if is_till else "disconnected",
    }
    connection.execute(statement, values)
