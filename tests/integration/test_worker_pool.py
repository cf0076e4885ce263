"""Readings of whole shops never hold all workers of a pool."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from redis import Redis
from rq import Queue

from workers.queues import Queues, enqueue
from workers.runner import LaurelPool

LONG = 120


@contextmanager
def pool(redis_url: str, workers: int) -> Iterator[None]:
    """A pool in a process of its own, whose workers end with it."""
    environ = {
        **os.environ, "REDIS_URL": redis_url, "DATABASE_URL": "postgresql://u@h/d", "WORKERS": str(workers),
    }  # fmt: skip
    with subprocess.Popen([sys.executable, "-m", "workers.runner"], env=environ) as process:
        try:
            yield
        finally:
            process.kill()


def comes_true(condition: Callable[[], bool], seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_readings_leave_a_worker_to_everybody_else(redis_url: str) -> None:
    connection = Redis.from_url(redis_url)
    connection.flushdb()
    waiting = {name: Queue(name, connection=connection) for name in Queues.ALL}
    for _ in range(3):
        enqueue(connection, Queues.READING, "time.sleep", LONG)
    with pool(redis_url, 2):
        assert comes_true(lambda: waiting[Queues.READING].count < 3)
        time.sleep(2)
        others = [name for name in Queues.ALL if name != Queues.READING]
        for name in others:
            enqueue(connection, name, "time.sleep", 0)
        assert comes_true(lambda: all(waiting[name].count == 0 for name in others))
        assert waiting[Queues.READING].count == 2
    connection.flushdb()


@pytest.mark.parametrize(("workers", "readers"), [(1, 1), (2, 1), (8, 7)])
def test_one_worker_of_several_reads_nothing_also_when_it_is_replaced(workers: int, readers: int) -> None:
    made = LaurelPool("redis://127.0.0.1:1/0", workers)
    running: Any = made.worker_dict
    heard = {}
    for name in map(str, range(workers)):
        heard[name] = made.queues_of(name)
        running[name] = SimpleNamespace(name=name, pid=0)
    for again in ("again", "once more"):
        (*_, first) = sorted(heard, key=lambda name: -len(heard[name]))
        made.handle_dead_worker(running[first])
        del heard[first]
        heard[again] = made.queues_of(again)
        running[again] = SimpleNamespace(name=again, pid=0)
        assert sum(Queues.READING in queues for queues in heard.values()) == readers
        assert all({*queues, Queues.READING} == {*Queues.ALL} for queues in heard.values())
