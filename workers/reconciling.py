"""Look over a shop: what it has otherwise than our copy is read again and taken as any message.

A pass goes stage by stage and page by page. Each page is one transaction: what was read, what was found, and where the
pass goes on. So it can be killed anywhere, and takes the same memory whatever the size of the shop.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from time import monotonic

import structlog
from rq.timeouts import BaseTimeoutException

from loyalty.clock import local_date, local_instant, utc_now
from loyalty.db import Row
from loyalty.engine.passing import PASSING
from loyalty.engine.retrying import retry_all
from loyalty.inbox import repository as inbox
from loyalty.incidents.repository import note_incidents
from loyalty.logs import where
from loyalty.pushes import EXHAUSTED, PushError, TokenRefused
from loyalty.reconciliation import repository as runs
from loyalty.reconciliation.repository import Run
from loyalty.stores.service import get_store, note_look
from loyalty.values import AccountId, StoreId
from workers.fetching import message_of
from workers.looking import BEGINNINGS, STAGES, Look, Step
from workers.queues import Queues
from workers.reading import Reader, open_reader, take_what_waits
from workers.runtime import Runtime

LEASE = timedelta(minutes=5)
SECONDS_AT_ONCE = 240.0
"""A job lives ten minutes; a longer pass is gone on with by the next one."""
TOLERANCE = timedelta(minutes=2)
"""By so much a shop's clock may differ from ours without being wrong."""
SECOND = timedelta(seconds=1)
NIGHT = time(3)
"""When a deep pass is due, by the shop's own wall clock."""
SILENT = timedelta(minutes=10)
KEPT = timedelta(days=90)
REFUSED = frozenset({"permission", "configuration"})
WAIT, LONGEST_WAIT = timedelta(minutes=5), timedelta(hours=1)
"""How long a deep pass leaves a shop alone that could not be asked."""
PATIENCE = timedelta(hours=6)
"""For so long after its begin a deep pass waits for a shop, and keeps what it has seen."""

log = structlog.get_logger(__name__)


def reconcile_store(
    runtime: Runtime, account: AccountId, store_id: StoreId, kind: str, now: datetime | None = None,
    *, seconds: float = SECONDS_AT_ONCE,
) -> int | None:  # fmt: skip
    """Make a pass over a store: `poll`, `recent` or `deep`; return how many differences it found and repaired.

    None: it is not over (go on with it soon), failed, or somebody else is at it. Points move in the drain only.
    """
    reader = open_reader(runtime, account, store_id, now)
    if reader is None:
        return None
    take_what_waits(reader)
    started = reader.now()
    with runtime.database.transaction(account) as connection:
        run = runs.begin(connection, account, store_id, kind, started, started + LEASE)
    if run is None:
        return None
    try:
        look = _open_look(reader, run)
        return _finish(look) if _go_through(look, monotonic() + seconds) else None
    except PushError as error:
        _stop(reader, run, error)
    except (*PASSING, BaseTimeoutException):
        raise
    except Exception as error:
        _give_up(reader, run, error)
    return None


def _open_look(reader: Reader, run: Run) -> Look:
    """Return a pass that begins, by the shop's own clock, some time before the last one ended; never before the store
    was connected: the past is a backfill's.
    """
    wrong = reader.ask(reader.connector.read_clock) - utc_now()
    wrong = wrong if abs(wrong) > TOLERANCE else timedelta(0)
    if wrong:
        log.warning("clock_wrong", store=str(reader.store.id), seconds=round(wrong.total_seconds()))
    present, begun, known = (
        reader.now() + wrong,
        reader.store.connected_at - SECOND + wrong,
        reader.store.looked_until,
    )
    since = begun if known is None else max(begun, min(known, present) - BEGINNINGS[run.kind])
    return Look(reader, run, since, present)


def _go_through(look: Look, deadline: float) -> bool:
    """Take stage after stage; return False when the time is over before the end."""
    stages = STAGES[look.run.kind]
    names = list(stages)
    place = names.index(look.run.stage) if look.run.stage in stages else 0
    cursor = look.run.cursor
    for name in names[place:]:
        while True:
            if monotonic() > deadline:
                _pause(look)
                return False
            step = stages[name](look, cursor)
            _commit(look, name, step)
            cursor = step.next or ""
            if step.next is None:
                break
        _enter_next(look, names, name)
    return True


def _commit(look: Look, stage: str, step: Step) -> None:
    """Store what was read of a page, what differed, and where the pass goes on, in one transaction."""
    reader, account = look.reader, look.reader.store.account
    with reader.runtime.database.transaction(account) as connection:
        messages = [message_of(each, asked_again=True) for each in step.messages]
        inbox.accept_read(connection, account, reader.store.id, messages)
        until = reader.now() + LEASE
        runs.advance(connection, look.run.id, stage, step.next or "", step.seen, step.found, until)
    if messages:
        take_what_waits(reader)
    if step.found:
        log.info("differences", store=str(reader.store.id), stage=stage, found=len(step.found))


