"""Inbox messages: accept one, claim and answer many; claiming and answering is one statement, whatever their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger

from loyalty.db import records
from loyalty.values import AccountId, MessageId, StoreId

_ACCEPT = (
    "select laurel_accept(%(account)s, %(store)s, %(key)s, %(source)s, %(topic)s, %(delivery_id)s, %(body)s,"
    " %(observed_at)s)"
)
"""In the driver's own form: the receiver runs nothing else, and compiling costs more than it does."""
_CLAIM = text(
    "select id, store_id, source, topic, body, observed_at, received_at from inbox_messages"
    " where status = 'pending' and account_id = :account order by id limit :limit for update skip locked"
)
_MESSAGE = {
    "message_key": "bytea", "topic": "text", "delivery_id": "text", "body": "bytea", "observed_at": "timestamptz",
}  # fmt: skip
_OUTCOME = {"id": "bigint", "status": "text", "reason": "text", "read_kind": "text", "read_ids": "text"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message: processed, ignored, failed, or reading with what must be read."""

    status: str
    reason: str = ""
    read_kind: str | None = None
    read_ids: str | None = None


PROCESSED = Outcome("processed")


def accept(
    connection: Connection, account: AccountId, store: StoreId, *, key: bytes, source: str, topic: str,
    delivery_id: str, body: bytes, observed_at: datetime | None = None,
) -> bool:  # fmt: skip
    """Store a message unless it is known; return whether it was new. One statement; it binds the account itself."""
    values = {
        "account": account, "store": store, "key": key, "source": source, "topic": topic,
        "delivery_id": delivery_id, "body": body, "observed_at": observed_at,
    }  # fmt: skip
    return bool(connection.exec_driver_sql(_ACCEPT, values).scalar_one())


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to be stored: `key` are the 32 bytes under which it is recognised when it comes again."""

    key: bytes
    topic: str
    delivery_id: str
    body: bytes
    observed_at: datetime | None


def accept_read(
    connection: Connection, account: AccountId, store: StoreId, messages: Sequence[NewMessage], source: str = "fetch"
) -> int:  # fmt: skip
    """Store what a shop answered, or of another source, unless it is known; return how many were new. One statement."""
    if not messages:
        return 0
    rows = [
        {
            "message_key": each.key, "topic": each.topic, "delivery_id": each.delivery_id, "body": each.body,
            "observed_at": each.observed_at,
        }
        for each in messages
    ]  # fmt: skip
    new, values = records(_MESSAGE, rows)
    names = ", ".join(_MESSAGE)
    statement = text(
        f"insert into inbox_messages (account_id, store_id, source, {names}) select :account, :store, :source, {names}"
        f" from {new} on conflict (store_id, message_key) do nothing"
    )
    return connection.execute(
        statement, {**values, "account": account, "store": store, "source": source}
    ).rowcount


def is_silent(connection: Connection, store: StoreId, since: datetime) -> bool:
    """Return whether a shop has delivered nothing after an instant."""
    statement = text(
        "select not exists (select from inbox_messages"
        " where received_at > :since and store_id = :store and source = 'webhook')"
    )
    return bool(connection.execute(statement, {"since": since, "store": store}).scalar_one())


def find_message(connection: Connection, store: StoreId, key: bytes) -> RowMapping | None:
    """Return id, status and body of the message of a key."""
    statement = text(
        "select id, status, body from inbox_messages where store_id = :store and message_key = :key"
    )
    return connection.execute(statement, {"store": store, "key": key}).mappings().first()


def claim_pending(connection: Connection, account: AccountId, limit: int) -> Sequence[RowMapping]:
    """Return the oldest waiting messages of the account that no other worker has, locked to the transaction's end."""
    return connection.execute(_CLAIM, {"account": account, "limit": limit}).mappings().all()


def lock_pending(connection: Connection, messages: Sequence[MessageId]) -> list[MessageId]:
    """Return which of these messages wait still, locked to the transaction's end."""
    statement = text(
        "select id from inbox_messages where id = any(:ids) and status = 'pending' order by id for update"
    ).bindparams(bindparam("ids", type_=ARRAY(BigInteger)))
    return [MessageId(id_) for id_ in connection.execute(statement, {"ids": list(messages)}).scalars()]


def mark(connection: Connection, outcomes: Mapping[MessageId, Outcome], now: datetime) -> None:
    """Write what became of the claimed messages."""
    rows = [
        {
            "id": id_,
            "status": it.status,
            "reason": it.reason,
            "read_kind": it.read_kind,
            "read_ids": it.read_ids,
        }
        for id_, it in outcomes.items()
    ]
    source, values = records(_OUTCOME, rows)
    statement = text(
        "update inbox_messages set status = rows.status, reason = rows.reason, read_kind = rows.read_kind,"
        " read_ids = rows.read_ids, leased_until = null, not_before = null,"
        " processed_at = case when rows.status = 'reading' then null else :now end"
        f" from {source} where inbox_messages.id = rows.id"
    )
    connection.execute(statement, {**values, "now": now})


def claim_reading(
    connection: Connection, store: StoreId, limit: int, now: datetime, lease: timedelta
) -> Sequence[RowMapping]:
    """Lease messages that wait for a read of the shop, oldest first; the lease ends by itself if the worker dies."""
    statement = text(
        "with due as (select id from inbox_messages where store_id = :store and status = 'reading'"
        " and coalesce(not_before, :now) <= :now and coalesce(leased_until, :now) <= :now"
        " order by id limit :limit for update skip locked)"
        " update inbox_messages m set leased_until = :until, attempts = attempts + 1 from due where m.id = due.id"
        " returning m.id, m.read_kind, m.read_ids, m.attempts"
    )
    values = {"store": store, "limit": limit, "now": now, "until": now + lease}
    return connection.execute(statement, values).mappings().all()


def list_awaited(connection: Connection, store: StoreId, kind: str) -> set[str]:
    """Return the ids of the things of a kind that messages of a store wait to have read."""
    statement = text(
        "select distinct string_to_table(read_ids, ',') from inbox_messages"
        " where store_id = :store and status = 'reading' and read_kind = :kind"
    )
    return set(connection.execute(statement, {"store": store, "kind": kind}).scalars())


def list_stated(connection: Connection, ids: Sequence[int]) -> Sequence[RowMapping]:
    """Return topic and body of those of these messages that a shop delivered."""
    statement = text(
        "select id, topic, body from inbox_messages where id = any(:ids) and source = 'webhook' order by id"
    ).bindparams(bindparam("ids", type_=ARRAY(BigInteger)))
    return connection.execute(statement, {"ids": list(ids)}).mappings().all()


def delay_reading(connection: Connection, ids: Sequence[int], not_before: datetime, reason: str) -> None:
    """Let messages whose read failed wait for a while."""
    statement = text(
        "update inbox_messages set leased_until = null, not_before = :not_before, reason = :reason"
        " where id = any(:ids) and status = 'reading'"
    ).bindparams(bindparam("ids", type_=ARRAY(BigInteger)))
    connection.execute(statement, {"ids": list(ids), "not_before": not_before, "reason": reason})


@dataclass(frozen=True, slots=True)
class Which:
    """Messages that are meant: these, or all of a status, a topic and a range of ids, its ends included; None: any."""

    ids: tuple[int, ...] | None = None
    status: str | None = None
    topic: str | None = None
    first: int | None = None
    last: int | None = None


_MEANT = (
    "(cast(:ids as bigint[]) is null or id = any(cast(:ids as bigint[])))"
    " and (cast(:status as text) is null or status = :status) and (cast(:topic as text) is null or topic = :topic)"
    " and id between coalesce(cast(:first as bigint), 0) and coalesce(cast(:last as bigint), 9223372036854775807)"
)


def replay(connection: Connection, which: Which) -> int:
    """Let stored messages be taken again; return how many. Those whose bodies were emptied have nothing to say."""
    statement = text(
        "update inbox_messages set status = 'pending', reason = '', attempts = 0, not_before = null,"
        f" leased_until = null, processed_at = null where {_MEANT} and status <> 'pending' and octet_length(body) > 0"
    )
    values = {name: getattr(which, name) for name in ("status", "topic", "first", "last")}
    ids = list(which.ids) if which.ids is not None else None
    return connection.execute(statement, {**values, "ids": ids}).rowcount


def forget_old(connection: Connection, status: str, before: datetime, limit: int) -> int:
    """Delete messages of a status, which is one of those that are done, received before an instant; return how many.

    Of the oldest so many; whoever replays one meanwhile keeps it. Those of tills are emptied: a till is never asked
    which of two statements of one instant is true, so that there was one must be known for ever.
    """
    statement = text(
        "with old as (select id, received_at from inbox_messages where status = :status and :status <> 'failed'"
        "   and (source <> 'api' or octet_length(body) > 0)"
        " order by id limit :limit for update skip locked)"
        ", emptied as (update inbox_messages set body = '' from old where inbox_messages.id = old.id"
        "   and old.received_at < :before and source = 'api' returning 1)"
        ", gone as (delete from inbox_messages using old where inbox_messages.id = old.id"
        "   and old.received_at < :before and source <> 'api' returning 1)"
        " select (select count(*) from emptied) + (select count(*) from gone)"
    )
    values = {"status": status, "before": before, "limit": limit}
    return int(connection.execute(statement, values).scalar_one())


def list_messages(
    connection: Connection, status: str | None, before: int | None, limit: int, topic: str | None = None
) -> list[dict[str, Any]]:
    """Return messages without their bodies, newest first, below the id `before`, of a topic where one is given."""
    statement = text(
        "select id, store_id, source, topic, delivery_id, status, reason, attempts, received_at, processed_at,"
        " octet_length(body) as bytes from inbox_messages"
        " where (cast(:status as text) is null or status = :status)"
        " and (cast(:topic as text) is null or topic = :topic)"
        " and (cast(:before as bigint) is null or id < :before) order by id desc limit :limit"
    )
    rows = connection.execute(statement, {"status": status, "before": before, "limit": limit, "topic": topic})
    return [dict(row) for row in rows.mappings()]
