"""Mails: written, claimed with a lease, and what became of them; their contents are sealed while they wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid


def add_mail(connection: Connection, account: UUID, member: UUID, sealed: bytes) -> None:
    """Write a mail that is to be sent."""
    statement = text("insert into mails (account_id, member_id, sealed) values (:account, :member, :sealed)")
    connection.execute(statement, {"account": account, "member": member, "sealed": sealed})


def claim_mails(connection: Connection, now: datetime, limit: int, lease: timedelta) -> Sequence[RowMapping]:
    """Return mails that are due and that nobody sends, oldest first; they are this caller's until the lease ends."""
    statement = text(
        "with due as (select id from mails where status = 'waiting' and coalesce(not_before, :now) <= :now"
        "   order by id limit :limit for no key update skip locked)"
        " update mails set not_before = :until, attempts = attempts + 1 from due where mails.id = due.id"
        " returning mails.id, mails.sealed, mails.attempts"
    )
    values = {"now": now, "limit": limit, "until": now + lease}
    return connection.execute(statement, values).mappings().all()


def put_back_mails(connection: Connection, mails: Sequence[int]) -> None:
    """Let claimed mails that nobody tried to send wait until their lease ends; the attempt does not count."""
    statement = text(
        "update mails set attempts = attempts - 1 where id = any(:mails) and status = 'waiting'"
    ).bindparams(bindparam("mails", type_=ARRAY(BigInteger)))
    connection.execute(statement, {"mails": list(mails)})


def lock_waiting(connection: Connection) -> Sequence[RowMapping]:
    """Return id and sealed contents of every mail that waits, and lock them."""
    statement = text("select id, sealed from mails where status = 'waiting' order by id for no key update")
    return connection.execute(statement).mappings().all()


def settle_mails(
    connection: Connection, mails: Sequence[int], status: str, detail: str, now: datetime
) -> None:
    """Note that mails were sent, or failed for good; their contents go."""
    statement = text(
        "update mails set status = :status, detail = :detail, sealed = null, done_at = :now"
        " where id = any(:mails) and status = 'waiting'"
    ).bindparams(bindparam("mails", type_=ARRAY(BigInteger)))
    connection.execute(statement, {"mails": list(mails), "status": status, "detail": detail, "now": now})


def postpone_mail(connection: Connection, mail: int, not_before: datetime, detail: str) -> None:
    """Let a mail be sent again later."""
    statement = text(
        "update mails set not_before = :at, detail = :detail where id = :mail and status = 'waiting'"
    )
    connection.execute(statement, {"mail": mail, "at": not_before, "detail": detail})


def give_up_mails(connection: Connection, members: Sequence[UUID], now: datetime) -> None:
    """Send nothing more that waits for members who were erased."""
    statement = text(
        "update mails set status = 'failed', detail = 'erased', sealed = null, done_at = :now"
        " where status = 'waiting' and member_id = any(:members)"
    ).bindparams(bindparam("members", type_=ARRAY(Uuid)))
    connection.execute(statement, {"members": list(members), "now": now})
