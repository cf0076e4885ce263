"""Incidents in bulk: note each once, list, resolve."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from loyalty.db import Row, records

_INCIDENT = {
    "kind": "text", "subject": "text", "member_id": "uuid", "order_key": "text", "data": "jsonb",
    "noticed_at": "timestamptz",
}  # fmt: skip


def note_incidents(connection: Connection, account: UUID, rows: Sequence[Row]) -> None:
    """Write incidents that are not known yet."""
    source, values = records(_INCIDENT, rows)
    names = ", ".join(_INCIDENT)
    statement = text(
        f"insert into incidents (account_id, {names}) select :account, {names} from {source}"
        " on conflict (account_id, kind, subject, order_key) do nothing"
    )
    connection.execute(statement, {**values, "account": account})


def list_known(connection: Connection, kinds: Sequence[str], subjects: Sequence[str]) -> set[tuple[str, str]]:
    """Return kind and subject of the incidents that were told of these, looked at or not."""
    statement = text(
        "select kind, subject from incidents where kind = any(:kinds) and subject = any(:subjects)"
    ).bindparams(bindparam("kinds", type_=ARRAY(Text)), bindparam("subjects", type_=ARRAY(Text)))
    rows = connection.execute(statement, {"kinds": list(kinds), "subjects": list(subjects)})
    return {(row.kind, row.subject) for row in rows}


def list_incidents(
    connection: Connection, before: int | None, limit: int, *, is_open: bool | None
) -> Sequence[RowMapping]:
    """Return incidents below the id `before`, newest first: open ones, resolved ones, or all."""
    statement = text(
        "select i.*, o.number as order_number, o.external_id as order_id from incidents i"
        " left join orders o on o.account_id = i.account_id and o.key = i.order_key"
        " where (cast(:before as bigint) is null or i.id < :before)"
        " and (cast(:open as boolean) is null or (i.resolved_at is null) = :open) order by i.id desc limit :limit"
    )
    values = {"before": before, "limit": limit, "open": is_open}
    return connection.execute(statement, values).mappings().all()


def resolve(connection: Connection, incident: int, actor: str, now: datetime) -> bool:
    """Note that somebody has looked at an incident; return whether it was open."""
    statement = text(
        "update incidents set resolved_at = :now, resolved_by = :actor where id = :id and resolved_at is null"
    )
    return bool(connection.execute(statement, {"id": incident, "actor": actor, "now": now}).rowcount)
