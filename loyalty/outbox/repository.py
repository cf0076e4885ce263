"""Outbox pushes: write with the decision, claim with a lease, record the outcome; the newest of a subject wins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text, Uuid

from loyalty.db import Row, records
from loyalty.outbox.commands import command_data, command_kind
from loyalty.pushes import PushCommand
from loyalty.values import StoreId

_NEW = {
    "store_id": "uuid", "member_id": "uuid", "kind": "text", "subject": "text", "command": "jsonb",
}  # fmt: skip
_DONE = {
    "id": "bigint", "status": "text", "reason": "text", "detail": "text", "not_before": "timestamptz",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewPush:
    """A push to be written: what it is about, and the command itself."""

    store_id: UUID
    member_id: UUID | None
    subject: str
    command: PushCommand


@dataclass(frozen=True, slots=True)
class Delivered:
    """The outcome of one try: done, failed (for good), or waiting until `not_before`."""

    id: int
    status: str
    reason: str = ""
    detail: str = ""
    not_before: datetime | None = None


def forget_addresses(connection: Connection, members: Sequence[UUID]) -> None:
    """Take the e-mail addresses out of pushes about these members; those that waited with one are not sent any more."""
    statement = text(
        'update pushes set command = command || \'{"email": ""}\','
        " status = case when status = 'waiting' then 'superseded' else status end,"
        " reason = case when status = 'waiting' then 'erased' else reason end"
        " where kind in ('put_coupon', 'add_store_credit') and member_id = any(:members)"
    ).bindparams(bindparam("members", type_=ARRAY(Uuid)))
    connection.execute(statement, {"members": list(members)})


def add_pushes(connection: Connection, account: UUID, new: Sequence[NewPush]) -> None:
    """Write pushes; those of the same subjects that still wait, and nobody delivers now, are superseded."""
    rows: list[Row] = [
        {
            "store_id": push.store_id,
            "member_id": push.member_id,
            "kind": command_kind(push.command),
            "subject": push.subject,
            "command": command_data(push.command),
        }
        for push in new
    ]
    source, values = records(_NEW, rows)
    names = ", ".join(_NEW)
    statement = text(
        "with old as (update pushes set status = 'superseded', done_at = now() where status = 'waiting'"
        f" and leased_until is null and subject = any(array(select subject from {source})))"
        f" insert into pushes (account_id, {names}) select :account, {names} from {source}"
    )
    connection.execute(statement, {**values, "account": account})


def list_marked(connection: Connection, subjects: Sequence[str]) -> set[str]:
    """Return which of these orders were marked already, or shall be."""
    statement = text(
        "select subject from pushes where kind = 'mark_order' and subject = any(:subjects)"
    ).bindparams(bindparam("subjects", type_=ARRAY(Text)))
    return set(connection.execute(statement, {"subjects": list(subjects)}).scalars())


def list_waiting(connection: Connection, subjects: Sequence[str]) -> set[str]:
    """Return of which subjects a push waits."""
    statement = text(
        "select subject from pushes where status = 'waiting' and subject = any(:subjects)"
    ).bindparams(bindparam("subjects", type_=ARRAY(Text)))
    return set(connection.execute(statement, {"subjects": list(subjects)}).scalars())


def give_up_pushes(connection: Connection, subject: str, now: datetime) -> bool:
    """Let what was to be told of a subject never be told; return False, and change nothing, while it is being told."""
    statement = text(
        "with these as (select id, status, coalesce(leased_until, :now) > :now as is_leased from pushes"
        "   where subject = :subject and status in ('waiting', 'failed') for update),"
        " given_up as (update pushes set status = 'superseded', reason = 'settled', done_at = :now from these"
        "   where pushes.id = these.id and not exists (select from these where status = 'waiting' and is_leased)"
        "   returning pushes.id)"
        " select (select count(*) from these) = (select count(*) from given_up)"
    )
    return bool(connection.execute(statement, {"subject": subject, "now": now}).scalar_one())


def list_credited(connection: Connection, members: Iterable[UUID]) -> tuple[str, ...]:
    """Return under which ids of theirs shops have the credit that was last sent to them for these members."""
    statement = text(
        "select detail from pushes where kind = 'add_store_credit' and status = 'done' and member_id = any(:members)"
        " order by id desc limit 20"
    ).bindparams(bindparam("members", type_=ARRAY(Uuid)))
    return tuple(connection.execute(statement, {"members": list(members)}).scalars())


def claim_pushes(
    connection: Connection, store: StoreId, limit: int, now: datetime, lease: timedelta
) -> Sequence[RowMapping]:
    """Lease due pushes to a store, oldest first, never two of one subject at a time; `tried` of one says that an
    earlier try may have been carried out, whatever became of the worker that made it.
    """
    return _claim(connection, "kind <> 'post_webhook'", "id", store, limit, now, lease)


def claim_calls(
    connection: Connection, store: StoreId, limit: int, now: datetime, lease: timedelta
) -> Sequence[RowMapping]:
    """Lease, as `claim_pushes` does, what goes with a store to other systems, first what was called least often: one at
    which an address always fails must not go before the others each time. `lapsed` of one says that the job that
    leased it last never told what became of it.
    """
    return _claim(connection, "kind = 'post_webhook'", "attempts, id", store, limit, now, lease)


def _claim(
    connection: Connection,
    wanted: str,
    order: str,
    store: StoreId,
    limit: int,
    now: datetime,
    lease: timedelta,
) -> Sequence[RowMapping]:
    statement = text(
        "with due as (select id, leased_until is not null as lapsed from pushes p"
        f" where store_id = :store and status = 'waiting' and {wanted}"
        " and coalesce(not_before, :now) <= :now and coalesce(leased_until, :now) <= :now"
        " and not exists (select from pushes q where q.account_id = p.account_id and q.subject = p.subject"
        "   and q.status = 'waiting' and q.id < p.id)"
        f" order by {order} limit :limit for update skip locked)"
        " update pushes p set leased_until = :until, attempts = attempts + 1, tried = tried or attempts > 0"
        " from due where p.id = due.id"
        " returning p.id, p.kind, p.subject, p.command, p.attempts, p.tried, p.member_id, p.created_at, due.lapsed"
    )
    values = {"store": store, "limit": limit, "now": now, "until": now + lease}
    return sorted(connection.execute(statement, values).mappings(), key=lambda row: row["id"])


def record(connection: Connection, outcomes: Sequence[Delivered], now: datetime) -> None:
    """Write the outcomes of a batch."""
    rows: list[Row] = [
        {
            "id": it.id,
            "status": it.status,
            "reason": it.reason,
            "detail": it.detail,
            "not_before": it.not_before,
        }
        for it in outcomes
    ]
    source, values = records(_DONE, rows)
    statement = text(
        "update pushes set status = rows.status, reason = rows.reason, detail = rows.detail, leased_until = null,"
        " not_before = rows.not_before, done_at = case when rows.status = 'waiting' then null else :now end"
        f" from {source} where pushes.id = rows.id and pushes.status = 'waiting'"
    )
    connection.execute(statement, {**values, "now": now})


def give_back(connection: Connection, ids: Sequence[int]) -> None:
    """End the leases of pushes that were not tried: they are due at once, and nothing is counted."""
    statement = text(
        "update pushes set leased_until = null, attempts = attempts - 1"
        " where id = any(cast(:ids as bigint[])) and status = 'waiting' and leased_until is not null"
    )
    connection.execute(statement, {"ids": list(ids)})


def list_codes_to_put(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Return the code that each of these pushes, where it is one of that kind, shall put into a shop."""
    statement = text(
        "select id, command->>'code' as code from pushes where id = any(cast(:ids as bigint[])) and kind = 'put_coupon'"
    )
    return {row.id: row.code for row in connection.execute(statement, {"ids": list(ids)})}


