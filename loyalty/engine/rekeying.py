"""Encrypt anew what is stored under an older key; law: what was done stays done, and doing it again changes nothing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from loyalty.crypto import Vault

SEALED = {
    "accounts": ("coupon_key",),
    "stores": ("credentials", "webhook_secrets"),
    "mails": ("sealed",),
}
"""Every column that the vault seals."""


def rekey(connection: Connection, vault: Vault, limit: int) -> int:
    """Encrypt up to so many values of each column under the newest key; return how many there were. What none of the
    keys opens is left as it is.
    """
    return sum(
        _rekey_column(connection, vault, table, column, limit)
        for table, columns in SEALED.items()
        for column in columns
    )


def count_unreadable(connection: Connection, vault: Vault) -> dict[str, int]:
    """Return how many values none of the keys opens, by table.column where there are any."""
    counts = {
        f"{table}.{column}": sum(not vault.opens(sealed) for _, sealed in _list(connection, table, column))
        for table, columns in SEALED.items()
        for column in columns
    }
    return {name: count for name, count in counts.items() if count}


def _list(connection: Connection, table: str, column: str) -> list[tuple[Any, bytes]]:
    rows = text(f"select id, {column} from {table} where {column} is not null order by id")
    return [(row[0], bytes(row[1])) for row in connection.execute(rows)]


def _rekey_column(connection: Connection, vault: Vault, table: str, column: str, limit: int) -> int:
    rows = _list(connection, table, column)
    older = [id for id, sealed in rows if not vault.is_newest(sealed) and vault.opens(sealed)][:limit]
    # Read again under a lock: somebody may have written meanwhile.
    read = text(f"select {column} from {table} where id = :id and {column} is not null for no key update")
    write = text(f"update {table} set {column} = :sealed where id = :id")
    for id in older:
        sealed = connection.execute(read, {"id": id}).scalar()
        if sealed is not None and vault.opens(sealed):
            connection.execute(write, {"id": id, "sealed": vault.renew(sealed)})
    return len(older)
