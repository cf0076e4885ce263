"""Lucky draws: who takes part by which rule, the entries as they were at the draw, and the winners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, text

from loyalty.community.things import add_thing
from loyalty.db import Row, records

DRAWS = "draws"
_DRAW = {
    "key": "text", "name": "jsonb", "description": "jsonb", "entrants": "jsonb", "winners": "integer",
    "activity": "text", "seed": "bytea", "commitment": "bytea",
}  # fmt: skip
_ENTRY = {"position": "integer", "member_id": "uuid", "member_key": "text", "rank": "integer"}
_WON = {"position": "integer", "is_counted": "boolean"}
_NAMED = {
    "segment": "select id from members where segments @> array[:segment]",
    "activity": "select member_id from commands where kind = 'activity' and data->>'kind' = :activity"
    " and accepted_at >= cast(:from as timestamptz) and accepted_at < cast(:until as timestamptz)",
    "event": "select member_id from sign_ups join gatherings on gatherings.id = gathering_id"
    " where gatherings.key = :event and state = :state",
    "members": "select unnest(cast(:members as uuid[]))",
}


def add_draw(connection: Connection, account: UUID, row: Row) -> RowMapping | None:
    """Write a draw and return it; None when its key is in use."""
    return add_thing(connection, account, DRAWS, _DRAW, row)


def list_entrants(connection: Connection, rule: Mapping[str, Any]) -> list[tuple[UUID, str]]:
    """Return id and key of the members whom a rule of kind segment, activity, event or members names, by key; a person
    once, as who stands for him.
    """
    named = {name: value for name, value in rule.items() if name != "kind"}
    statement = text(
        "select distinct person.id, person.key from members named"
        " join members person on person.id = coalesce(named.merged_into, named.id)"
        f" where named.id in ({_NAMED[rule['kind']]})"
    )
    rows = connection.execute(statement, named)
    return sorted(((row[0], row[1]) for row in rows), key=lambda row: row[1])


def add_entries(connection: Connection, account: UUID, draw: int, rows: Sequence[Row], now: datetime) -> None:
    """Write who took part in a draw and who won, and that it is done."""
    source, values = records(_ENTRY, rows)
    names = ", ".join(_ENTRY)
    statement = text(
        f"insert into draw_entries (account_id, draw_id, {names}) select :account, :draw, {names} from {source}"
    )
    connection.execute(statement, {**values, "account": account, "draw": draw})
    connection.execute(text("update draws set drawn_at = :now where id = :draw"), {"now": now, "draw": draw})


def put_counted(connection: Connection, draw: int, rows: Sequence[Row]) -> None:
    """Write for which winners an activity was recorded."""
    source, values = records(_WON, rows)
    statement = text(
        f"update draw_entries set is_counted = rows.is_counted from {source}"
        " where draw_id = :draw and draw_entries.position = rows.position"
    )
    connection.execute(statement, {**values, "draw": draw})


def list_entries(connection: Connection, draw: int, after: int, limit: int | None) -> Sequence[RowMapping]:
    """Return entries by position, above one; all of them without a limit."""
    statement = text(
        "select * from draw_entries where draw_id = :draw and position > :after order by position limit :limit"
    )
    return connection.execute(statement, {"draw": draw, "after": after, "limit": limit}).mappings().all()


def list_winners(connection: Connection, draw: int) -> Sequence[RowMapping]:
    """Return the entries that won, the first winner first."""
    statement = text("select * from draw_entries where draw_id = :draw and rank is not null order by rank")
    return connection.execute(statement, {"draw": draw}).mappings().all()
