"""Referrals in bulk: claims, what is due, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from loyalty.db import Row, records

_TRACE = {"member_id": "uuid", "trace": "text"}
_OUTCOME = {
    "id": "bigint", "status": "text", "reason": "text", "order_key": "text", "due_at": "timestamptz",
    "completed_at": "timestamptz",
}  # fmt: skip


def put_code(connection: Connection, account: UUID, member: UUID, code: str) -> None:
    """Keep a member's code, so that it is found again."""
    statement = text(
        "insert into referral_codes (account_id, code, member_id) values (:account, :code, :member)"
        " on conflict do nothing"
    )
    connection.execute(statement, {"account": account, "code": code, "member": member})


def find_code(connection: Connection, member: UUID) -> str | None:
    """Return the code that a member has, his own or one that he brought along."""
    statement = text("select code from referral_codes where member_id = :member")
    return connection.execute(statement, {"member": member}).scalar_one_or_none()


def find_referrer(connection: Connection, code: str) -> UUID | None:
    """Return whose code it is."""
    statement = text("select member_id from referral_codes where code = :code")
    return connection.execute(statement, {"code": code.strip().casefold()}).scalar_one_or_none()


def add_traces(connection: Connection, account: UUID, rows: Iterable[tuple[UUID, str]]) -> None:
    """Keep traces of members; what is known already stays."""
    listed: list[Row] = [{"member_id": member, "trace": trace} for member, trace in sorted(set(rows))]
    if not listed:
        return
    source, values = records(_TRACE, listed)
    statement = text(
        f"insert into referral_traces (account_id, member_id, trace) select :account, member_id, trace from {source}"
        " on conflict do nothing"
    )
    connection.execute(statement, {**values, "account": account})


def forget_traces(connection: Connection, members: Sequence[UUID]) -> None:
    """Drop the traces of members."""
    statement = text("delete from referral_traces where member_id = any(cast(:ids as uuid[]))")
    connection.execute(statement, {"ids": list(members)})


def list_shared_traces(connection: Connection, one: UUID, other: UUID) -> list[str]:
    """Return the kinds of traces that two members share."""
    statement = text(
        "select distinct split_part(own.trace, ':', 1) from referral_traces own"
        " join referral_traces same on same.trace = own.trace and same.member_id = :other"
        " where own.member_id = :one order by 1"
    )
    return [row[0] for row in connection.execute(statement, {"one": one, "other": other})]


def add_referral(connection: Connection, account: UUID, referrer: UUID, friend: UUID, now: datetime) -> bool:
    """Write that a member brings a friend; return whether nobody brought him before."""
    statement = text(
        "insert into referrals (account_id, referrer_id, friend_id, claimed_at, status)"
        " values (:account, :referrer, :friend, :now, 'claimed') on conflict do nothing"
    )
    values = {"account": account, "referrer": referrer, "friend": friend, "now": now}
    return bool(connection.execute(statement, values).rowcount)


def find_referral_of(connection: Connection, friend: UUID) -> RowMapping | None:
    """Return who brought a member."""
    statement = text("select * from referrals where friend_id = :friend")
    return connection.execute(statement, {"friend": friend}).mappings().first()


def find_referral(connection: Connection, number: int) -> RowMapping | None:
    """Return a referral, locked."""
    statement = text("select * from referrals where id = :id for update")
    return connection.execute(statement, {"id": number}).mappings().first()


def has_awarded_orders(connection: Connection, member: UUID) -> bool:
    """Return whether a member ever placed an order that counted."""
    statement = text(
        "select exists (select from orders where member_id = :member and award_at is not null and not dead)"
    )
    return bool(connection.execute(statement, {"member": member}).scalar_one())


def claim_open(connection: Connection, after: int, limit: int) -> Sequence[RowMapping]:
    """Return the next open referrals by id, locked, each with the friend's first order that counts since the claim
    (`first_key`, `first_at`), with how the order stands that is paid for (`counts`, `net_base`), and with who stands
    for both sides now.
    """
    statement = text(
        "select referrals.*, first.key as first_key, first.award_at as first_at, friends.key as friend_key,"
        " coalesce(friends.merged_into, friend_id) as friend_now,"
        " coalesce(referrers.merged_into, referrer_id) as referrer_now,"
        " coalesce(paid.counts, 0) as counts, coalesce(paid.net_base, '0') as net_base"
        " from referrals"
        " join members friends on friends.id = friend_id join members referrers on referrers.id = referrer_id"
        " left join orders paid on paid.account_id = referrals.account_id and paid.key = order_key"
        " left join lateral (select key, award_at from orders where orders.account_id = referrals.account_id"
        "   and member_id in (friend_id, friends.merged_into) and award_at >= claimed_at and counts = 1"
        "   and order_key is null"
        "   order by award_at, key limit 1) first on true"
        " where referrals.id > :after and referrals.status in ('claimed', 'pending', 'completed')"
        "   and (referrals.status <> 'completed' or order_key is not null)"  # elsewhere paid: imported
        " order by referrals.id limit :limit for update of referrals"
    )
    return connection.execute(statement, {"after": after, "limit": limit}).mappings().all()


def put_outcomes(connection: Connection, rows: Sequence[Row]) -> None:
    """Write what became of referrals."""
    source, values = records(_OUTCOME, rows)
    updates = ", ".join(f"{name} = rows.{name}" for name in _OUTCOME if name != "id")
    connection.execute(
        text(f"update referrals set {updates} from {source} where referrals.id = rows.id"), values
    )


def review(connection: Connection, number: int, status: str, reason: str, reviewer: str) -> None:
    """Write what somebody decided of a referral."""
    statement = text(
        "update referrals set status = :status, reason = :reason, reviewed_by = :reviewer where id = :id"
    )
    values = {"id": number, "status": status, "reason": reason, "reviewer": reviewer}
    connection.execute(statement, values)


def count_completed(connection: Connection, referrer: UUID, since: datetime | None) -> int:
    """Return for how many friends a member was paid, from an instant on."""
    statement = text(
        "select count(*) from referrals where referrer_id = :referrer and status = 'completed'"
        " and (cast(:since as timestamptz) is null or completed_at >= :since)"
    )
    return int(connection.execute(statement, {"referrer": referrer, "since": since}).scalar_one())


def list_referrals(
    connection: Connection, statuses: Sequence[str], member: UUID | None, before: int | None, limit: int
) -> Sequence[RowMapping]:
    """Return referrals, newest first, below the id `before`, of these statuses (none: all) and of a referrer."""
    statement = text(
        "select id, referrer_id as referrer, friend_id as friend, claimed_at, status, reason, order_key, due_at,"
        " completed_at, reviewed_by from referrals where (cast(:before as bigint) is null or id < :before)"
        " and (cardinality(:statuses) = 0 or status = any(:statuses))"
        " and (cast(:member as uuid) is null or referrer_id = :member) order by id desc limit :limit"
    ).bindparams(bindparam("statuses", type_=ARRAY(Text)))
    values = {"statuses": list(statuses), "member": member, "before": before, "limit": limit}
    return connection.execute(statement, values).mappings().all()
