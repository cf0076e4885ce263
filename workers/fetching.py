"""Read again from a shop what messages only named, outside any transaction; the answers are inbox messages too."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from connectors.base import Connector, FetchedMessage, RawMessage, StoreAccess
from connectors.halving import ask_in_halves
from loyalty.clock import utc_now
from loyalty.commerce import Read
from loyalty.errors import MalformedMessage
from loyalty.inbox import repository as inbox
from loyalty.inbox.repository import NewMessage, Outcome
from loyalty.programs.service import load_versions
from loyalty.pushes import PushError
from loyalty.stores.service import Store, get_store
from loyalty.values import AccountId, MessageId, StoreId
from workers.access import ask
from workers.runtime import Runtime
from workers.turns import turn

LEASE = timedelta(minutes=5)
BATCH = 200
EARLY_TRIES = 3
"""More than one, as a worker may die between its try and what follows; what was taken then is taken no second time."""
READ = Outcome("processed", "read again from the shop")
Failed = Sequence[tuple[Sequence[Any], PushError]]
"""Messages whose read failed, by why."""

log = structlog.get_logger(__name__)


def fetch_store(runtime: Runtime, account: AccountId, store_id: StoreId, now: datetime | None = None) -> int:
    """Answer the messages of a store that wait for a read; return how many. Those whose read failed go on waiting."""
    done = 0
    while True:
        at = now or utc_now()
        with runtime.database.transaction(account) as connection:
            store = get_store(connection, runtime.vault, store_id)
            rows = inbox.claim_reading(connection, store_id, BATCH, at, LEASE) if store.is_connected else []
            book = runtime.book(connection, account, {store_id})
            with_products = book.needs_products(store_id, load_versions(connection, account))
        if not rows:
            return done
        read = _read(runtime, store, rows, at, with_products=with_products)
        if not read:
            return done
        done += read


def _read(runtime: Runtime, store: Store, rows: Sequence[Any], now: datetime, *, with_products: bool) -> int:
    """Ask the shop what messages wait for, and let those at which it failed wait on; return how many were answered."""
    try:
        answers, failed = _ask(runtime, store, rows, now, with_products=with_products)
    except PushError as error:
        answers, failed = [], [(rows, error)]
    for some, why in failed:
        _delay(runtime, store.account, some, why, now)
        _restate(runtime, store, some)
    late = {row["id"] for some, _ in failed for row in some}
    read = [row for row in rows if row["id"] not in late]
    hidden = {answer.key_id for answer in answers if answer.is_hidden}
    if hidden:
        _restate(runtime, store, [row for row in read if hidden & set(row["read_ids"].split(","))])
    if read:
        _accept(runtime, store.account, store.id, read, answers)
    return len(read)


def _ask(
    runtime: Runtime, store: Store, rows: Sequence[Any], now: datetime, *, with_products: bool
) -> tuple[list[FetchedMessage], Failed]:
    connector = runtime.connectors[store.platform]

    def fetch_all(access: StoreAccess, rows: Sequence[Any]) -> list[FetchedMessage]:
        answers: list[FetchedMessage] = []
        for kind in Read:
            ids = _ids(row["read_ids"] for row in rows if row["read_kind"] == kind)
            if ids:
                answers += connector.fetch(access, kind, ids, with_products=with_products, now=now)
        return answers

    mixed = sorted(rows, key=turn)
    answers, failed = ask(runtime, store, lambda access: ask_in_halves(partial(fetch_all, access), mixed))
    return [each for each in answers if each.failure is None], [*failed, *_unanswered(rows, answers)]


def _unanswered(rows: Sequence[Any], answers: Iterable[FetchedMessage]) -> Failed:
    """Return the messages that wait for orders at which the shop failed while it gave the others, by why."""
    orders: dict[PushError, set[str]] = {}
    for each in answers:
        if each.failure is not None:
            orders.setdefault(each.failure, set()).add(each.key_id)
    waiting = [row for row in rows if row["read_kind"] == Read.ORDER]
    return [
        ([row for row in waiting if ids & set(row["read_ids"].split(","))], why)
        for why, ids in orders.items()
    ]


def _ids(lists: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(each for listed in lists for each in listed.split(",") if each))


def _accept(
    runtime: Runtime,
    account: AccountId,
    store: StoreId,
    rows: Sequence[Any],
    answers: Sequence[FetchedMessage],
) -> None:
    """Store the answers and finish the messages that asked, in one transaction."""
    messages = [message_of(each, asked_again=True) for each in answers]
    with runtime.database.transaction(account) as connection:
        inbox.accept_read(connection, account, store, messages)
        inbox.mark(connection, {MessageId(row["id"]): READ for row in rows}, utc_now())
    runtime.wakes.wake(account)
    log.info("read", store=str(store), messages=len(rows), answers=len(answers))


def _restate(runtime: Runtime, store: Store, rows: Sequence[Any]) -> None:
    """Take what deliveries state by themselves while the shop cannot be asked; they wait for their read all the same,
    and its answer counts more.
    """
    early = [row["id"] for row in rows if row["attempts"] <= EARLY_TRIES]
    if not early:
        return
    with runtime.database.transaction(store.account) as connection:
        rows = inbox.list_stated(connection, early)
        stated = [each for row in rows if (each := _stated(runtime.connectors[store.platform], row))]
        messages = [message_of(each, source="restate", asked_again=True) for each in stated]
        inbox.accept_read(connection, store.account, store.id, messages, source="restate")
    if stated:
        runtime.wakes.wake(store.account)
        log.info("restated", store=str(store.id), messages=len(stated))


def _stated(connector: Connector, row: Any) -> FetchedMessage | None:
    try:
        return connector.restate(RawMessage("webhook", row["topic"], bytes(row["body"])))
    except MalformedMessage:
        return None


def message_of(answer: FetchedMessage, *, source: str = "fetch", asked_again: bool) -> NewMessage:
    """Return an answer as a message; `asked_again`: the same content at another time is another message."""
    parts = (source, answer.topic, answer.key_id, answer.asked_at() if asked_again else "")
    key = hashlib.sha256("\0".join(parts).encode() + b"\0" + answer.body).digest()
    return NewMessage(key, answer.topic, answer.key_id, answer.body, answer.observed_at)


def _delay(
    runtime: Runtime, account: AccountId, rows: Sequence[Any], error: PushError, now: datetime
) -> None:
    wait = error.retry_after or backoff_seconds(max(row["attempts"] for row in rows))
    with runtime.database.transaction(account) as connection:
        reason = f"{error.reason}: {error.message}"[:500]
        inbox.delay_reading(connection, [row["id"] for row in rows], now + timedelta(seconds=wait), reason)
    log.warning("read_failed", reason=error.reason, messages=len(rows), retry_in=wait)


def backoff_seconds(attempts: int) -> float:
    """Return how long to wait after so many tries: 5 s, doubled each time, at most an hour."""
    return min(3600.0, 5.0 * 2.0 ** min(attempts - 1, 12))
