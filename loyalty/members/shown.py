"""The customers of a shop who are members, page by page: what a shop shows of them can be compared."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, text


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
