"""Accepted commands of members: written, read, and found by what is their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from loyalty.db import Row, records

_IDS = bindparam("ids", type_=ARRAY(Uuid))
_COMMAND = {
    "number": "integer", "member_id": "uuid", "kind": "text", "accepted_at": "timestamptz", "data": "jsonb",
    "reason": "text", "actor": "text",
}  # fmt: skip
_COMMANDS = text(
    "select number, member_id, kind, accepted_at, data, reason, actor from commands"
    " where member_id = any(:ids) order by number"
).bindparams(_IDS)
_PERIOD = {"place": "integer", "start": "timestamptz", "until": "timestamptz"}


@dataclass(frozen=True, slots=True)
class Accepted:
    """Under whom an accepted command is kept, and its time."""

    member: UUID
    at: datetime


def add_commands(connection: Connection, account: UUID, rows: Sequence[Row]) -> None:
    """Write accepted commands."""
    source, values = records(_COMMAND, rows)
    names = ", ".join(_COMMAND)
    statement = text(f"insert into commands (account_id, {names}) select :account, {names} from {source}")
    connection.execute(statement, {**values, "account": account})


def list_commands(connection: Connection, ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """Return the accepted commands of members by number."""
    return connection.execute(_COMMANDS, {"ids": list(ids)}).mappings().all()


def find_accepted(connection: Connection, numbers: Iterable[int]) -> dict[int, Accepted]:
    """Return under whom, and since when, the accepted commands of these numbers are kept."""
    statement = text(
        "select number, member_id, accepted_at from commands where number = any(cast(:numbers as integer[]))"
    )
    rows = connection.execute(statement, {"numbers": list(numbers)})
    return {row.number: Accepted(row.member_id, row.accepted_at) for row in rows}


def find_activity(connection: Connection, members: Sequence[UUID], kind: str, key: str) -> RowMapping | None:
    """Return the first command that recorded an activity of this kind and key for one of these members."""
    statement = text(
        "select number, member_id, kind, accepted_at, data, reason, actor from commands"
        " where member_id = any(:ids) and kind = 'activity' and data->>'kind' = :kind and data->>'key' = :key"
        " order by number limit 1"
    ).bindparams(_IDS)
    found = connection.execute(statement, {"ids": list(members), "kind": kind, "key": key})
    return found.mappings().first()


def find_opening(connection: Connection, member: UUID, key: str) -> RowMapping | None:
    """Return the command that opened a member's balance under this key."""
    statement = text(
        "select number, member_id, kind, accepted_at, data, reason, actor from commands"
        " where member_id = :member and kind = 'opening' and data->>'key' = :key"
    )
    return connection.execute(statement, {"member": member, "key": key}).mappings().first()


def count_activities(
    connection: Connection, members: Sequence[UUID], kind: str, periods: Sequence[tuple[datetime, datetime]]
) -> list[int]:
    """Return how many activities of a kind these members did together in each of these half-open periods."""
    if not periods:
        return []
    rows = [{"place": place, "start": start, "until": end} for place, (start, end) in enumerate(periods)]
    source, values = records(_PERIOD, rows)
    statement = text(
        f"select count(commands.number) from {source} left join commands on member_id = any(:ids)"
        " and commands.kind = 'activity' and data->>'kind' = :kind"
        " and accepted_at >= rows.start and accepted_at < rows.until group by place order by place"
    ).bindparams(_IDS)
    return list(connection.execute(statement, {**values, "ids": list(members), "kind": kind}).scalars())
