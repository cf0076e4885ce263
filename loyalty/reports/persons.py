"""Who a member is, beside where he stands: what names him, his birthday, what he agreed to."""

from __future__ import annotations

from dataclasses import fields
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from loyalty.members.birthdays import find_birthday
from loyalty.members.consents import read_consents
from loyalty.members.repository import list_identities
from loyalty.reports.standing import Standing


def read_person(connection: Connection, standing: Standing) -> dict[str, Any]:
    """Return a member's standing with his identities, birthday and consents, those of who is merged into him too."""
    member = standing.id
    roots = list_roots(connection, member)
    shown = {field.name: getattr(standing, field.name) for field in fields(standing)}
    identities = [
        {"kind": row["kind"], "value": row["value"], "member": row["member_id"]}
        for row in list_identities(connection, roots)
    ]
    birthday = find_birthday(connection, member)
    return {
        **shown,
        "identities": identities,
        "birthday": birthday._asdict() if birthday else None,
        "consents": read_consents(connection, roots),
    }


def list_roots(connection: Connection, member: UUID) -> list[UUID]:
    """Return a member and everybody who is merged into him."""
    statement = text(
        "select id from members where id = :member or merged_into = :member order by id <> :member, id"
    )
    return list(connection.execute(statement, {"member": member}).scalars())
