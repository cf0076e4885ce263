"""Run the automations that time causes, account by account, in bounded batches; late or twice changes nothing."""

from __future__ import annotations

from datetime import datetime

import structlog

from loyalty.clock import utc_now
from loyalty.engine.occasions import Rule
from loyalty.engine.referring import advance
from loyalty.engine.running import FIRST, Ran, list_rules, run_page, run_segment_changes
from loyalty.values import AccountId, StoreId
from workers.queues import Queues
from workers.returning import return_points
from workers.runtime import Runtime

BATCH = 400

log = structlog.get_logger(__name__)


def run_automations(runtime: Runtime, account: AccountId, now: datetime | None = None) -> int:
    """Run everything that is due; return for how many occasions."""
    at = now or utc_now()
    with runtime.database.transaction(account) as connection:
        rules = list_rules(connection, runtime.book(connection, account, set()), at)
    done = sum(_run_rule(runtime, account, rule, at) for rule in rules) + _run_changes(runtime, account, at)
    done += _advance_referrals(runtime, account, at) + return_points(runtime, account, at)
    log.info("automated", account=str(account), occasions=done)
    return done


def _run_rule(runtime: Runtime, account: AccountId, rule: Rule, now: datetime) -> int:
    done, after = 0, FIRST
    while True:
        with runtime.database.transaction(account) as connection:
            book = runtime.book(connection, account, set())
            ran = run_page(connection, book, rule, now, after, BATCH)
        done += _note(runtime, account, ran)
        if ran.last is None:
            return done
        after = ran.last


def _run_changes(runtime: Runtime, account: AccountId, now: datetime) -> int:
    done = 0
    while True:
        with runtime.database.transaction(account) as connection:
            ran = run_segment_changes(connection, runtime.book(connection, account, set()), now, BATCH)
        done += _note(runtime, account, ran)
        if ran.last is None:
            return done


def _advance_referrals(runtime: Runtime, account: AccountId, now: datetime) -> int:
    done, after = 0, 0
    while True:
        with runtime.database.transaction(account) as connection:
            book = runtime.book(connection, account, set())
            advanced = advance(connection, book, now, after, BATCH)
        done += advanced.changed
        for store in advanced.pushed:
            runtime.wake_store(Queues.PUSH, account, StoreId(store))
        if advanced.last is None:
            return done
        after = advanced.last


def _note(runtime: Runtime, account: AccountId, ran: Ran) -> int:
    for store in ran.pushed:
        runtime.wake_store(Queues.PUSH, account, StoreId(store))
    return ran.accepted
