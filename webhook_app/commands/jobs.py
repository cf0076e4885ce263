"""Run a background job once, here and now, for one store or for all, at a time of one's choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from math import inf

import click
from flask.cli import AppGroup

from loyalty.clock import utc_now
from loyalty.engine.verify import verify_ledger
from loyalty.errors import NotFound
from loyalty.pushes import PushError
from loyalty.reports.waiting import Due, list_due, list_due_imports
from loyalty.stores.service import list_all_stores
from loyalty.values import AccountId, StoreId
from webhook_app.cli import Answer, Moment, command, find_account
from webhook_app.tools import Tools
from workers import (
    automating,
    draining,
    fetching,
    forgetting,
    importing,
    keeping,
    mailing,
    measuring,
    pushing,
    reconciling,
    reminding,
    sealing,
    settling,
    telling,
    tidying,
)
from workers.checking import check_store
from workers.runtime import Runtime

group = AppGroup("jobs", help="Background jobs.")
Place = tuple[AccountId, StoreId]
Job = Callable[[Runtime, list[Place], datetime | None], int]
PASSES = 20


def drain_inbox(runtime: Runtime, places: list[Place], now: datetime | None) -> int:
    """Process what waits in the accounts' inboxes; return how many messages and members."""
    accounts = list(dict.fromkeys(account for account, _ in places))
    return sum(_drain(runtime, account, now) for account in accounts)


def _drain(runtime: Runtime, account: AccountId, now: datetime | None) -> int:
    refolded = draining.refold_account(runtime, account, now)
    return refolded + draining.drain_account(runtime, account, now=now)


def fetch(runtime: Runtime, places: list[Place], now: datetime | None) -> int:
    """Ask the shops what messages only named; return how many messages."""
    return sum(fetching.fetch_store(runtime, account, store, now) for account, store in places)


def deliver_pushes(runtime: Runtime, places: list[Place], now: datetime | None) -> int:
    """Deliver what the shops have to do; return how many were tried."""
    return sum(pushing.push_store(runtime, account, store, now) for account, store in places)


def sweep(runtime: Runtime, places: list[Place], now: datetime | None) -> int:
    """Do everything that may be done now, and what follows from it; return how much."""
    done = 0
    for _ in range(PASSES):
        with runtime.database.transaction(None) as connection:
            due = list_due(connection, now or utc_now())
            due += [Due("import", account, None) for account in list_due_imports(connection)]
        worked = sum(_work(runtime, each, now) for each in due if _is_meant(each, places))
        done += worked
        if not worked:
            break
    return done


def _is_meant(due: Due, places: list[Place]) -> bool:
    return any(due.account == account and due.store in (None, store) for account, store in places)


def _work(runtime: Runtime, due: Due, now: datetime | None) -> int:
    if due.kind == "import":
        return importing.run_imports(runtime, due.account, now)
    if due.store is None:
        return _drain(runtime, due.account, now)
    job = fetch if due.kind == "read" else deliver_pushes
    return job(runtime, [(due.account, due.store)], now)


def verify(runtime: Runtime, places: list[Place], _: datetime | None) -> int:
    """Check the accounts' ledgers; return how many differences there are."""
    found = 0
    for account in dict.fromkeys(account for account, _ in places):
        with runtime.database.transaction(account, steady=True) as connection:
            found += len(verify_ledger(connection, account).differences)
    return found


def _of_accounts(work: Callable[[Runtime, AccountId, datetime | None], int]) -> Job:
    """Return the job that does this work for each account that is meant."""

    def job(runtime: Runtime, places: list[Place], now: datetime | None) -> int:
        return sum(work(runtime, account, now) for account in dict.fromkeys(account for account, _ in places))

    return job


def check_webhooks(runtime: Runtime, places: list[Place], now: datetime | None) -> int:
    """Put back webhooks that shops have disabled or lost, and read what was missed; return how many stores."""
    mended = 0
    for account, store_id in places:
        try:
            done = check_store(runtime, account, store_id, now)
        except PushError as error:
            click.echo(f"store {store_id}: {error.message}", err=True)
            continue
        mended += bool(done)
        if done:
            reconciling.reconcile_store(runtime, account, store_id, "recent", now, seconds=inf)
    return mended


def reconcile(runtime: Runtime, places: list[Place], now: datetime | None) -> int:
    """Compare the shops in depth with our copies, and take what differs; return how many differences there were."""
    found = 0
    for account, store_id in places:
        done = reconciling.reconcile_store(runtime, account, store_id, "deep", now, seconds=inf)
        if done is None:
            click.echo(f"store {store_id}: nothing was compared, see GET /reconciliations", err=True)
        found += done or 0
    return found


def keep_tokens(runtime: Runtime, places: list[Place], now: datetime | None) -> int:
    """Have other tokens for the stores whose present ones are old; return for how many."""
    return sum(keeping.keep_or_tell(runtime, account, store, now) for account, store in places)


JOBS: Mapping[str, Job] = {
    "drain-inbox": drain_inbox,
    "fetch": fetch,
    "deliver-pushes": deliver_pushes,
    "sweep": sweep,
    "expire-points": _of_accounts(settling.expire_points),
    "close-tier-periods": _of_accounts(settling.close_tier_periods),
    "run-automations": _of_accounts(automating.run_automations),
    "deliver-mails": _of_accounts(mailing.deliver_mails),
    "send-reminders": _of_accounts(reminding.send_reminders),
    "tell-matured": _of_accounts(telling.tell_of_matured),
    "judge-discounts": _of_accounts(measuring.judge_discounts),
    "seal-ledger": _of_accounts(sealing.seal_account),
    "run-imports": _of_accounts(importing.run_imports),
    "forget-shops": _of_accounts(forgetting.forget_shops),
    "keep-tokens": keep_tokens,
    "tidy": _of_accounts(tidying.tidy),
    "verify-ledger": verify,
    "check-webhooks": check_webhooks,
    "reconcile": reconcile,
}
OF_CLOSED = {"forget-shops"}
"""Jobs of stores that are not connected any more."""


@command(group, "run")
@click.argument("name", type=click.Choice(list(JOBS)))
@click.option("--store", default="", help="Only for the store, or the account, of this key.")
@click.option("--as-of", type=Moment(), help="The time that counts as now.")
def run(tools: Tools, name: str, store: str, as_of: datetime | None) -> Answer:
    """Run the job NAME once."""
    runtime = Runtime(tools.settings, tools.database, tools.vault, tools.wakes, tools.connectors)
    count = JOBS[name](runtime, _places(tools, store, also_closed=name in OF_CLOSED), as_of)
    exit_code = 1 if name == "verify-ledger" and count else 0
    return Answer({"job": name, "count": count}, [f"{name}: {count}"], exit_code=exit_code)


def _places(tools: Tools, key: str, *, also_closed: bool) -> list[Place]:
    """Return the stores that are meant, connected ones unless also others are: one, those of an account, or all."""
    every = tools.database.single_statement(list_all_stores)
    rows = [row for row in every if also_closed or row["state"] == "connected"]
    places = [(AccountId(row["account_id"]), StoreId(row["store_id"])) for row in rows]
    if not key:
        return places
    account, store = find_account(tools, key)
    meant = [place for place in places if place[0] == account and store in (None, place[1])]
    if not meant:
        raise NotFound(f"There is no connected store of the key {key}.")
    return meant
