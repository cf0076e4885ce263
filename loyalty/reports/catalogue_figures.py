"""What the catalogue is judged by beside the rules: a member's redemptions and purchases, and how much is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text, Uuid

from loyalty.db import records
from loyalty.rewards.ranking import Purchase
from loyalty.rewards.redemption_repository import STANDS

MOST_ORDERS = 500
"""A member's newest orders that suggestions look at."""
_GROUP = text("select id, email from members where id = :member or merged_into = :member order by id")
_TAKEN = text(
    f"select reward_key, count(*) as taken from redemptions where reward_key = any(:keys) and {STANDS} group by 1"
).bindparams(bindparam("keys", type_=ARRAY(Text)))
_BOUGHT = text(
    "select bought.key, award_at, line ->> 7 as product, line ->> 8 as variation, line -> 10 -> 0 as categories from ("
    "   select key, award_at, snapshot from orders where member_id = any(:members) and award_at <= :now and not ended"
    "   order by award_at desc limit :most) as bought"
    " cross join lateral jsonb_array_elements(snapshot -> 'lines') as line where line ->> 1 = 'product'"
).bindparams(bindparam("members", type_=ARRAY(Uuid)))


def list_group(connection: Connection, member: UUID) -> dict[UUID, str]:
    """Return a member and those who are merged into him, each with his e-mail, empty where it is unknown."""
    return {row.id: row.email for row in connection.execute(_GROUP, {"member": member})}


def count_uses(
    connection: Connection, members: Iterable[UUID], starts: Mapping[str, datetime | None]
) -> dict[str, int]:
    """Return how many redemptions of each reward stand that these members asked for since its start, None: ever; what
    rules gave nobody asked for.
    """
    if not starts:
        return {}
    source, values = records(
        {"key": "text", "since": "timestamptz"},
        [{"key": key, "since": since} for key, since in starts.items()],
    )
    statement = text(
        f"select rows.key, count(*) as uses from {source} join redemptions on reward_key = rows.key and {STANDS}"
        " and number is not null and member_id = any(:members) and (rows.since is null or asked_at >= rows.since)"
        " group by 1"
    ).bindparams(bindparam("members", type_=ARRAY(Uuid)))
    rows = connection.execute(statement, {**values, "members": list(members)})
    return {row.key: row.uses for row in rows}


def count_taken(connection: Connection, keys: Sequence[str]) -> dict[str, int]:
    """Return how many redemptions of each of these rewards stand."""
    if not keys:
        return {}
    rows = connection.execute(_TAKEN, {"keys": list(keys)})
    return {row.reward_key: row.taken for row in rows}


def list_purchases(connection: Connection, members: Iterable[UUID], now: datetime) -> list[Purchase]:
    """Return what these members bought in their newest orders that stand."""
    values = {"members": list(members), "now": now, "most": MOST_ORDERS}
    return [
        Purchase(
            row.key,
            row.award_at,
            frozenset({row.product, row.variation} - {"", "0", None}),
            frozenset(row.categories or ()),
        )
        for row in connection.execute(_BOUGHT, values)
    ]
