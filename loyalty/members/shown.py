"""Which customers of a shop are which members: what a shop shows of them, or binds to them, can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid


def list_shown_customers(
    connection: Connection, store_number: int, after: str, limit: int
) -> Sequence[RowMapping]:
    """Return the next customers of a store, by identity, who are members: `value`, and who stands for them in which
    tier.
    """
    statement = text(
        "select i.value, m.id as member_id, m.tier_key from member_identities i"
        " join members own on own.id = i.member_id join members m on m.id = coalesce(own.merged_into, own.id)"
        " where i.kind = 'customer' and i.value > :after and starts_with(i.value, :prefix)"
        " and m.tier_key is not null order by i.value limit :limit"
    )
    values = {"after": after, "prefix": f"{store_number}:", "limit": limit}
    return connection.execute(statement, values).mappings().all()


def list_matured_customers(
    connection: Connection, store_number: int, since: datetime, until: datetime, after: str, limit: int
) -> Sequence[RowMapping]:
    """Return the next customers of a store, by identity, of whom points became usable by time in `(since, until]`:
    `value`, and who stands for them in which tier.
    """
    statement = text(
        "with matured as (select distinct member_id from lots where available_from > created_at"
        "   and available_from > :since and available_from <= :until and remaining > 0)"
        " select i.value, m.id as member_id, m.tier_key from matured"
        " join members m on m.id = matured.member_id and m.tier_key is not null"
        " join members own on own.id = m.id or own.merged_into = m.id"
        " join member_identities i on i.member_id = own.id and i.kind = 'customer'"
        " where i.value > :after and starts_with(i.value, :prefix) order by i.value limit :limit"
    )
    values = {"since": since, "until": until, "after": after, "prefix": f"{store_number}:", "limit": limit}
    return connection.execute(statement, values).mappings().all()


def list_customers_of(connection: Connection, members: Iterable[UUID]) -> set[tuple[UUID, str]]:
    """Return members with the customers, as `store number:id`, who are the same person: also those of members who are
    merged into one another.
    """
    statement = text(
        "with persons as (select id, coalesce(merged_into, id) as person from members where id = any(:ids))"
        " select persons.id, i.value from persons"
        " join members own on own.id = persons.person or own.merged_into = persons.person"
        " join member_identities i on i.member_id = own.id and i.kind = 'customer'"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    return {(id_, value) for id_, value in connection.execute(statement, {"ids": sorted(members)})}
