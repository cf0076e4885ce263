"""Allocations of limited campaigns in bulk; what gives or takes back locks the campaign first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text, Uuid

from loyalty.db import Row, records

ALLOCATION = {
    "order_key": "text", "campaign_key": "text", "member_id": "uuid", "granted": "bigint", "returned": "bigint",
}  # fmt: skip
_LIST = text(
    "select order_key, campaign_key, member_id, granted, returned from campaign_allocations"
    " where member_id = any(:members) or order_key = any(:orders) order by order_key, campaign_key"
).bindparams(bindparam("members", type_=ARRAY(Uuid)), bindparam("orders", type_=ARRAY(Text)))
_LOCK = text(
    "insert into campaign_budgets (account_id, campaign_key)"
    " select :account, key from unnest(:keys) as key order by key"
    " on conflict (account_id, campaign_key) do update set used = campaign_budgets.used"
    " returning campaign_key, used"
).bindparams(bindparam("keys", type_=ARRAY(Text)))


def list_allocations(
    connection: Connection, members: Sequence[UUID], orders: Sequence[str]
) -> Sequence[RowMapping]:
    """Return the allocations of these members and of these orders."""
    return connection.execute(_LIST, {"members": list(members), "orders": list(orders)}).mappings().all()


def list_uses(connection: Connection) -> Sequence[tuple[str, int, int]]:
    """Return of each campaign the points in use as they are counted, and as its allocations sum up."""
    statement = text(
        "select campaign_key, coalesce(max(budget.used), 0), coalesce(sum(given.granted - given.returned), 0)"
        " from campaign_budgets budget full join campaign_allocations given using (account_id, campaign_key)"
        " group by campaign_key order by campaign_key"
    )
    return [(key, int(counted), int(used)) for key, counted, used in connection.execute(statement)]


def list_budgets(connection: Connection) -> dict[str, int]:
    """Return the points in use of each campaign, unlocked."""
    rows = connection.execute(text("select campaign_key, used from campaign_budgets"))
    return {row.campaign_key: row.used for row in rows}


def lock_budgets(connection: Connection, account: UUID, keys: Sequence[str]) -> dict[str, int]:
    """Lock campaigns in sorted order, known or not; return the points in use of each."""
    rows = connection.execute(_LOCK, {"account": account, "keys": sorted(keys)})
    return {row.campaign_key: row.used for row in rows}


def put_allocations(
    connection: Connection, account: UUID, rows: Sequence[Row], used: Mapping[str, int]
) -> None:
    """Write allocations, and the points in use of their campaigns, whose rows must be locked."""
    source, values = records(ALLOCATION, rows)
    budgets = [{"campaign_key": key, "used": points} for key, points in used.items()]
    totals, more = records({"campaign_key": "text", "used": "bigint"}, budgets, "budgets")
    names = ", ".join(ALLOCATION)
    statement = text(
        f"with counted as (update campaign_budgets set used = budgets.used from {totals}"
        "   where campaign_budgets.campaign_key = budgets.campaign_key)"
        f" insert into campaign_allocations (account_id, {names}) select :account, {names} from {source}"
        " on conflict (account_id, order_key, campaign_key) do update set"
        " member_id = excluded.member_id, granted = excluded.granted, returned = excluded.returned"
    )
    connection.execute(statement, {**values, **more, "account": account})
