"""Backfills: ask for one, claim it with a lease, note how far it is, list them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, text

from loyalty.db import json_text
from loyalty.values import AccountId, StoreId, new_id

_WITH_STORE = (
    "select b.*, s.key as store, case when b.state = 'done' then 100 when b.total = 0 then 0"
    " else least(99, 100 * b.seen / b.total) end as percent from backfills b join stores s on s.id = b.store_id"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What of the past is asked for: orders placed from `since`, None: all; for tiers only, or with their points;
    `preview`: only what it would cost.
    """

    since: datetime | None = None
    tiers_only: bool = False
    preview: bool = False


def add(
    connection: Connection, account: AccountId, store: StoreId, wish: Wish, actor: str, now: datetime
) -> UUID:
    """Write a backfill that is to begin; return its id. None other of the store may run."""
    id_ = new_id()
    statement = text(
        "insert into backfills (id, account_id, store_id, since, tiers_only, preview, actor, asked_at)"
        " values (:id, :account, :store, :since, :tiers_only, :preview, :actor, :now)"
    )
    values = {
        "id": id_, "account": account, "store": store, "since": wish.since, "tiers_only": wish.tiers_only,
        "preview": wish.preview, "actor": actor, "now": now,
    }  # fmt: skip
    connection.execute(statement, values)
    return id_


def find_running(connection: Connection, store: StoreId) -> RowMapping | None:
    """Return the backfill of a store that is not over."""
    statement = text("select * from backfills where store_id = :store and state = 'running'")
    return connection.execute(statement, {"store": store}).mappings().first()


def find_choice(connection: Connection, store: StoreId) -> bool | None:
    """Return whether the past of a store was taken in for tiers only, None when nobody asked for it yet."""
    statement = text(
        "select tiers_only from backfills where store_id = :store and not preview order by asked_at desc limit 1"
    )
    found: bool | None = connection.execute(statement, {"store": store}).scalar_one_or_none()
    return found


def claim(
    connection: Connection, store: StoreId, now: datetime, until: datetime, *, force: bool
) -> RowMapping | None:
    """Lease the backfill of a store that is not over; `force`: also from somebody who may be at it still."""
    statement = text(
        "update backfills set leased_until = :until, attempts = attempts + 1, not_before = null"
        " where store_id = :store and state = 'running' and (:force"
        "   or (coalesce(leased_until, :now) <= :now and coalesce(not_before, :now) <= :now)) returning *"
    )
    values = {"store": store, "now": now, "until": until, "force": force}
    return connection.execute(statement, values).mappings().first()


def set_total(connection: Connection, backfill: UUID, total: int) -> None:
    """Note how many customers and orders there are to be read."""
    connection.execute(
        text("update backfills set total = :total where id = :id"), {"id": backfill, "total": total}
    )


def advance(
    connection: Connection,
    backfill: UUID,
    cursor: str,
    seen: int,
    figures: Mapping[str, Any],
    until: datetime,
) -> None:
    """Note where the reading goes on, how much more was read, and what a preview found so far; keep it leased."""
    statement = text(
        "update backfills set cursor = :cursor, seen = seen + :seen, figures = cast(:figures as jsonb),"
        " leased_until = :until, attempts = 0, problem = '' where id = :id"
    )
    values = {
        "id": backfill, "cursor": cursor, "seen": seen, "figures": json_text(dict(figures)), "until": until,
    }  # fmt: skip
    connection.execute(statement, values)


def pause(
    connection: Connection, backfill: UUID, not_before: datetime | None = None, problem: str = ""
) -> None:
    """Let go of a backfill that is to be gone on with: at once, or when a shop in trouble may be asked again."""
    statement = text(
        "update backfills set leased_until = null, not_before = :not_before, problem = :problem where id = :id"
    )
    connection.execute(statement, {"id": backfill, "not_before": not_before, "problem": problem[:500]})


def finish(connection: Connection, backfill: UUID, now: datetime, problem: str = "") -> None:
    """End a backfill: well, or failed with a problem."""
    statement = text(
        "update backfills set state = :state, problem = :problem, finished_at = :now, leased_until = null"
        " where id = :id and state = 'running'"
    )
    values = {"id": backfill, "state": "failed" if problem else "done", "problem": problem[:500], "now": now}
    connection.execute(statement, values)


def find_backfill(connection: Connection, backfill: UUID) -> RowMapping | None:
    """Return a backfill with the key of its store and how far it is in percent."""
    return connection.execute(text(f"{_WITH_STORE} where b.id = :id"), {"id": backfill}).mappings().first()


def list_backfills(connection: Connection, before: UUID | None, limit: int) -> Sequence[RowMapping]:
    """Return backfills below the id `before`, newest first."""
    statement = text(
        f"{_WITH_STORE} where (cast(:before as uuid) is null or b.id < :before) order by b.id desc limit :limit"
    )
    return connection.execute(statement, {"before": before, "limit": limit}).mappings().all()
