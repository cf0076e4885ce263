"""Tier periods in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, RowMapping, text

from loyalty.db import Row, records

PERIOD = {
    "member_id": "uuid", "number": "integer", "tier_key": "text", "entry": "integer", "started_at": "timestamptz",
    "cause": "text", "rewarded": "boolean", "reason": "text",
}  # fmt: skip


def put_periods(connection: Connection, account: UUID, rows: Sequence[Row], refolded: Sequence[UUID]) -> None:
    """Write the periods of members; those who were folded from nothing have exactly these."""
    source, values = records(PERIOD, rows)
    names = ", ".join(PERIOD)
    updates = ", ".join(f"{name} = excluded.{name}" for name in list(PERIOD)[2:])
    statement = text(
        "with gone as (delete from tier_periods where member_id = any(cast(:refolded as uuid[]))"
        f"   and (member_id, number) not in (select member_id, number from {source}))"
        f" insert into tier_periods (account_id, {names}) select :account, {names} from {source}"
        f" on conflict (account_id, member_id, number) do update set {updates}"
    )
    connection.execute(statement, {**values, "account": account, "refolded": list(refolded)})


def list_periods(connection: Connection, member: UUID) -> Sequence[RowMapping]:
    """Return the periods of a member, oldest first."""
    statement = text(
        "select number, tier_key, entry, started_at, cause, rewarded, reason,"
        " lead(started_at) over (order by number) as ended_at from tier_periods"
        " where member_id = :member order by number"
    )
    return connection.execute(statement, {"member": member}).mappings().all()
