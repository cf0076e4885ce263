"""Wake-ups and the clock on a real Valkey: nothing is enqueued twice, nothing waits for Redis."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable

import pytest
from redis import Redis
from rq import Queue

from embedded.process import free_port
from workers.cron import Clock, Periodic
from workers.queues import DRAIN_INBOX, FAILURE_TTL, Queues, WakeUps

TABLE = (Periodic("sweep", 1, "workers.jobs.sweep"), Periodic("daily", 86400, "workers.jobs.daily"))


@pytest.fixture
def connection(redis_url: str) -> Redis:
    return Redis.from_url(redis_url)


def queued(connection: Redis, queue: str = Queues.DRAIN) -> int:
    return Queue(queue, connection=connection).count


def comes_true(condition: Callable[[], bool], seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_many_wakes_are_one_job_per_account(redis_url: str, connection: Redis) -> None:
    wakeups, accounts = WakeUps(redis_url), [uuid.uuid4(), uuid.uuid4()]
    for account in accounts * 50:
        wakeups.wake(account)
    assert comes_true(lambda: queued(connection) == 2)
    time.sleep(0.25)
    jobs = Queue(Queues.DRAIN, connection=connection).jobs
    assert {job.args for job in jobs} == {(account,) for account in accounts}
    assert {job.func_name for job in jobs} == {DRAIN_INBOX}
    assert {(job.result_ttl, job.failure_ttl) for job in jobs} == {(0, FAILURE_TTL)}


def test_wake_after_the_mark_is_cleared_is_a_second_job(redis_url: str, connection: Redis) -> None:
    wakeups = WakeUps(redis_url)
    assert wakeups.wake_now(Queues.FETCH, "workers.jobs.fetch", "store", "store")
    assert not wakeups.wake_now(Queues.FETCH, "workers.jobs.fetch", "store", "store")
    wakeups.clear(Queues.FETCH, "store")
    assert wakeups.wake_now(Queues.FETCH, "workers.jobs.fetch", "store", "store")
    assert queued(connection, Queues.FETCH) == 2


def test_absent_redis_is_no_error() -> None:
    wakeups = WakeUps(f"redis://127.0.0.1:{free_port()}/0")
    started = time.monotonic()
    wakeups.wake(uuid.uuid4())
    assert time.monotonic() - started < 1
    assert not wakeups.wake_now(Queues.PUSH, "workers.jobs.deliver_pushes", "store", "store")
    wakeups.clear(Queues.PUSH, "store")


def test_a_name_is_first_once_in_its_time(redis_url: str, connection: Redis) -> None:
    wakes = WakeUps(redis_url)
    assert [wakes.is_first("state:x", 60) for _ in range(3)] == [True, False, False]
    assert wakes.is_first("state:y", 60)
    assert 0 < connection.ttl("once:state:x") <= 60  # type: ignore[operator]


def test_without_redis_everybody_is_first() -> None:
    wakes = WakeUps(f"redis://127.0.0.1:{free_port()}/0")
    assert [wakes.is_first("state:x", 60) for _ in range(2)] == [True, True]


def test_a_forked_process_wakes_too(redis_url: str) -> None:
    script = """
import os, sys, uuid
from workers.queues import WakeUps
import time
wakeups = WakeUps(sys.argv[1])
wakeups.wake(uuid.uuid4()); time.sleep(1)
if os.fork() == 0:
    wakeups.wake(uuid.uuid4()); time.sleep(1); os._exit(0)
os.wait()
"""
    argv = [sys.executable, "-W", "ignore", "-c", script, redis_url]
    subprocess.run(argv, check=True)
    assert queued(Redis.from_url(redis_url)) == 2


def test_two_clocks_enqueue_once(connection: Redis) -> None:
    clocks = [Clock(connection, TABLE), Clock(connection, TABLE)]
    enqueued = [job.name for clock in clocks for job in clock.enqueue_jobs()]
    assert sorted(set(enqueued)) == ["daily", "sweep"]
    assert enqueued.count("daily") == 1
    assert queued(connection, Queues.PERIODIC) == len(enqueued)


def test_clock_waits_for_the_next_interval(connection: Redis) -> None:
    clock = Clock(connection, TABLE)
    clock.enqueue_jobs()
    assert clock.enqueue_jobs() == []
    assert comes_true(lambda: [job.name for job in clock.enqueue_jobs()] == ["sweep"], seconds=3)


def test_clock_outlives_redis_and_stops_when_told() -> None:
    environ = {
        **os.environ,
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "DATABASE_URL": "postgresql://u@h/d",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "workers.cron"], env=environ, stderr=subprocess.PIPE
    ) as clock:
        assert clock.stderr is not None
        assert b"clock_without_redis" in clock.stderr.readline()
        time.sleep(0.2)
        assert clock.poll() is None
        clock.send_signal(signal.SIGTERM)
        assert clock.wait(10) == 0
