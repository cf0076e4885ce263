"""The jobs that queues and clock name; each may run twice, late or in parallel and changes nothing more."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any
from uuid import UUID

import structlog

from loyalty.clock import utc_now
from loyalty.engine.verify import verify_ledger
from loyalty.pushes import PushError
from loyalty.reconciliation.repository import list_unfinished
from loyalty.reports.waiting import list_due, list_due_imports, list_due_members
from loyalty.stores.service import TILL
from loyalty.values import AccountId, StoreId
from workers import (
    automating,
    backfilling,
    checking,
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
    returning,
    sealing,
    settling,
    telling,
    tidying,
)
from workers.each import for_each_account, for_each_store, place_of
from workers.queues import (
    CHECK_STORE,
    CONTINUE_BACKFILL,
    DRAIN_INBOX,
    RECONCILE_STORE,
    RUN_IMPORTS,
    Queues,
)
from workers.runtime import Runtime, runtime

log = structlog.get_logger(__name__)


def drain_inbox(account_id: UUID) -> int:
    """Process what waits for an account for a while, and wake the next job when more is left; the wake mark goes first,
    so that a message committed meanwhile wakes again.
    """
    tools, account = runtime(), AccountId(account_id)
    tools.wakes.clear(Queues.DRAIN, account_id)
    done, is_over = draining.take_in_turns(tools, account, seconds=draining.SECONDS)
    if not is_over:
        tools.wakes.wake_now(Queues.DRAIN, DRAIN_INBOX, account_id, account_id)
    return done


def fetch(account_id: UUID, store_id: UUID) -> int:
    """Ask a store what messages only named."""
    tools = runtime()
    tools.wakes.clear(Queues.FETCH, store_id)
    return fetching.fetch_store(tools, AccountId(account_id), StoreId(store_id))


def deliver_pushes(account_id: UUID, store_id: UUID) -> int:
    """Deliver what a store has to do."""
    tools = runtime()
    tools.wakes.clear(Queues.PUSH, store_id)
    return pushing.push_store(tools, AccountId(account_id), StoreId(store_id))


def settle_members() -> int:
    """Wake the accounts with members whose points or tiers change by themselves by now; return how many."""
    tools = runtime()
    with tools.database.transaction(None) as connection:
        accounts = {due.account for due in list_due_members(connection, utc_now())}
    for account in accounts:
        tools.wakes.wake_now(Queues.DRAIN, "workers.jobs.settle_account", f"settle:{account}", account)
    return len(accounts)


def settle_account(account_id: UUID) -> int:
    """Let points die and close tier periods of an account's members whom nobody loaded; return how many."""
    tools, account = runtime(), AccountId(account_id)
    tools.wakes.clear(Queues.DRAIN, f"settle:{account_id}")
    return settling.expire_points(tools, account) + settling.close_tier_periods(tools, account)


def send_reminders() -> int:
    """Note for every account which members must be told of points or tiers that end soon; return how many notices."""
    return for_each_account(runtime(), "send_reminders", reminding.send_reminders)


def run_automations() -> int:
    """Run every account's automations that time caused; return for how many occasions."""
    return for_each_account(runtime(), "run_automations", automating.run_automations)


def return_points(account_id: UUID) -> int:
    """Give points back for tickets of an account's events that were called off; return for how many."""
    tools, account = runtime(), AccountId(account_id)
    tools.wakes.clear(Queues.DRAIN, f"tickets:{account_id}")
    return returning.return_points(tools, account)


def deliver_mails() -> int:
    """Send the mails that wait in every account; return how many were sent."""
    return for_each_account(runtime(), "deliver_mails", mailing.deliver_mails)


def deliver_account_mails(account_id: UUID) -> int:
    """Send the mails that wait in one account; return how many were sent."""
    tools = runtime()
    tools.wakes.clear(Queues.PUSH, f"mail:{account_id}")
    return mailing.deliver_mails(tools, AccountId(account_id))


def judge_discounts() -> int:
    """Measure in every account what discounts take of the revenue; return in how many it is above the limit."""
    return for_each_account(runtime(), "judge_discounts", measuring.judge_discounts)


def tell_matured() -> int:
    """Have the shops that show points told of those that became usable; return of how many customers."""
    return for_each_account(runtime(), "tell_matured", telling.tell_of_matured)


def seal_ledgers() -> int:
    """Seal what was posted in every account; return how many entries."""
    return for_each_account(runtime(), "seal_ledgers", sealing.seal_account)


def sweep() -> int:
    """Wake everything that waits in PostgreSQL: no wake-up that Redis lost loses work."""
    tools = runtime()
    with tools.database.transaction(None) as connection:
        due = list_due(connection, utc_now())
        imports = list_due_imports(connection)
    for account in imports:
        tools.wakes.wake_now(Queues.DRAIN, RUN_IMPORTS, f"import:{account}", account)
    for work in due:
        if work.kind == "drain":
            tools.wakes.wake(work.account)
        elif work.store is not None:
            queue = Queues.FETCH if work.kind == "read" else Queues.PUSH
            tools.wake_store(queue, work.account, work.store)
    return len(due) + len(imports)


