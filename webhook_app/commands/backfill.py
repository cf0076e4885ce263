"""Take in the past of a shop here and now, with a bar that grows."""

from __future__ import annotations

import sys
from datetime import datetime
from math import inf
from typing import Any

import click

from loyalty.backfills.repository import Wish, find_backfill
from loyalty.clock import utc_now
from loyalty.engine.past import ask_for_past
from loyalty.errors import Conflict, Invalid, NotFound
from loyalty.programs.service import load_versions
from loyalty.stores.service import get_store, list_places
from loyalty.values import AccountId, StoreId
from webhook_app.api.backfills import BackfillSchema
from webhook_app.cli import ACTOR, Answer, Moment, find_account, run_command
from webhook_app.tools import Tools
from workers.backfilling import run_backfill
from workers.runtime import Runtime

NO_PROGRAM = "No program is published: what was read counts when one is, and the backfill is asked for again."
LABELS = {
    "customers": "customers",
    "orders": "orders",
    "unread": "at which the shop failed, not in these sums",
    "known": "of them counted already",
    "counting": "of them would count",
    "points": "points, in the first tier",
    "points_at_most": "points, in the best tier",
    "points_alive": "points not expired by now",
}


@run_command("backfill", help="Read all past orders and customers of STORE; asked twice it changes nothing.")
@click.argument("store")
@click.option("--from", "since", type=Moment(), help="Leave orders alone that were placed before.")
@click.option("--tiers-only", is_flag=True, help="Orders count toward tiers and give no points.")
@click.option("--preview", is_flag=True, help="Only tell what it would cost in points.")
def backfill(tools: Tools, store: str, since: datetime | None, tiers_only: bool, preview: bool) -> Answer:
    """Take in the past of a shop."""
    account, store_id = _shop(tools, store)
    wish, now = Wish(since, tiers_only, preview), utc_now()
    with tools.database.transaction(account) as connection:
        shop = get_store(connection, tools.vault, store_id)
        asked = ask_for_past(connection, account, shop, wish, now, ACTOR)
        has_program = bool(load_versions(connection, account).programs)
    runtime = Runtime(tools.settings, tools.database, tools.vault, tools.wakes, tools.connectors)
    _run(runtime, account, store_id)
    tools.wake_pushes(account, [store_id])
    with tools.database.transaction(account) as connection:
        row: Any = find_backfill(connection, asked)
    if row["state"] != "done":
        raise Conflict(f"The backfill is not over ({row['percent']} percent): {row['problem']}")
    return Answer(BackfillSchema().dump(row), _lines(row), [] if has_program else [NO_PROGRAM])


def _run(runtime: Runtime, account: AccountId, store: StoreId) -> None:
    """Read to the end; whoever was at it before may have been killed."""
    with click.progressbar(length=100, label="reading", file=sys.stderr) as bar:

        def show(seen: int, total: int) -> None:
            bar.update((100 * seen // total if total else 100) - bar.pos)

        run_backfill(runtime, account, store, seconds=inf, force=True, progress=show)


def _shop(tools: Tools, key: str) -> tuple[AccountId, StoreId]:
    """Return the store of a key, or the only shop of an account; raises NotFound and Invalid."""
    account, store = find_account(tools, key)
    if store is not None:
        return account, store
    with tools.database.transaction(account) as connection:
        shops = [place for place in list_places(connection) if not place.is_till and place.is_connected]
    if not shops:
        raise NotFound(f"There is no connected shop of the key {key}.")
    if len(shops) > 1:
        raise Invalid(f"The account has several shops: {', '.join(place.key for place in shops)}.")
    return account, shops[0].store


def _lines(row: Any) -> list[str]:
    if not row["preview"]:
        return [f"{row['store']}: {row['seen']} customers and orders were read"]
    return [f"{row['figures'].get(name, 0):>10,} {label}" for name, label in LABELS.items()]
