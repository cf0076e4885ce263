"""What of a shop's past counts: before the account's first version, and whether it gives points.

Both are properties of the account, not of how an order came: a version that lies before the first one, and for a store
the instant before which its orders count toward tiers only. So every fold comes to the same, whatever arrived when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from loyalty.accounts.service import lock_account
from loyalty.activity.service import note
from loyalty.backfills import repository as backfills
from loyalty.backfills.repository import Wish
from loyalty.errors import Conflict, Invalid
from loyalty.members.repository import mark_all_for_refold
from loyalty.programs.document import Context
from loyalty.programs.program import Program, Versions
from loyalty.programs.repository import add_version, list_versions
from loyalty.programs.service import acted_on, read_version
from loyalty.stores.service import Store, set_points_from
from loyalty.values import AccountId

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""Before any order."""
WITHOUT = frozenset({"automations", "campaigns", "referral", "cash_back", "messages"})
"""What nobody was promised before the program began."""
_HAS_EARNED = text("select exists (select from orders where store_id = :store and points > 0)")
Row = Mapping[Any, Any]


def ask_for_past(
    connection: Connection, account: AccountId, store: Store, wish: Wish, now: datetime, actor: str
) -> UUID:
    """Open a store's past as wished and have it read; return the backfill's id. Raises Invalid and Conflict.

    The same wish again goes on with what runs, or begins anew and changes nothing.
    """
    lock_account(connection)
    if store.is_till or not store.is_connected:
        raise Invalid("Only the past of a connected shop can be read.")
    if wish.since is not None and wish.since >= now:
        raise Invalid("The past must lie behind.", {"/from": ["Must lie behind."]})
    running = _find_same(connection, store, wish, now)
    if running is not None:
        return running
    if not wish.preview:
        _check_choice(connection, store, wish)
        if wish.tiers_only:
            _end_past(connection, store, now)
        told = {"from": wish.since.isoformat() if wish.since else None, "tiers_only": wish.tiers_only}
        note(connection, account, actor, "backfill.asked", store.key, **told)
    return backfills.add(connection, account, store.id, wish, actor, now)


def _find_same(connection: Connection, store: Store, wish: Wish, now: datetime) -> UUID | None:
    """Return what runs of the very same wish; a preview gives way to another one. Raises Conflict."""
    running = backfills.find_running(connection, store.id)
    if running is None:
        return None
    if Wish(running["since"], running["tiers_only"], running["preview"]) == wish:
        return UUID(str(running["id"]))
    if not running["preview"]:
        raise Conflict("Another backfill of this store runs.", backfill=running["id"])
    backfills.finish(connection, running["id"], now, "Something else was asked for.")
    return None


def _check_choice(connection: Connection, store: Store, wish: Wish) -> None:
    """The choice between points and tiers only is made once: points that were given are not taken back by it."""
    chosen = backfills.find_choice(connection, store.id)
    if chosen is None or chosen == wish.tiers_only:
        return
    how = "for tiers only" if chosen else "with its points"
    raise Conflict(f"The past of this store was taken in {how}; that stays so.")


def _end_past(connection: Connection, store: Store, now: datetime) -> None:
    """Let what was paid before now, or before the store's orders earned by themselves, count toward tiers only."""
    if store.points_from is None:
        set_points_from(connection, store.id, _end_of_past(connection, store, list_versions(connection), now))
        mark_all_for_refold(connection)


def open_past(connection: Connection, account: AccountId, since: datetime | None, now: datetime) -> None:
    """Let what was paid from an instant, None: always, and before the first version count by that one's rules. Once it
    is all read: so each member is folded once, and nothing is awarded by halves. A repeat changes nothing.
    """
    lock_account(connection)
    rows, start = list_versions(connection), since or ALWAYS
    if rows and start < rows[0]["effective_from"]:
        row = dict(rows[0])
        context = Context(row["currency"], row["time_zone"], row["decimals"])
        add_version(connection, account, past_document(row), context, start, now, past=True)
        mark_all_for_refold(connection)


def past_document(row: Row) -> dict[str, Any]:
    """Return the first version's document for what lies before it: how orders are rated, tiers, expiry, refunds."""
    document = acted_on(row["document"], row["acts_on"])
    return {name: part for name, part in document.items() if name not in WITHOUT}


def _end_of_past(connection: Connection, store: Store, rows: Any, now: datetime) -> datetime:
    """Return before when orders give no points: now, unless orders of the store have given some already; then when it
    was connected and a program was there.
    """
    if not connection.execute(_HAS_EARNED, {"store": store.id}).scalar_one():
        return now
    starts = [row["effective_from"] for row in rows if not row["past"]]
    return max(store.connected_at, min(starts, default=store.connected_at))


def suppose_past(
    connection: Connection, versions: Versions, store: Store, wish: Wish, now: datetime
) -> Versions:
    """Return the versions as they would be with the past opened as wished."""
    rows = list_versions(connection)
    programs: tuple[Program, ...] = versions.programs
    start = wish.since or ALWAYS
    if rows and start < rows[0]["effective_from"]:
        row = {**dict(rows[0]), "document": past_document(rows[0]), "acts_on": 3, "past": True, "version": 0}
        programs = (replace(read_version(row), effective_from=start), *programs)
    points_from = dict(versions.points_from)
    if wish.tiers_only and store.points_from is None:
        points_from[store.id] = _end_of_past(connection, store, rows, now)
    return Versions(programs, points_from)