def run_imports(account_id: UUID) -> int:
    """Take what waits of an account's files for a while, and wake the next job when more is left."""
    tools, account = runtime(), AccountId(account_id)
    tools.wakes.clear(Queues.DRAIN, f"import:{account_id}")
    steps = importing.run_imports(tools, account, seconds=importing.SECONDS)
    if steps:
        tools.wakes.wake_now(Queues.DRAIN, RUN_IMPORTS, f"import:{account_id}", account)
    return steps


def tidy() -> int:
    """Delete in every account what is done and older than the retention; return how many rows."""
    return for_each_account(runtime(), "tidy", tidying.tidy)


def forget_shops() -> int:
    """Forget the persons of shops that want it, in every account, for some minutes; return how many persons."""
    deadline = monotonic() + forgetting.SECONDS_AT_ONCE

    def forget(tools: Runtime, account: AccountId) -> int:
        return forgetting.forget_shops(tools, account, seconds=deadline - monotonic())

    return for_each_account(runtime(), "forget_shops", forget)


def keep_tokens() -> int:
    """Have other tokens for the stores whose present ones are old; return for how many."""
    return for_each_store(
        runtime(), "keep_tokens", lambda tools, row: keeping.keep_or_tell(tools, *place_of(row))
    )


def verify_ledgers() -> int:
    """Check every account's ledger against its lots; return how many differences, which are logged as errors."""
    return for_each_account(runtime(), "verify_ledgers", _verify)


def _verify(tools: Runtime, account: AccountId) -> int:
    with tools.database.transaction(account, steady=True) as connection:
        result = verify_ledger(connection, account)
    level = log.error if result.differences else log.info
    level("verified", account=str(account), members=result.members, differences=len(result.differences))
    return len(result.differences)


def check_webhooks() -> int:
    """Have the webhooks of every shop checked; return of how many."""
    return for_each_store(runtime(), "check_webhooks", _wake_check)


def _wake_check(tools: Runtime, row: dict[str, Any]) -> bool:
    store = row["store_id"]
    if row["platform"] == TILL:
        return False
    tools.wakes.wake_now(Queues.READING, CHECK_STORE, f"webhooks:{store}", row["account_id"], store)
    return True


def check_store(account_id: UUID, store_id: UUID) -> int:
    """Put back webhooks that a shop has disabled or lost, note its settings; return how many were mended."""
    tools = runtime()
    tools.wakes.clear(Queues.READING, f"webhooks:{store_id}")
    try:
        done = checking.check_store(tools, AccountId(account_id), StoreId(store_id))
    except PushError as error:
        log.warning("webhooks_not_checked", store=str(store_id), reason=error.reason)
        return 0
    if done:
        _look_over(tools, account_id, store_id, "recent")
    log.info("webhooks_checked", store=str(store_id), mended=done)
    return len(done)


def reconcile() -> int:
    """Have the recent changes of every shop compared with our copies; return of how many."""
    return _look_over_shops("recent", lambda *_: True)


def reconcile_in_depth() -> int:
    """Have the shops compared in depth whose night has come since the last time; return how many."""
    return _look_over_shops("deep", reconciling.is_deep_due)


def poll_silent_shops() -> int:
    """Have the shops asked that delivered nothing lately; return how many."""
    return _look_over_shops("poll", reconciling.is_silent)


def reconcile_store(account_id: UUID, store_id: UUID, kind: str) -> int | None:
    """Make, or go on with, a pass over a store; return how many differences it found, None when it is not over."""
    tools = runtime()
    tools.wakes.clear(Queues.READING, f"{kind}:{store_id}")
    return reconciling.reconcile_store(tools, AccountId(account_id), StoreId(store_id), kind)


def continue_backfill(account_id: UUID, store_id: UUID) -> bool | None:
    """Go on with the backfill of a store; return whether it is over."""
    tools = runtime()
    tools.wakes.clear(Queues.READING, f"backfill:{store_id}")
    return backfilling.run_backfill(tools, AccountId(account_id), StoreId(store_id))


def continue_readings() -> int:
    """Go on with the readings of shops that were interrupted, or waited for their time; return how many."""
    tools = runtime()
    with tools.database.transaction(None) as connection:
        unfinished = list_unfinished(connection, utc_now())
    for kind, account, store in unfinished:
        if kind == "backfill":
            tools.wakes.wake_now(Queues.READING, CONTINUE_BACKFILL, f"{kind}:{store}", account, store)
            continue
        tools.wakes.wake_now(Queues.READING, RECONCILE_STORE, f"{kind}:{store}", account, store, kind)
    return len(unfinished)


def _look_over_shops(kind: str, is_due: Callable[[Runtime, AccountId, StoreId], bool]) -> int:
    def look_over(tools: Runtime, row: dict[str, Any]) -> bool:
        if row["platform"] == TILL or not is_due(tools, *place_of(row)):
            return False
        _look_over(tools, row["account_id"], row["store_id"], kind)
        return True

    return for_each_store(runtime(), f"look_over {kind}", look_over)


def _look_over(tools: Runtime, account: UUID, store: UUID, kind: str) -> None:
    tools.wakes.wake_now(Queues.READING, RECONCILE_STORE, f"{kind}:{store}", account, store, kind)
