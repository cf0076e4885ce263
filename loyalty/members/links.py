"""Links that prove an e-mail address: asked for, found by the token's hash, used once (RULES §8)."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

LIFE = timedelta(hours=24)


def sha256(token: str) -> bytes:
    """Return under what a token is stored."""
    return hashlib.sha256(token.encode()).digest()


def add_link(
    connection: Connection, account: UUID, token: str, member: UUID, email: str, now: datetime
) -> datetime:
    """Keep a link of a member for an address; return when it ends."""
    statement = text(
        "insert into links (account_id, token_sha256, member_id, email, created_at, expires_at)"
        " values (:account, :token, :member, :email, :now, :end)"
    )
    values = {"account": account, "token": sha256(token), "member": member, "email": email}
    connection.execute(statement, {**values, "now": now, "end": now + LIFE})
    return now + LIFE


def count_links(connection: Connection, member: UUID, email: str, since: datetime) -> tuple[int, int]:
    """Return how many links a member asked for since an instant, and how many were mailed to an address."""
    statement = text(
        "select count(*) filter (where member_id = :member), count(*) filter (where email = :email) from links"
        " where created_at > :since"
    )
    row = connection.execute(statement, {"member": member, "email": email, "since": since}).one()
    return int(row[0]), int(row[1])


def use_link(connection: Connection, token: str, now: datetime) -> RowMapping | None:
    """Use a link up and return it; None when there is no such link that waits and has not ended."""
    statement = text(
        "update links set used_at = :now where token_sha256 = :token and used_at is null and expires_at > :now"
        " returning member_id, email"
    )
    return connection.execute(statement, {"token": sha256(token), "now": now}).mappings().first()


def forget_links(connection: Connection, members: list[UUID]) -> None:
    """Delete the links of members who were erased."""
    statement = text("delete from links where member_id = any(:members)")
    connection.execute(statement.bindparams(bindparam("members", type_=ARRAY(Uuid))), {"members": members})
