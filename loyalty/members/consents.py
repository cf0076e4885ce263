"""What members agreed to and what not, as a log that only grows (S148)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid


@dataclass(frozen=True, slots=True)
class Consent:
    """One word of a person: a purpose granted or withdrawn, where he said so, and to which wording."""

    purpose: str
    granted: bool
    source: str
    wording: str
    at: datetime


def add_consent(connection: Connection, account: UUID, member: UUID, consent: Consent, actor: str) -> int:
    """Write one word down; return its number."""
    statement = text(
        "insert into consents (account_id, member_id, purpose, granted, source, wording, actor, at)"
        " values (:account, :member, :purpose, :granted, :source, :wording, :actor, :at) returning id"
    )
    values = {
        "account": account, "member": member, "purpose": consent.purpose, "granted": consent.granted,
        "source": consent.source, "wording": consent.wording, "actor": actor, "at": consent.at,
    }  # fmt: skip
    return int(connection.execute(statement, values).scalar_one())


def list_consents(
    connection: Connection, member: UUID | None, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Return the log below an id, newest first; of a member with those who are merged into him."""
    statement = text(
        "select id, member_id as member, purpose, granted, source, wording, actor, at from consents"
        " where (cast(:member as uuid) is null or member_id in"
        "   (select id from members where id = :member or merged_into = :member))"
        " and (cast(:before as bigint) is null or id < :before) order by id desc limit :limit"
    )
    values = {"member": member, "before": before, "limit": limit}
    return [dict(row) for row in connection.execute(statement, values).mappings()]


def read_consents(connection: Connection, members: list[UUID]) -> dict[str, bool]:
    """Return what holds now for a person who is these members: the last word on each purpose."""
    statement = text(
        "select distinct on (purpose) purpose, granted from consents where member_id = any(:members)"
        " order by purpose, at desc, id desc"
    ).bindparams(bindparam("members", type_=ARRAY(Uuid)))
    return {row.purpose: row.granted for row in connection.execute(statement, {"members": members})}
