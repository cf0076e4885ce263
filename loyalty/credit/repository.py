"""Credit entries in bulk: what is posted by cause, and one statement that writes a batch."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from loyalty.db import Row, records
from loyalty.errors import LedgerConflict

_POSTED = text(
    "select member_id, cause, sum(amount) as amount, cast(count(*) as integer) as entries,"
    " (array_agg(kind order by sequence))[1] as kind, (array_agg(order_key order by sequence))[1] as order_key,"
    " (array_agg(program_version order by sequence))[1] as version, min(effective_at) as effective_at"
    " from credit_entries where member_id = any(:members) group by member_id, cause"
).bindparams(bindparam("members", type_=ARRAY(Uuid)))
_ENTRIES = text("select * from credit_entries where member_id = any(:members) order by sequence").bindparams(
    bindparam("members", type_=ARRAY(Uuid))
)
ENTRY = {
    "id": "uuid", "member_id": "uuid", "entry_key": "text", "cause": "text", "kind": "text", "amount": "numeric",
    "balance_after": "numeric", "order_key": "text", "program_version": "integer", "reason": "text",
    "explanation": "jsonb", "effective_at": "timestamptz", "posted_at": "timestamptz", "content_sha256": "bytea",
}  # fmt: skip


def list_posted(connection: Connection, members: Sequence[UUID]) -> Sequence[RowMapping]:
    """Return what is posted of the members, summed by cause."""
    return connection.execute(_POSTED, {"members": list(members)}).mappings().all()


def list_entries(connection: Connection, members: Sequence[UUID]) -> Sequence[RowMapping]:
    """Return every entry of the members in the order in which they were posted."""
    return connection.execute(_ENTRIES, {"members": list(members)}).mappings().all()


def post(connection: Connection, account: UUID, entries: Sequence[Row]) -> None:
    """Write entries; raises LedgerConflict for an entry key that exists."""
    source, values = records(ENTRY, entries)
    names = ", ".join(ENTRY)
    statement = text(
        f"insert into credit_entries (account_id, {names}) select :account, {names} from {source}"
        " on conflict (account_id, member_id, entry_key) do nothing"
    )
    if connection.execute(statement, {**values, "account": account}).rowcount != len(entries):
        raise LedgerConflict
