"""Messages in bulk: each is written once, whatever is repeated."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, RowMapping, text

from loyalty.db import Row, records

_MESSAGE = {
    "member_id": "uuid", "cause": "text", "kind": "text", "target": "text", "program_version": "integer",
    "data": "jsonb", "caused_at": "timestamptz", "noted_at": "timestamptz", "status": "text",
}  # fmt: skip


def add_messages(connection: Connection, account: UUID, rows: Sequence[Row]) -> set[tuple[UUID, str]]:
    """Write messages whose causes were not told before; return member and cause of those."""
    source, values = records(_MESSAGE, rows)
    names = ", ".join(_MESSAGE)
    statement = text(
        f"insert into messages (account_id, {names}) select :account, {names} from {source}"
        " on conflict do nothing returning member_id, cause"
    )
    return {(row[0], row[1]) for row in connection.execute(statement, {**values, "account": account})}


def list_messages(
    connection: Connection, member: UUID | None, before: int | None, limit: int
) -> Sequence[RowMapping]:
    """Return messages, newest first, below the id `before`, those of a member where one is given."""
    statement = text(
        "select id, member_id, cause, kind, target, program_version, data, caused_at, noted_at, status from messages"
        " where (cast(:before as bigint) is null or id < :before)"
        " and (cast(:member as uuid) is null or member_id = :member) order by id desc limit :limit"
    )
    values = {"member": member, "before": before, "limit": limit}
    return connection.execute(statement, values).mappings().all()
