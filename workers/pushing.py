"""Deliver a store's pushes: lease, call the shop outside any transaction, record what became of each.

Other systems are called when the shop has been told all: however slow they are, no coupon waits for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import Connection

from loyalty.clock import utc_now
from loyalty.engine.answering import CodeAnswer, take_answers
from loyalty.engine.cards import name_cards_to_disable
from loyalty.engine.sending import CreditAnswer, take_credit_answers
from loyalty.outbox import repository as outbox
from loyalty.outbox.commands import read_command
from loyalty.outbox.repository import Delivered
from loyalty.pushes import (
    EXHAUSTED,
    AddStoreCredit,
    DisableCoupon,
    PushCommand,
    PushError,
    PushReceipt,
    PutCoupon,
    TokenRefused,
)
from loyalty.reports.shown import complete
from loyalty.stores.service import Store, get_store
from loyalty.values import AccountId, StoreId
from workers.access import access_anew
from workers.calling import Calls
from workers.fetching import backoff_seconds
from workers.runtime import Runtime

LEASE = timedelta(minutes=5)
BATCH = 100
SEEN_AFTER = timedelta(minutes=10)
"""By then a shop's search finds what was made just before."""
NOT_SEEN = "The shop does not find it yet."
TRIES = 15
"""About five and a half hours of waits: doubled up to an hour, then hourly."""
TELLING_SECONDS = 200.0
"""For so long a shop is told in one job: the last batch, and then the calls of other systems, end before the job."""
CALLING_SECONDS = 90.0
"""For so long other systems are called in one job: the last call, of 20 seconds or, with an answer that drips, some 70,
is over before its lease ends.
"""
CALLS = 20
"""So many at once: when a worker dies, no more are repeated."""

Claimed = list[tuple[Any, PushCommand, PushReceipt | PushError]]
"""Leased pushes with their commands and what the shop made of them."""

log = structlog.get_logger(__name__)


def push_store(
    runtime: Runtime,
    account: AccountId,
    store_id: StoreId,
    now: datetime | None = None,
    *,
    seconds: float = CALLING_SECONDS,
) -> int:
    """Deliver the due pushes of a store in batches, then for so many seconds those to other systems; return how many
    were tried. LAUREL_PUSH=off delivers nothing.
    """
    if not runtime.settings.push:
        return 0
    return _tell_shop(runtime, account, store_id, now) + _call_others(
        runtime, account, store_id, now, seconds
    )


def _tell_shop(runtime: Runtime, account: AccountId, store_id: StoreId, now: datetime | None) -> int:
    done, deadline = 0, monotonic() + TELLING_SECONDS
    while monotonic() < deadline:
        at = now or utc_now()
        with runtime.database.transaction(account) as connection:
            store = get_store(connection, runtime.vault, store_id)
            rows = outbox.claim_pushes(connection, store_id, BATCH, at, LEASE) if store.is_connected else []
            commands = _commands(runtime, connection, store, rows, at) if rows else []
        if not rows:
            break
        results = _tell(runtime, store, commands)
        told = list(zip(rows, commands, results, strict=True))
        for some in (_codes_of(told), _credit_of(told)):
            if some:
                with runtime.database.transaction(account) as connection:
                    _record(runtime, connection, store, some, now or utc_now())
        done += len(rows)
        log.info("pushed", store=str(store_id), pushes=len(rows), failed=_count_failed(results))
        if all(isinstance(result, PushError) for result in results):
            break
    return done


def _call_others(
    runtime: Runtime, account: AccountId, store_id: StoreId, now: datetime | None, seconds: float
) -> int:
    """Call other systems until nothing is left or the time is up; what was not reached is left to the next job. They
    are called also while the store is disconnected, of which they know nothing.
    """
    calls, done = Calls(monotonic() + seconds, allow_private=runtime.settings.allow_private_shops), 0
    while calls.has_time():
        at = now or utc_now()
        with runtime.database.transaction(account) as connection:
            rows = outbox.claim_calls(connection, store_id, CALLS, at, LEASE)
            secret = runtime.book(connection, account, set()).webhook_secret() if rows else b""
        if not rows:
            break
        made = calls.make(rows, secret, now or utc_now())
        with runtime.database.transaction(account) as connection:
            if made.uncalled:
                outbox.give_back(connection, made.uncalled)
            outbox.record(connection, made.outcomes, now or utc_now())
        done += len(made.outcomes)
        log.info(
            "called", store=str(store_id), pushes=len(rows) - len(made.uncalled), waiting=len(made.uncalled)
        )
    return done


