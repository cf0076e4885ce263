"""Which members are meant: a page of them, or those of an e-mail address."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, text


def list_enrolled(connection: Connection, email: str | None, after: UUID | None, limit: int) -> list[UUID]:
    """Return enrolled members by id, above the id `after`; with an e-mail only those of it, whatever its case."""
    statement = text(
        "select id from members where enrolled and id > coalesce(cast(:after as uuid), :first)"
        " and (cast(:email as text) is null or lower(email) = lower(:email)) order by id limit :limit"
    )
    address = email.strip() if email is not None else None
    values = {"after": after, "first": UUID(int=0), "email": address, "limit": limit}
    return list(connection.execute(statement, values).scalars())


def list_ids_of_email(connection: Connection, email: str) -> list[UUID]:
    """Return everybody of an e-mail address, members first, then whom the shop knows best."""
    statement = text(
        "select id from members where lower(email) = lower(:email) order by enrolled desc, registered desc, id"
    )
    return list(connection.execute(statement, {"email": email.strip()}).scalars())
