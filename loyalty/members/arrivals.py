"""Members who come from another system, in bulk: found by their addresses, named, with their birthdays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from loyalty.db import Row, records
from loyalty.members.identity import Identity, normal_email

_IDENTITY = {"kind": "text", "value": "text", "member_id": "uuid"}
_BORN = {"id": "uuid", "month": "integer", "day": "integer", "year": "integer"}


class Named(NamedTuple):
    """An identity that a member gets."""

    identity: Identity
    member: UUID


def find_by_profile(connection: Connection, emails: Iterable[str]) -> dict[str, set[UUID]]:
    """Return who stands for those whose profiles have these normal addresses, whoever proved them."""
    statement = text(
        "select email, coalesce(merged_into, id) as id from members where lower(email) = any(:emails) and email <> ''"
    ).bindparams(bindparam("emails", type_=ARRAY(Text)))
    found: dict[str, set[UUID]] = {}
    for row in connection.execute(statement, {"emails": sorted({email.lower() for email in emails})}):
        found.setdefault(normal_email(row.email), set()).add(row.id)
    return found


def add_names(connection: Connection, account: UUID, names: Iterable[Named]) -> None:
    """Let identities name members; those that name somebody already stay his."""
    rows: list[Row] = [
        {"kind": it.identity.kind, "value": it.identity.value, "member_id": it.member} for it in sorted(names)
    ]
    source, values = records(_IDENTITY, rows)
    statement = text(
        "insert into member_identities (account_id, kind, value, member_id)"
        f" select :account, kind, value, member_id from {source} on conflict do nothing"
    )
    if rows:
        connection.execute(statement, {**values, "account": account})


def note_birthdays(connection: Connection, rows: Sequence[Row], now: datetime) -> None:
    """Note the birthdays of members (id, month, day, year) of whom none is known."""
    source, values = records(_BORN, rows)
    statement = text(
        "update members set birth_month = rows.month, birth_day = rows.day, birth_year = rows.year,"
        f" birthday_noted_at = :now from {source} where members.id = rows.id and birth_month is null"
    )
    if rows:
        connection.execute(statement, {**values, "now": now})


def unregister(
    connection: Connection, number: int, members: Iterable[UUID], others: Mapping[UUID, int]
) -> None:
    """Let locked members whom only this import registered be registered by another import of `others`, or no more."""
    rows: list[Row] = [{"id": member, "by": others.get(member)} for member in members]
    source, values = records({"id": "uuid", "by": "bigint"}, rows)
    statement = text(
        "update members set registered = rows.by is not null, registered_by = rows.by"
        f" from {source} where members.id = rows.id and registered_by = :number"
    )
    connection.execute(statement, {**values, "number": number})
