"""Waking the workers: Redis holds only wake-ups, and losing any of them loses nothing, since sweepers look too."""

from __future__ import annotations

import os
import threading
import time
from typing import Final
from uuid import UUID

import structlog
from redis import Redis, RedisError
from rq import Queue

WAKE_SECONDS: Final = 60
DEBOUNCE_SECONDS: Final = 0.1
REDIS_TIMEOUT: Final = 5.0
JOB_TIMEOUT: Final = 600
FAILURE_TTL: Final = 24 * 60 * 60
DRAIN_INBOX: Final = "workers.jobs.drain_inbox"
FETCH: Final = "workers.jobs.fetch"
DELIVER_PUSHES: Final = "workers.jobs.deliver_pushes"
CONTINUE_BACKFILL: Final = "workers.jobs.continue_backfill"
CHECK_STORE: Final = "workers.jobs.check_store"
RECONCILE_STORE: Final = "workers.jobs.reconcile_store"
DELIVER_MAILS: Final = "workers.jobs.deliver_account_mails"
RUN_IMPORTS: Final = "workers.jobs.run_imports"
RETURN_POINTS: Final = "workers.jobs.return_points"

log = structlog.get_logger(__name__)


class Queues:
    """The names of the queues."""

    PERIODIC: Final = "periodic"
    PUSH: Final = "push"
    FETCH: Final = "fetch"
    DRAIN: Final = "drain"
    READING: Final = "reading"
    """Of whole shops: it may take long, so one worker of each pool of several takes none of it."""
    ALL: Final = (PERIODIC, PUSH, FETCH, DRAIN, READING)


def connect(redis_url: str) -> Redis:
    """Return a connection that gives up on a silent Redis instead of waiting for ever."""
    return Redis.from_url(redis_url, socket_connect_timeout=REDIS_TIMEOUT, socket_timeout=REDIS_TIMEOUT)


def enqueue(connection: Redis, queue: str, function: str, *args: object) -> None:
    """Put one job, named by dotted name, onto a queue; raises RedisError."""
    Queue(queue, connection=connection).enqueue_call(
        func=function, args=args, timeout=JOB_TIMEOUT, result_ttl=0, failure_ttl=FAILURE_TTL
    )


class WakeUps:
    """Wakes the workers, at most once while a wake-up waits; a job that is woken calls `clear` before it claims."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._connection = connect(redis_url)
        self._condition = threading.Condition()
        self._waiting: set[UUID] = set()
        self._thread: threading.Thread | None = None
        # A fork copies neither the thread nor a usable connection.
        os.register_at_fork(after_in_child=self._start_over)

    def wake(self, account_id: UUID) -> None:
        """Have an account's inbox drained soon; never waits for Redis, may be called from any thread."""
        with self._condition:
            self._waiting.add(account_id)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="wake-ups", daemon=True)
                self._thread.start()
            self._condition.notify()

    def wake_now(self, queue: str, function: str, key: object, *args: object) -> bool:
        """Enqueue `function(*args)` unless a wake-up of this key waits; return whether it was enqueued."""
        try:
            if not self._connection.set(_mark(queue, key), 1, nx=True, ex=WAKE_SECONDS):
                return False
            enqueue(self._connection, queue, function, *args)
        except RedisError as error:
            log.warning("wake_failed", queue=queue, error=type(error).__name__)
            return False
        return True

    def is_first(self, name: str, seconds: int) -> bool:
        """Return whether nobody asked for this name in the last so many seconds; True while Redis is away."""
        try:
            return bool(self._connection.set(f"once:{name}", 1, nx=True, ex=seconds))
        except RedisError as error:
            log.warning("once_not_noted", error=type(error).__name__)
            return True

    def clear(self, queue: str, key: object) -> None:
        """Remove the mark of a wake-up, so that news from now on wakes again."""
        try:
            self._connection.delete(_mark(queue, key))
        except RedisError as error:
            log.warning("wake_not_cleared", queue=queue, error=type(error).__name__)

    def is_reachable(self) -> bool:
        """Return whether Redis answers."""
        try:
            return bool(self._connection.ping())
        except RedisError:
            return False

    def _start_over(self) -> None:
        self._connection = connect(self._redis_url)
        self._condition = threading.Condition()
        self._waiting = set()
        self._thread = None

    def _run(self) -> None:
        while True:
            for account_id in self._take():
                self.wake_now(Queues.DRAIN, DRAIN_INBOX, account_id, account_id)
            time.sleep(DEBOUNCE_SECONDS)

    def _take(self) -> set[UUID]:
        """Wait for accounts and take them all."""
        with self._condition:
            self._condition.wait_for(lambda: bool(self._waiting))
            taken, self._waiting = self._waiting, set()
        return taken


def _mark(queue: str, key: object) -> str:
    return f"wake:{queue}:{key}"
