"""What RULES §2 promises of a whole account, read from the database in a form that can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from loyalty.engine import codec
from loyalty.ledger.lots import balance_of
from loyalty.values import AccountId
from workers.runtime import Runtime

Rows = list[tuple[Any, ...]]
PARTS = {
    "points": "select m.key, e.cause, sum(e.points) from ledger_entries e join members m on m.id = e.member_id"
    " group by 1, 2 having sum(e.points) <> 0 order by 1, 2",
    "lots": "select m.key, l.cause, l.points, l.remaining, l.expired, l.available_from, l.expires_at from lots l"
    " join members m on m.id = l.member_id order by 1, 2",
    "credit": "select m.key, e.cause, sum(e.amount) from credit_entries e join members m on m.id = e.member_id"
    " group by 1, 2 having sum(e.amount) <> 0 order by 1, 2",
    "members": "select key, tier_key, debt, held, points_sum, coalesce(credit, 0) as credit, joined_at, order_count,"
    " lifetime_spend, lifetime_orders, lifetime_points from members where joined_at is not null order by 1",
    "periods": "select m.key, p.number, p.tier_key, p.entry, p.started_at, p.cause, p.rewarded, p.reason"
    " from tier_periods p join members m on m.id = p.member_id order by 1, 2",
    "orders": "select o.key, case when o.award_at is not null then m.key end, o.award_at,"
    " o.points, o.counted, o.net_base, o.counts, o.forgiven, o.tier_key"
    " from orders o left join members m on m.id = o.member_id order by 1",
    "coupons": "select m.key, c.cause from coupons c join members m on m.id = c.member_id"
    " where c.state in ('requested', 'issued') order by 1, 2",
    "redemptions": "select m.key, r.number, r.reward_key, r.points, r.state, r.ended_at, r.uses, r.used_by, r.restored"
    " from redemptions r join members m on m.id = r.member_id order by 1, 2",
}


def dump(runtime: Runtime, account: AccountId, instants: Iterable[datetime] = ()) -> dict[str, Rows]:
    """Return the promised figures of an account by member key, order key and cause; no id made at random is in it."""
    with runtime.database.transaction(account) as connection:
        found = {name: rows(connection, statement) for name, statement in PARTS.items()}
        moments = list(instants)
        found["balances"] = [balance for instant in moments for balance in balances(connection, instant)]
        found["purses"] = [figures for instant in moments for figures in purses(connection, instant)]
    return found


def differences(here: dict[str, Rows], there: dict[str, Rows]) -> dict[str, tuple[Rows, Rows]]:
    """Return of each figure that differs between two accounts the rows that only the one has, and only the other."""
    return {
        part: ([row for row in own if row not in there[part]], [row for row in there[part] if row not in own])
        for part, own in here.items()
        if own != there[part]
    }


def purses(connection: Connection, instant: datetime) -> Rows:
    """Return the store credit of each member at an instant who has any, available, pending and held."""
    statement = text("select * from members where coalesce(credit, 0) <> 0 or head ? 'credit' order by key")
    found = connection.execute(statement).mappings()
    return [(row["key"], codec.member_state(row).credit.figures(instant)) for row in found]


def balances(connection: Connection, instant: datetime) -> Rows:
    """Return available, pending, held and debt of each member at an instant."""
    statement = text(
        "select m.key as owner, m.debt, m.held, l.* from members m join lots l on l.member_id = m.id order by 1"
    )
    lots: dict[tuple[str, int, int], list[Any]] = {}
    for row in connection.execute(statement).mappings():
        lots.setdefault((row["owner"], row["debt"], row["held"]), []).append(codec.lot(row))
    return [(owner, balance_of(own, debt, instant, held)) for (owner, debt, held), own in lots.items()]


def rows(connection: Connection, statement: str) -> Rows:
    """Return the rows of a query."""
    return [tuple(row) for row in connection.execute(text(statement))]


def statuses(runtime: Runtime, account: AccountId) -> Sequence[tuple[Any, ...]]:
    """Return how many messages of an account stand where."""
    with runtime.database.transaction(account) as connection:
        return rows(connection, "select status, count(*) from inbox_messages group by 1 order by 1")
