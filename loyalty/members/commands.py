"""Accepted commands of members, found by what is their own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, text

from loyalty.db import records

_PERIOD = {"place": "integer", "start": "timestamptz", "until": "timestamptz"}


def find_activity(connection: Connection, member: UUID, kind: str, key: str) -> RowMapping | None:
    """Return the command that recorded an activity of this kind and key."""
    statement = text(
        "select number, member_id, kind, accepted_at, data, reason, actor from commands"
        " where member_id = :member and kind = 'activity' and data->>'kind' = :kind and data->>'key' = :key"
    )
    found = connection.execute(statement, {"member": member, "kind": kind, "key": key})
    return found.mappings().first()


def find_opening(connection: Connection, member: UUID, key: str) -> RowMapping | None:
    """Return the command that opened a member's balance under this key."""
    statement = text(
        "select number, member_id, kind, accepted_at, data, reason, actor from commands"
        " where member_id = :member and kind = 'opening' and data->>'key' = :key"
    )
    return connection.execute(statement, {"member": member, "key": key}).mappings().first()


def count_activities(
    connection: Connection, member: UUID, kind: str, periods: Sequence[tuple[datetime, datetime]]
) -> list[int]:
    """Return how many activities of a kind a member did in each of these half-open periods."""
    if not periods:
        return []
    rows = [{"place": place, "start": start, "until": end} for place, (start, end) in enumerate(periods)]
    source, values = records(_PERIOD, rows)
    statement = text(
        f"select count(commands.number) from {source} left join commands on member_id = :member"
        " and commands.kind = 'activity' and data->>'kind' = :kind"
        " and accepted_at >= rows.start and accepted_at < rows.until group by place order by place"
    )
    return list(connection.execute(statement, {**values, "member": member, "kind": kind}).scalars())