def retry(connection: Connection, ids: Sequence[int]) -> list[int]:
    """Let failed pushes be tried again now, unless something newer was said of their subject; return which.

    Credit that a shop refused at once is free again, and is not sent.
    """
    statement = text(
        "update pushes set status = 'waiting', tried = true, attempts = 0, not_before = null, reason = '', detail = '',"
        " done_at = null where id = any(cast(:ids as bigint[])) and status = 'failed'"
        " and (kind <> 'add_store_credit' or tried)"
        " and not exists (select from pushes newer"
        "   where newer.account_id = pushes.account_id and newer.subject = pushes.subject and newer.id > pushes.id)"
        " returning id"
    )
    return list(connection.execute(statement, {"ids": list(ids)}).scalars())


def list_failed(
    connection: Connection, reason: str | None, after: int, limit: int, store: StoreId | None = None
) -> list[int]:
    """Return the next failed pushes by id, of a reason and a store where these are given."""
    statement = text(
        "select id from pushes where status = 'failed' and id > :after"
        " and (cast(:reason as text) is null or reason = :reason)"
        " and (cast(:store as uuid) is null or store_id = :store) order by id limit :limit"
    )
    values = {"reason": reason, "after": after, "limit": limit, "store": store}
    return list(connection.execute(statement, values).scalars())


def forget_old(connection: Connection, status: str, before: datetime, limit: int) -> int:
    """Delete pushes of a status, which is one of those that are done, written before an instant; return how many.

    Kept are those that say that an order is marked, and those that are newer than a failed one of their subject.
    """
    statement = text(
        "with old as (select id, created_at from pushes where status = :status and :status in ('done', 'superseded')"
        " and kind <> 'mark_order' and not exists (select from pushes failed"
        "   where failed.account_id = pushes.account_id and failed.subject = pushes.subject"
        "   and failed.status = 'failed' and failed.id < pushes.id)"
        " order by id limit :limit for update skip locked)"
        " delete from pushes using old where pushes.id = old.id and old.created_at < :before"
    )
    return connection.execute(statement, {"status": status, "before": before, "limit": limit}).rowcount


def list_pushes(
    connection: Connection, status: str | None, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Return pushes, newest first, below the id `before`."""
    statement = text(
        "select id, store_id, member_id, kind, subject, command, status, reason, detail, attempts, created_at, done_at,"
        " not_before from pushes where (cast(:status as text) is null or status = :status)"
        " and (cast(:before as bigint) is null or id < :before) order by id desc limit :limit"
    )
    rows = connection.execute(statement, {"status": status, "before": before, "limit": limit})
    return [dict(row) for row in rows.mappings()]
