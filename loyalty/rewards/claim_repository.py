"""Claims: what rules gave that is no code, as rows of redemptions under their causes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from loyalty.db import Row, records

CLAIM = {
    "id": "uuid", "cause": "text", "member_id": "uuid", "reward_key": "text", "kind": "text",
    "program_version": "integer", "state": "text", "asked_at": "timestamptz", "ends_at": "timestamptz",
    "fulfilment": "text",
}  # fmt: skip
_KEPT = "(redemptions.fulfilment in ('accepted', 'done', 'refused')) is true or excluded.state = 'expired'"
"""People have begun, or it is over: the fold no longer changes it."""


def list_claims(connection: Connection, members: Sequence[UUID]) -> Sequence[RowMapping]:
    """Return what rules gave to members."""
    statement = text(
        "select * from redemptions where member_id = any(:members) and cause is not null order by id"
    ).bindparams(bindparam("members", type_=ARRAY(Uuid)))
    return connection.execute(statement, {"members": list(members)}).mappings().all()


def put_claims(connection: Connection, account: UUID, rows: Sequence[Row], now: datetime) -> None:
    """Write what rules give: new claims, and whether known ones still stand; `expired` is for new ones only."""
    source, values = records(CLAIM, rows)
    names = ", ".join(CLAIM)
    statement = text(
        f"insert into redemptions (account_id, points, ended_at, {names})"
        f" select :account, 0, case when state = 'captured' then null else cast(:now as timestamptz) end, {names}"
        f" from {source} on conflict (account_id, cause) do update set"
        f" state = case when {_KEPT} then redemptions.state else excluded.state end,"
        f" fulfilment = case when {_KEPT} then redemptions.fulfilment else excluded.fulfilment end,"
        f" ended_at = case when {_KEPT} then redemptions.ended_at when excluded.state = 'captured' then null"
        "   else coalesce(redemptions.ended_at, excluded.ended_at) end"
    )
    connection.execute(statement, {**values, "account": account, "now": now})
