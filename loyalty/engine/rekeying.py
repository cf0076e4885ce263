"""Encrypt anew what is stored under an older key; law: what was done stays done, and doing it again changes nothing."""

from __future__ import annotations

from sqlalchemy import Connection, text

from loyalty.crypto import Vault

SEALED = {
    "accounts": ("coupon_key",),
    "stores": ("credentials", "webhook_secrets"),
    "mails": ("sealed",),
}
"""Every column that the vault seals."""


def rekey(connection: Connection, vault: Vault, limit: int) -> int:
    """Encrypt up to so many values of each column under the newest key; return how many there were. Raises
    Undecryptable for what none of the keys opens.
    """
    return sum(
        _rekey_column(connection, vault, table, column, limit)
        for table, columns in SEALED.items()
        for column in columns
    )


def _rekey_column(connection: Connection, vault: Vault, table: str, column: str, limit: int) -> int:
    rows = connection.execute(
        text(f"select id, {column} from {table} where {column} is not null order by id")
    )
    older = [row[0] for row in rows if not vault.is_newest(row[1])][:limit]
    # Read again under a lock: somebody may have written meanwhile.
    read = text(f"select {column} from {table} where id = :id and {column} is not null for no key update")
    write = text(f"update {table} set {column} = :sealed where id = :id")
    for id in older:
        sealed = connection.execute(read, {"id": id}).scalar()
        if sealed is not None:
            connection.execute(write, {"id": id, "sealed": vault.renew(sealed)})
    return len(older)
