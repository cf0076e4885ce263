"""Segment changes in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from loyalty.db import Row, records

_CHANGE = {"member_id": "uuid", "segment_key": "text", "entered": "boolean", "changed_at": "timestamptz"}


def add_changes(connection: Connection, account: UUID, rows: Sequence[Row]) -> None:
    """Write who entered or left which segment."""
    source, values = records(_CHANGE, rows)
    names = ", ".join(_CHANGE)
    statement = text(
        f"insert into segment_changes (account_id, {names}) select :account, {names} from {source}"
    )
    connection.execute(statement, {**values, "account": account})


def claim_changes(connection: Connection, limit: int) -> Sequence[RowMapping]:
    """Return changes that no automation has looked at, oldest first, locked; who is to be folded again comes later."""
    statement = text(
        "select id, member_id, segment_key, entered, changed_at from segment_changes where handled_at is null"
        " and not exists (select from members where members.id = member_id and must_refold)"
        " order by id limit :limit for update skip locked"
    )
    return connection.execute(statement, {"limit": limit}).mappings().all()


def mark_handled(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Note that automations have looked at these changes."""
    statement = text("update segment_changes set handled_at = :now where id = any(cast(:ids as bigint[]))")
    connection.execute(statement, {"ids": list(ids), "now": now})


def list_changes(connection: Connection, member: UUID, limit: int) -> Sequence[RowMapping]:
    """Return a member's changes, newest first."""
    statement = text(
        "select segment_key as segment, entered, changed_at from segment_changes where member_id = :member"
        " order by id desc limit :limit"
    )
    return connection.execute(statement, {"member": member, "limit": limit}).mappings().all()


def count_members(connection: Connection) -> dict[str, int]:
    """Return how many members each segment has."""
    statement = text(
        "select segment, count(*) as members from members, unnest(segments) as segment where segments <> '{}'"
        " group by segment"
    )
    return {row["segment"]: row["members"] for row in connection.execute(statement).mappings()}


def list_runs(connection: Connection, ids: Sequence[UUID], source: str, key: str) -> set[tuple[UUID, str]]:
    """Return for which occasions the actions of a rule were run for members, or for who is merged into them."""
    statement = text(
        "with roots as (select id, id as person from members where id = any(:ids)"
        "   union all select id, merged_into from members where merged_into = any(:ids))"
        " select person, data->>'occasion' from roots join commands on member_id = roots.id and kind = 'run'"
        " and data->>'source' = :source and data->>'key' = :key"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    rows = connection.execute(statement, {"ids": list(ids), "source": source, "key": key})
    return {(row[0], row[1]) for row in rows}
