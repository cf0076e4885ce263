"""Orders in bulk: the rows of a batch, and whole histories."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text, Uuid

from loyalty.db import Row, records

_FOLDED = (
    "key, store_id, external_id, member_id, owner_key, owner_at, revision, number, modified_at, observed_at,"
    " deleted_at, laurel_codes, award_at,"
    " version, tier_key, nth, taken, points, counted, net_base, counts, forgiven, dead, ended, refund_ids"
)
_ORDERS = text(f"select {_FOLDED}, snapshot from orders where key = any(:keys)").bindparams(
    bindparam("keys", type_=ARRAY(Text))
)
_HISTORY = text(f"select {_FOLDED}, snapshot from orders where member_id = any(:members)").bindparams(
    bindparam("members", type_=ARRAY(Uuid))
)
_OWNERS = text(
    "select o.key, coalesce(m.merged_into, o.member_id) as member_id from orders o"
    " left join members m on m.id = o.member_id where o.key = any(:keys)"
).bindparams(bindparam("keys", type_=ARRAY(Text)))
COLUMNS = {
    "key": "text", "store_id": "uuid", "external_id": "text", "member_id": "uuid", "owner_key": "text",
    "owner_at": "timestamptz", "revision": "integer", "number": "text",
    "snapshot": "jsonb", "modified_at": "timestamptz", "observed_at": "timestamptz",
    "deleted_at": "timestamptz", "review": "text", "laurel_codes": "jsonb", "award_at": "timestamptz",
    "version": "integer", "tier_key": "text", "nth": "integer", "taken": "bigint", "points": "bigint",
    "counted": "bigint", "net_base": "text", "counts": "smallint", "forgiven": "bigint", "dead": "boolean",
    "ended": "boolean", "refund_ids": "jsonb",
}  # fmt: skip
FOLDED_COLUMNS = {"key": "text"} | {name: COLUMNS[name] for name in list(COLUMNS)[14:]}


def list_orders(connection: Connection, keys: Sequence[str]) -> Sequence[RowMapping]:
    """Return the orders of these keys with their snapshots."""
    return connection.execute(_ORDERS, {"keys": list(keys)}).mappings().all()


def list_histories(connection: Connection, members: Sequence[UUID]) -> Sequence[RowMapping]:
    """Return all orders of these members with their snapshots."""
    return connection.execute(_HISTORY, {"members": list(members)}).mappings().all()


def list_code_users(connection: Connection, codes: Sequence[str]) -> Sequence[RowMapping]:
    """Return the orders, whoever placed them, on which any of these codes stands."""
    statement = text(
        f"select {_FOLDED}, snapshot from orders where laurel_codes <> '[]' and laurel_codes ?| :codes order by key"
    ).bindparams(bindparam("codes", type_=ARRAY(Text)))
    return connection.execute(statement, {"codes": list(codes)}).mappings().all()


def list_owners(connection: Connection, keys: Iterable[str]) -> dict[str, UUID | None]:
    """Return to which member each known order of these keys counts: its own, or into whom that one is merged."""
    rows = connection.execute(_OWNERS, {"keys": list(keys)})
    return {row.key: row.member_id for row in rows}


def list_names(connection: Connection, members: Iterable[UUID]) -> list[tuple[UUID, str]]:
    """Return the store and the platform's id of each order of these members."""
    statement = text("select store_id, external_id from orders where member_id = any(:members)").bindparams(
        bindparam("members", type_=ARRAY(Uuid))
    )
    return [
        (row.store_id, row.external_id) for row in connection.execute(statement, {"members": list(members)})
    ]


def list_payers(connection: Connection, version: int, start: datetime, until: datetime) -> list[UUID]:
    """Return the members, sorted, with awarded orders of a version that were paid from `start` and before `until`."""
    statement = text(
        "select distinct coalesce(merged_into, member_id) as member_id from orders"
        " join members on members.id = orders.member_id where version = :version"
        " and cast(snapshot ->> 'paid_at' as timestamptz) >= :start"
        " and cast(snapshot ->> 'paid_at' as timestamptz) < :until order by member_id"
    )
    values = {"version": version, "start": start, "until": until}
    return list(connection.execute(statement, values).scalars())


def put_orders(connection: Connection, account: UUID, rows: Sequence[Row]) -> int:
    """Write orders with their newest snapshots and what the fold made of them; return how many were written.

    An order that somebody else wrote since it was read is left alone: `revision` is the read one plus 1.
    """
    source, values = records(COLUMNS, rows)
    names = ", ".join(COLUMNS)
    updates = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name not in ("key", "store_id"))
    statement = text(
        f"insert into orders (account_id, {names}) select :account, {names} from {source}"
        f" on conflict (account_id, key) do update set {updates} where orders.revision = excluded.revision - 1"
    )
    return connection.execute(statement, {**values, "account": account}).rowcount


def put_folded(connection: Connection, rows: Sequence[Row]) -> None:
    """Write what a fold made of orders whose snapshots stay as they are."""
    source, values = records(FOLDED_COLUMNS, rows)
    updates = ", ".join(f"{name} = rows.{name}" for name in FOLDED_COLUMNS if name != "key")
    statement = text(
        f"update orders set revision = revision + 1, {updates} from {source} where orders.key = rows.key"
    )
    connection.execute(statement, values)


def find_order(connection: Connection, key: str) -> dict[str, Any] | None:
    """Return one order of the account."""
    row = connection.execute(text(f"select {_FOLDED}, snapshot from orders where key = :key"), {"key": key})
    found = row.mappings().first()
    return dict(found) if found else None


def list_standing(connection: Connection, store: UUID, after: str, limit: int) -> Sequence[RowMapping]:
    """Return the next orders of a store by key that a shop should list still: neither deleted nor unpaid drafts."""
    statement = text(
        f"select {_FOLDED}, snapshot from orders where key > :after and store_id = :store and deleted_at is null"
        " and snapshot ->> 'state' <> 'open' order by key limit :limit"
    )
    return connection.execute(statement, {"store": store, "after": after, "limit": limit}).mappings().all()


def list_refunded(connection: Connection, store: UUID, since: datetime, limit: int) -> Sequence[RowMapping]:
    """Return the last orders of a store with refunds that were awarded from an instant."""
    statement = text(
        f"select {_FOLDED}, snapshot from orders where award_at >= :since and store_id = :store and deleted_at is null"
        " and refund_ids <> '[]' order by award_at desc limit :limit"
    )
    values = {"store": store, "since": since, "limit": limit}
    return connection.execute(statement, values).mappings().all()


def list_lapsed(
    connection: Connection, since: datetime, until: datetime, after: UUID, limit: int
) -> Sequence[RowMapping]:
    """Return the next members by id whose last order was awarded in `[since, until)`, with that instant; of those for
    whom somebody else stands, that one, who may have ordered since.
    """
    statement = text(
        "select coalesce(merged_into, members.id) as member_id, max(award_at) as at from orders"
        " join members on members.id = member_id where award_at >= :since and award_at < :until"
        " and coalesce(merged_into, members.id) > :after and not exists (select from orders later"
        "   where later.account_id = orders.account_id and later.member_id = orders.member_id"
        "   and later.award_at >= :until)"
        " group by coalesce(merged_into, members.id) order by 1 limit :limit"
    )
    values = {"since": since, "until": until, "after": after, "limit": limit}
    return connection.execute(statement, values).mappings().all()