def _enter_next(look: Look, names: list[str], name: str) -> None:
    """Note that a stage is over, so that an interrupted pass does not take it again."""
    following = names[names.index(name) + 1 :]
    reader = look.reader
    with reader.runtime.database.transaction(reader.store.account) as connection:
        if name == "changed":
            note_look(connection, reader.store.id, reader.now(), look.newest)
        if following:
            runs.advance(connection, look.run.id, following[0], "", 0, {}, reader.now() + LEASE)


def _pause(look: Look) -> None:
    reader = look.reader
    with reader.runtime.database.transaction(reader.store.account) as connection:
        runs.pause(connection, look.run.id)


def _finish(look: Look) -> int:
    """End a pass well; where the shop was away before, what it was not told for that reason is told again."""
    reader = look.reader
    with reader.runtime.database.transaction(reader.store.account) as connection:
        if runs.ended_badly_before(connection, reader.store.id, look.run.id):
            retry_all(connection, EXHAUSTED, reader.store.id)
        row = runs.finish(connection, look.run.id, reader.now())
        runs.forget_old(connection, reader.now() - KEPT)
    reader.runtime.wake_store(Queues.PUSH, reader.store.account, reader.store.id)
    told: Mapping[str, object] = {"seen": row["seen"], "found": row["found"], **row["differences"]}
    log.info("reconciled", store=str(reader.store.id), kind=row["kind"], **told)
    return int(row["found"])


def _stop(reader: Reader, run: Run, error: PushError) -> None:
    """Let a deep pass wait in passing trouble, as it asks for more than any other; else note that it failed."""
    at = reader.now()
    if run.kind != "deep" or error.permanent or at >= run.started_at + PATIENCE:
        _fail(reader, run, error)
        return
    asked = timedelta(seconds=error.retry_after or 0)
    until = at + min(max(asked, WAIT), LONGEST_WAIT)
    with reader.runtime.database.transaction(reader.store.account) as connection:
        runs.pause(connection, run.id, until, f"{error.reason}: {error.message}")
    log.warning("reconciling_waits", store=str(reader.store.id), kind=run.kind, reason=error.reason)


def _fail(reader: Reader, run: Run, error: PushError) -> None:
    """Note that the shop could not be asked; a refusal that stays is told the merchant."""
    at = reader.now()
    problem = f"{error.reason}: {error.message}"
    with reader.runtime.database.transaction(reader.store.account) as connection:
        runs.finish(connection, run.id, at, problem)
        if error.reason in REFUSED and not isinstance(error, TokenRefused):
            note_incidents(connection, reader.store.account, [_unread(reader, problem, at)])
    log.warning("not_reconciled", store=str(reader.store.id), kind=run.kind, reason=error.reason)


def _give_up(reader: Reader, run: Run, error: Exception) -> None:
    """End a pass at which something went wrong that nobody foresaw: gone on with, it would end at the same page."""
    with reader.runtime.database.transaction(reader.store.account) as connection:
        runs.finish(connection, run.id, reader.now(), f"unforeseen: {type(error).__name__}")
    log.error("pass_failed", store=str(reader.store.id), kind=run.kind, error=where(error))


def _unread(reader: Reader, problem: str, at: datetime) -> Row:
    """Return the incident of a shop that lets nobody read; once a day."""
    data = {"store": reader.store.key, "failure": problem[:200]}
    subject = f"{reader.store.key}:{at.date().isoformat()}"
    return {
        "kind": "shop_not_read", "subject": subject, "member_id": None, "order_key": "", "data": data,
        "noticed_at": at,
    }  # fmt: skip


def is_silent(runtime: Runtime, account: AccountId, store_id: StoreId, now: datetime | None = None) -> bool:
    """Return whether a shop delivered nothing for ten minutes: its queue runs on visits, so a quiet one is asked."""
    at = now or utc_now()
    with runtime.database.transaction(account) as connection:
        store = get_store(connection, runtime.vault, store_id)
        return store.is_connected and inbox.is_silent(connection, store_id, at - SILENT)


def is_deep_due(runtime: Runtime, account: AccountId, store_id: StoreId, now: datetime | None = None) -> bool:
    """Return whether no deep pass began since the last night, 3 o'clock on the wall of the shop, but such as failed."""
    at = now or utc_now()
    with runtime.database.transaction(account) as connection:
        store = get_store(connection, runtime.vault, store_id)
        last = runs.find_last_start(connection, store_id, "deep")
    return last is None or last < _last_night(at, store.time_zone)


def _last_night(now: datetime, tz: str) -> datetime:
    today = local_instant(datetime.combine(local_date(now, tz), NIGHT), tz)
    return today if today <= now else today - timedelta(days=1)
