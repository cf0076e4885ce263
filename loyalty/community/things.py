"""What events, polls, challenges and draws share in the database: they are made once by key, found and listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, text

from loyalty.community.refusals import refusal
from loyalty.db import Row, records
from loyalty.errors import NotFound


def add_thing(
    connection: Connection, account: UUID, table: str, types: Mapping[str, str], row: Row
) -> RowMapping | None:
    """Write a new row of a table and return it; None when its key is in use."""
    source, values = records(types, [row])
    names = ", ".join(types)
    statement = text(
        f"insert into {table} (account_id, {names}) select :account, {names} from {source}"
        " on conflict do nothing returning *"
    )
    return connection.execute(statement, {**values, "account": account}).mappings().first()


def get_thing(connection: Connection, table: str, key: str, *, lock: bool = False) -> RowMapping:
    """Return the row of a key, locked if so asked; raises NotFound."""
    end = " for no key update" if lock else ""
    statement = text(f"select * from {table} where key = :key{end}")
    row = connection.execute(statement, {"key": key}).mappings().first()
    if row is None:
        raise NotFound("There is nothing of that key.")
    return row


def list_things(connection: Connection, table: str, before: int | None, limit: int) -> Sequence[RowMapping]:
    """Return rows of a table, newest first, below the id `before`."""
    statement = text(
        f"select * from {table} where (cast(:before as bigint) is null or id < :before) order by id desc limit :limit"
    )
    return connection.execute(statement, {"before": before, "limit": limit}).mappings().all()


def close_thing(connection: Connection, table: str, key: str, now: datetime) -> RowMapping:
    """Let nobody take part any more and return the row; raises NotFound, ParticipationRefused before it opens."""
    row = get_thing(connection, table, key, lock=True)
    if now <= row["opens_at"]:
        raise refusal("not_open")
    if row["closes_at"] is not None and row["closes_at"] <= now:
        return row
    statement = text(f"update {table} set closes_at = :now where key = :key returning *")
    return connection.execute(statement, {"key": key, "now": now}).mappings().one()
