"""Passes over shops: begin one or go on with one that was interrupted, note what it found, list them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from loyalty.db import json_text
from loyalty.values import AccountId, StoreId

MOST_EXAMPLES = 100
_BEGIN = text(
    "insert into reconciliations (account_id, store_id, kind, started_at, leased_until)"
    " values (:account, :store, :kind, :now, :until)"
    " on conflict (store_id, kind) where state = 'running' do update set leased_until = excluded.leased_until"
    " where coalesce(reconciliations.leased_until, :now) <= :now"
    " returning id, kind, stage, cursor, started_at"
)
_ADVANCE = text(
    "update reconciliations set stage = :stage, cursor = :cursor, leased_until = :until, seen = seen + :seen,"
    " found = found + :found, differences = (select coalesce(jsonb_object_agg(key, value), '{}') from ("
    "   select key, sum(cast(value as bigint)) as value from ("
    "     select * from jsonb_each_text(differences) union all select * from jsonb_each_text(cast(:counts as jsonb))"
    "   ) as both_counts group by key) as sums),"
    " examples = case when jsonb_array_length(examples) < :most then examples || cast(:examples as jsonb)"
    "   else examples end"
    " where id = :id"
)


@dataclass(frozen=True, slots=True)
class Run:
    """A pass over a shop that runs: `stage` and `cursor` say where it goes on, empty at its beginning."""

    id: int
    kind: str
    stage: str
    cursor: str
    started_at: datetime


def begin(
    connection: Connection, account: AccountId, store: StoreId, kind: str, now: datetime, until: datetime
) -> Run | None:
    """Begin a pass, or go on with one whose lease is over; None when somebody else is at it."""
    values = {"account": account, "store": store, "kind": kind, "now": now, "until": until}
    row = connection.execute(_BEGIN, values).first()
    return Run(*row) if row else None


def advance(
    connection: Connection, run: int, stage: str, cursor: str, seen: int, found: Mapping[str, str], until: datetime
) -> None:  # fmt: skip
    """Note how far a pass is, how much it saw, and by subject in what each difference consists; keep it leased."""
    counts: dict[str, int] = {}
    for reason in found.values():
        counts[reason] = counts.get(reason, 0) + 1
    examples = [{"subject": subject, "reason": reason} for subject, reason in found.items()]
    values = {
        "id": run, "stage": stage, "cursor": cursor, "seen": seen, "found": len(found), "counts": json_text(counts),
        "examples": json_text(examples[:MOST_EXAMPLES]), "most": MOST_EXAMPLES, "until": until,
    }  # fmt: skip
    connection.execute(_ADVANCE, values)


def pause(connection: Connection, run: int, until: datetime | None = None, problem: str = "") -> None:
    """Let go of a pass that is to be gone on with soon, or from an instant on for a problem, which stays noted."""
    statement = text(
        "update reconciliations set leased_until = :until, problem = coalesce(nullif(:problem, ''), problem)"
        " where id = :id"
    )
    connection.execute(statement, {"id": run, "until": until, "problem": problem[:500]})


def finish(connection: Connection, run: int, now: datetime, problem: str = "") -> RowMapping:
    """End a pass: well, or failed with a problem; return its row. A mere poll that found nothing is forgotten."""
    statement = text(
        "update reconciliations set state = :state, problem = :problem, finished_at = :now, leased_until = null"
        " where id = :id returning *"
    )
    values = {"id": run, "state": "failed" if problem else "done", "problem": problem[:500], "now": now}
    row = connection.execute(statement, values).mappings().one()
    if row["kind"] == "poll" and not problem and not row["found"]:
        connection.execute(text("delete from reconciliations where id = :id"), {"id": run})
    return row


def find_last_start(connection: Connection, store: StoreId, kind: str) -> datetime | None:
    """Return when the last pass of a kind over a store began that ended well, or goes on still."""
    statement = text(
        "select max(started_at) from reconciliations where store_id = :store and kind = :kind and state <> 'failed'"
    )
    found: datetime | None = connection.execute(statement, {"store": store, "kind": kind}).scalar_one()
    return found


def ended_badly_before(connection: Connection, store: StoreId, run: int) -> bool:
    """Return whether the pass over a store that ended last failed, or this one had to wait for the shop."""
    statement = text(
        "select exists (select from reconciliations where id = :run and problem <> '') or coalesce(("
        "   select problem <> '' from reconciliations where store_id = :store and id <> :run and state <> 'running'"
        "   order by finished_at desc, id desc limit 1), false)"
    )
    return bool(connection.execute(statement, {"store": store, "run": run}).scalar())


def list_unfinished(connection: Connection, now: datetime) -> list[tuple[str, AccountId, StoreId]]:
    """Return kind, account and store of the passes, and of backfills, that nobody is at; works without an account."""
    rows = connection.execute(
        text("select kind, account_id, store_id from laurel_unfinished(:now)"), {"now": now}
    )
    return [(kind, AccountId(account), StoreId(store)) for kind, account, store in rows]


def forget_old(connection: Connection, before: datetime) -> None:
    """Delete the reports of passes that began before an instant."""
    statement = text("delete from reconciliations where started_at < :before and state <> 'running'")
    connection.execute(statement, {"before": before})


def list_runs(
    connection: Connection, before: int | None, limit: int, store: StoreId | None = None
) -> Sequence[RowMapping]:
    """Return passes below the id `before`, newest first, of one store or of all, with the key of their store."""
    statement = text(
        "select r.*, s.key as store from reconciliations r join stores s on s.id = r.store_id"
        " where (cast(:before as bigint) is null or r.id < :before)"
        " and (cast(:store as uuid) is null or r.store_id = :store) order by r.id desc limit :limit"
    )
    values: dict[str, Any] = {"before": before, "limit": limit, "store": store}
    return connection.execute(statement, values).mappings().all()
