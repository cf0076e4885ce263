"""Drain an account's inbox: claim, parse, decide, save, commit, until nothing waits; a poisonous
message fails alone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any

import structlog
from rq.timeouts import BaseTimeoutException
from sqlalchemy import Connection

from connectors.base import Connector, RawMessage
from loyalty.clock import utc_now
from loyalty.commerce import Fact, Ignored, NeedsRead
from loyalty.engine.apply import Applied, apply_facts, fold_again
from loyalty.engine.passing import PASSING
from loyalty.errors import LedgerConflict, MalformedMessage, OrdersMoved
from loyalty.inbox import repository as inbox
from loyalty.inbox.repository import Outcome
from loyalty.members.repository import claim_refolds
from loyalty.programs.service import load_versions
from loyalty.values import AccountId, MessageId, StoreId
from workers.queues import Queues
from workers.runtime import Runtime

BATCH = 400
REFOLD_BATCH = 100
TRIES = 10
SECONDS, TURN = 30.0, 1.0
"""For so long a job folds members again, and for so long at a time: what arrives meanwhile waits no longer."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Drained:
    """What one transaction did: how many messages it claimed, what became of them, which stores need what next."""

    claimed: list[MessageId] = field(default_factory=list)
    outcomes: dict[MessageId, Outcome] = field(default_factory=dict)
    facts: list[tuple[MessageId, Fact]] = field(default_factory=list)
    to_read: set[StoreId] = field(default_factory=set)
    to_push: frozenset[Any] = frozenset()


def drain_account(
    runtime: Runtime, account: AccountId, *, batch: int = BATCH, now: datetime | None = None
) -> int:
    """Process all waiting messages of an account; return how many. Raises only what is no message's fault: the database
    is away, the job's time is over.
    """
    done, alone = 0, 0
    while True:
        size = 1 if alone else batch
        started = time.perf_counter()
        drained = Drained()
        try:
            _drain_batch(runtime, account, drained, size, now)
        except (*PASSING, BaseTimeoutException):
            raise
        except Exception as error:
            if size > 1:
                alone = len(drained.claimed)
                continue
            drained.outcomes = _fail(runtime, account, drained.claimed, error)
        if not drained.claimed:
            break
        alone = max(0, alone - 1)
        done += len(drained.outcomes)
        _wake_next(runtime, account, drained)
        _log(account, drained, started)
    return done


def _drain_batch(
    runtime: Runtime, account: AccountId, drained: Drained, size: int, now: datetime | None
) -> None:
    """Take one batch; news that contradict what was thought of their members take it again with more care."""
    care: dict[str, bool] = {}
    for _ in range(TRIES):
        drained.claimed.clear()
        drained.outcomes.clear()
        drained.facts.clear()
        try:
            with runtime.database.transaction(account) as connection:
                _process(runtime, connection, account, drained, size, now or utc_now(), care)
            return
        except OrdersMoved:
            care["careful"] = True
        except LedgerConflict:
            if care.get("refold"):
                raise
            care["refold"] = True
    raise OrdersMoved


def _process(
    runtime: Runtime,
    connection: Connection,
    account: AccountId,
    drained: Drained,
    size: int,
    now: datetime,
    care: dict[str, bool],
) -> None:
    rows = inbox.claim_pending(connection, account, size)
    drained.claimed.extend(MessageId(row["id"]) for row in rows)
    if not rows:
        return
    book = runtime.book(connection, account, {StoreId(row["store_id"]) for row in rows})
    versions = load_versions(connection, account)
    for row in rows:
        store = StoreId(row["store_id"])
        connector = runtime.connectors[book.platforms[store]]
        _parse(connector, drained, row, with_products=book.needs_products(store, versions))
    if drained.facts:
        applied: Applied = apply_facts(connection, book, drained.facts, now, **care)
        drained.outcomes.update(applied.outcomes)
        drained.to_push = applied.pushed
    inbox.mark(connection, drained.outcomes, now)
    drained.to_read = {
        StoreId(row["store_id"]) for row in rows if drained.outcomes[MessageId(row["id"])].status == "reading"
    }


def _parse(connector: Connector, drained: Drained, row: Any, *, with_products: bool) -> None:
    message = MessageId(row["id"])
    raw = RawMessage(row["source"], row["topic"], bytes(row["body"]), row["observed_at"], row["received_at"])
    try:
        parsed = connector.parse(row["store_id"], raw, with_products=with_products)
    except MalformedMessage as error:
        drained.outcomes[message] = Outcome("failed", error.message)
        return
    if isinstance(parsed, Ignored):
        drained.outcomes[message] = Outcome("ignored", parsed.reason)
    elif isinstance(parsed, NeedsRead):
        ids = ",".join(parsed.external_ids)
        drained.outcomes[message] = Outcome("reading", parsed.reason, parsed.kind, ids)
    else:
        drained.facts.extend((message, fact) for fact in parsed)


def _fail(
    runtime: Runtime, account: AccountId, claimed: Sequence[MessageId], error: Exception
) -> dict[MessageId, Outcome]:
    """Note that a message alone could not be processed, unless another worker took it since; return what was noted. It
    stays and can be replayed.
    """
    log.exception("message_failed", account=str(account), message=claimed[:1])
    reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"[:500]
    with runtime.database.transaction(account) as connection:
        failed = dict.fromkeys(inbox.lock_pending(connection, claimed), Outcome("failed", reason))
        inbox.mark(connection, failed, utc_now())
    return failed


def _wake_next(runtime: Runtime, account: AccountId, drained: Drained) -> None:
    for store in drained.to_read:
        runtime.wake_store(Queues.FETCH, account, store)
    for store in drained.to_push:
        runtime.wake_store(Queues.PUSH, account, StoreId(store))


def _log(account: AccountId, drained: Drained, started: float) -> None:
    counts: dict[str, int] = {}
    for outcome in drained.outcomes.values():
        counts[outcome.status] = counts.get(outcome.status, 0) + 1
    log.info("drained", account=str(account), ms=round((time.perf_counter() - started) * 1000), **counts)


def take_in_turns(runtime: Runtime, account: AccountId, *, seconds: float) -> tuple[int, bool]:
    """Process what waits of an account before anybody is folded again, and after every turn of that; return how many
    messages and members, and whether it is over: else go on soon.
    """
    end = time.monotonic() + seconds
    done = drain_account(runtime, account)
    while time.monotonic() < end:
        folded = refold_account(runtime, account, deadline=time.monotonic() + TURN)
        if not folded:
            return done, True
        done += folded + drain_account(runtime, account)
    return done, False


def refold_account(
    runtime: Runtime, account: AccountId, now: datetime | None = None, *, deadline: float = inf
) -> int:
    """Fold again every member that waits for it, in bounded batches; return how many. It ends early, after a batch, at
    a deadline of the monotonic clock.
    """
    done = 0
    while True:
        with runtime.database.transaction(account) as connection:
            ids = claim_refolds(connection, REFOLD_BATCH)
            if not ids:
                return done
            book = runtime.book(connection, account, set())
            pushed = fold_again(connection, book, ids, now or utc_now())
        done += len(ids)
        for store in pushed:
            runtime.wake_store(Queues.PUSH, account, StoreId(store))
        if time.monotonic() >= deadline:
            return done