def _commands(
    runtime: Runtime, connection: Connection, store: Store, rows: Sequence[Any], now: datetime
) -> list[PushCommand]:
    """Return what is to be delivered; shops that show figures are told those of this instant."""
    commands = [read_command(row["kind"], row["command"]) for row in rows]
    if not runtime.book(connection, store.account, {store.id}).is_showing(store.id):
        return commands
    commands = name_cards_to_disable(connection, commands)
    about = [row["member_id"] for row in rows]
    return complete(connection, store.account, store.number, list(zip(about, commands, strict=True)), now)


def _tell(runtime: Runtime, store: Store, commands: Sequence[PushCommand]) -> list[PushReceipt | PushError]:
    """Have the shop carry out commands; what it did not for a refused token, once more with another one."""
    connector, access = runtime.connectors[store.platform], runtime.access(store)
    results = connector.push(access, commands)
    refused = [place for place, result in enumerate(results) if isinstance(result, TokenRefused)]
    if not refused:
        return results
    try:
        access = access_anew(runtime, store, access)
        again: Sequence[PushReceipt | PushError] = connector.push(access, [commands[it] for it in refused])
    except PushError as error:
        again = [error] * len(refused)
    for place, result in zip(refused, again, strict=True):
        results[place] = result
    return results


def _codes_of(claimed: Claimed) -> Claimed:
    return [each for each in claimed if not isinstance(each[1], AddStoreCredit)]


def _credit_of(claimed: Claimed) -> Claimed:
    """Return what is about credit: it is recorded apart, as it locks members of its own."""
    return [each for each in claimed if isinstance(each[1], AddStoreCredit)]


def _record(runtime: Runtime, connection: Connection, store: Store, claimed: Claimed, now: datetime) -> None:
    """Write what became of each push, and of the coupons and redemptions that they are about."""
    outcomes = [_outcome(row, result, now) for row, _, result in claimed]
    told = [
        _answer(row, command, result, outcome)
        for (row, command, result), outcome in zip(claimed, outcomes, strict=True)
        if isinstance(command, PutCoupon | DisableCoupon) and outcome.status != "waiting"
    ]
    credited = [
        CreditAnswer(command.reference, row["member_id"], *_failure(row, result, outcome))
        for (row, command, result), outcome in zip(claimed, outcomes, strict=True)
        if isinstance(command, AddStoreCredit) and outcome.status != "waiting"
    ]
    if told or credited:
        book = runtime.book(connection, store.account, {store.id})
        take_answers(connection, book, store.id, told, now)
        take_credit_answers(connection, book, credited, now)
    outbox.record(connection, outcomes, now)


def _outcome(row: Any, result: PushReceipt | PushError, now: datetime) -> Delivered:
    if isinstance(result, PushReceipt) and result.is_missing and now < row["created_at"] + SEEN_AFTER:
        return Delivered(row["id"], "waiting", "unreachable", NOT_SEEN, now + SEEN_AFTER)
    if isinstance(result, PushReceipt):
        return Delivered(row["id"], "done", detail=result.external_id)
    if result.permanent:
        return Delivered(row["id"], "failed", result.reason, result.message[:500])
    if row["attempts"] >= TRIES:
        return Delivered(row["id"], "failed", EXHAUSTED, result.message[:500])
    wait = result.retry_after or backoff_seconds(row["attempts"])
    return Delivered(row["id"], "waiting", result.reason, result.message[:500], now + timedelta(seconds=wait))


def _answer(
    row: Any, command: PutCoupon | DisableCoupon, result: PushReceipt | PushError, outcome: Delivered
) -> CodeAnswer:
    puts = isinstance(command, PutCoupon)
    if isinstance(result, PushReceipt):
        return CodeAnswer(command.code, puts, result.external_id, result.uses)
    failure, is_unsure = _failure(row, result, outcome)
    # A missing right is given, and room made below a limit, and the push tried again: a newer one would forestall it.
    is_refused = result.permanent and result.reason not in ("permission", "limit")
    return CodeAnswer(command.code, puts, failure=failure, is_unsure=is_unsure, is_refused=is_refused)


def _failure(row: Any, result: PushReceipt | PushError, outcome: Delivered) -> tuple[str, bool]:
    """Return why a push failed, empty where it did not, and whether it may have been carried out all the same: a
    refusal of a later try says nothing about an earlier one, whose answer may have been lost.
    """
    if isinstance(result, PushReceipt):
        return "", False
    return f"{outcome.reason}: {outcome.detail}", row["tried"] or not result.permanent


def _count_failed(results: Sequence[PushReceipt | PushError]) -> int:
    return sum(isinstance(result, PushError) for result in results)
