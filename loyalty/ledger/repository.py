"""The ledger in bulk: open lots, what is posted by cause, and one statement that writes a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text, Uuid

from loyalty.db import Row, dicts, records
from loyalty.errors import LedgerConflict

_LOT = "member_id, cause, sequence, order_key, created_at, available_from, expires_at, points, remaining, expired"
_OPEN = text(
    f"select {_LOT} from lots where member_id = any(:members) and (remaining > 0 or cause = any(:causes))"
).bindparams(bindparam("members", type_=ARRAY(Uuid)), bindparam("causes", type_=ARRAY(Text)))
_DUE = text(
    f"select {_LOT} from lots where member_id = any(:whole) and remaining > 0"
    f" union all select {_LOT} from lots where member_id = any(:members) and expires_at <= :until and remaining > 0"
).bindparams(bindparam("whole", type_=ARRAY(Uuid)), bindparam("members", type_=ARRAY(Uuid)))
_ALL = text(f"select {_LOT} from lots where member_id = any(:members)").bindparams(
    bindparam("members", type_=ARRAY(Uuid))
)
ABREAST = 2
"""So many may claim members at once: each finds some whom the others have not locked."""
_EXPIRED = text(
    "select * from members where id = any(array("
    "   select distinct member_id from (select member_id from lots where expires_at <= :now and remaining > 0"
    "   order by expires_at limit 4 * :abreast * :limit) due limit :abreast * :limit))"
    " order by id limit :limit for no key update skip locked"
)
_POSTED = text(
    "select member_id, cause, cast(sum(points) as bigint) as points, cast(count(*) as integer) as entries,"
    " (array_agg(kind order by sequence))[1] as kind, (array_agg(order_key order by sequence))[1] as order_key,"
    " (array_agg(program_version order by sequence))[1] as version, min(effective_at) as effective_at"
    " from ledger_entries where member_id = any(:members) group by member_id, cause"
).bindparams(bindparam("members", type_=ARRAY(Uuid)))
ENTRY = {
    "id": "uuid", "member_id": "uuid", "entry_key": "text", "cause": "text", "kind": "text", "points": "bigint",
    "balance_after": "bigint", "order_key": "text", "program_version": "integer", "reason": "text",
    "explanation": "jsonb", "effective_at": "timestamptz", "posted_at": "timestamptz", "content_sha256": "bytea",
}  # fmt: skip
LOT = {
    "id": "uuid", "member_id": "uuid", "cause": "text", "sequence": "integer", "order_key": "text",
    "created_at": "timestamptz", "available_from": "timestamptz", "expires_at": "timestamptz", "points": "bigint",
    "remaining": "bigint", "expired": "bigint",
}  # fmt: skip
CONSUMPTION = {"member_id": "uuid", "lot_cause": "text", "cause": "text", "points": "bigint"}


def list_open_lots(
    connection: Connection, members: Sequence[UUID], causes: Iterable[str]
) -> Sequence[RowMapping]:
    """Return the members' lots that have a rest, and those of these causes whether they have or not."""
    values = {"members": list(members), "causes": list(causes)}
    return connection.execute(_OPEN, values).mappings().all()


def list_due_lots(
    connection: Connection, members: Sequence[UUID], until: datetime, whole: Sequence[UUID]
) -> Sequence[RowMapping]:
    """Return the lots with a rest: all those of `whole`, and those of `members` that are over by `until`."""
    values = {"members": list(members), "until": until, "whole": list(whole)}
    return connection.execute(_DUE, values).mappings().all()


def list_lots(connection: Connection, members: Sequence[UUID]) -> Sequence[RowMapping]:
    """Return every lot of the members."""
    return connection.execute(_ALL, {"members": list(members)}).mappings().all()


def claim_expired(connection: Connection, now: datetime, limit: int) -> list[Row]:
    """Lock members with points that are dead by now and that nobody works on; return their rows."""
    return dicts(connection.execute(_EXPIRED, {"now": now, "limit": limit, "abreast": ABREAST}))


def list_posted(connection: Connection, members: Sequence[UUID]) -> Sequence[RowMapping]:
    """Return what is posted of the members, summed by cause."""
    return connection.execute(_POSTED, {"members": list(members)}).mappings().all()


def list_consumptions(connection: Connection, members: Sequence[UUID]) -> Sequence[RowMapping]:
    """Return how much of which lot each cause used."""
    statement = text(
        "select member_id, lot_cause, cause, points from lot_consumptions where member_id = any(:members)"
    ).bindparams(bindparam("members", type_=ARRAY(Uuid)))
    return connection.execute(statement, {"members": list(members)}).mappings().all()


def forget_fold(connection: Connection, members: Sequence[UUID]) -> None:
    """Delete lots and consumptions of members who are folded from nothing in this transaction; entries stay."""
    statement = text(
        "with gone as (delete from lot_consumptions where member_id = any(:members))"
        " delete from lots where member_id = any(:members)"
    ).bindparams(bindparam("members", type_=ARRAY(Uuid)))
    connection.execute(statement, {"members": list(members)})


def post(
    connection: Connection,
    account: UUID,
    entries: Sequence[Row],
    lots: Sequence[Row],
    consumptions: Sequence[Row],
) -> None:
    """Write entries, lots and consumptions in one statement; raises LedgerConflict for an entry key that exists."""
    parts: list[str] = []
    values: dict[str, object] = {"account": account}
    for table, columns, rows, rest in (
        (
            "ledger_entries",
            ENTRY,
            entries,
            "on conflict (account_id, member_id, entry_key) do nothing returning id",
        ),
        ("lots", LOT, lots, _ON_LOT),
        ("lot_consumptions", CONSUMPTION, consumptions, _ON_CONSUMPTION),
    ):
        source, given = records(columns, rows, f"new_{table}")
        names = ", ".join(columns)
        insert = f"insert into {table} (account_id, {names}) select :account, {names} from {source} {rest}"
        parts.append(f"posted_{table} as ({insert})")
        values.update(given)
    statement = text(f"with {', '.join(parts)} select count(*) from posted_ledger_entries")
    if connection.execute(statement, values).scalar_one() != len(entries):
        raise LedgerConflict


_ON_LOT = (
    "on conflict (account_id, member_id, cause) do update set points = excluded.points,"
    " remaining = excluded.remaining, expired = excluded.expired, expires_at = excluded.expires_at returning id"
)
_ON_CONSUMPTION = (
    "on conflict (account_id, member_id, lot_cause, cause) do update"
    " set points = lot_consumptions.points + excluded.points returning cause"
)


def list_ending_lots(
    connection: Connection, since: datetime, until: datetime, after: UUID, limit: int
) -> Sequence[RowMapping]:
    """Return, for the next members by id, how many points die when, after `since`, up to and with `until`."""
    statement = text(
        "with page as (select distinct member_id from lots where expires_at > :since and expires_at <= :until"
        "   and remaining > 0 and member_id > :after order by member_id limit :limit)"
        " select member_id, expires_at as at, cast(sum(remaining) as bigint) as points from lots"
        " join page using (member_id)"
        " where expires_at > :since and expires_at <= :until and remaining > 0"
        " group by member_id, expires_at order by member_id, expires_at"
    )
    values = {"since": since, "until": until, "after": after, "limit": limit}
    return connection.execute(statement, values).mappings().all()
