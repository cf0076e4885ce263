"""One worker process that drains one account when told: run as `python -m bench.drainer ACCOUNT BATCH`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from uuid import UUID

from bench.stage import PROJECT
from loyalty.config import load_settings
from loyalty.logs import configure_logging
from loyalty.values import AccountId
from workers.draining import drain_account
from workers.runtime import build_runtime

MOST_SECONDS = 3600
"""A crowd on a busy machine folds its few members again for nearly every order that comes late."""


@dataclass(slots=True)
class Drainer:
    """A worker process that waits for its word."""

    process: subprocess.Popen[str]

    def go(self) -> None:
        """Let it drain."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def result(self) -> Drained:
        """Wait until it is done; return what it did."""
        said, logged = self.process.communicate(timeout=MOST_SECONDS)
        if self.process.returncode:
            raise RuntimeError(f"a drainer failed:\n{logged}")
        answer = json.loads(said.splitlines()[-1])
        batches = [each["ms"] for each in _events(logged) if each.get("event") == "drained"]
        return Drained(answer["orders"], answer["seconds"], batches)


@dataclass(frozen=True, slots=True)
class Drained:
    """How many orders in how many seconds, and the milliseconds of each batch."""

    orders: int
    seconds: float
    batches: list[int]

    @property
    def rate(self) -> float:
        """Orders per second."""
        return self.orders / self.seconds


@contextmanager
def waiting_drainer(environ: Mapping[str, str], account: AccountId, batch: int) -> Iterator[Drainer]:
    """Yield a worker process that has imported and connected everything and waits."""
    argv = [sys.executable, "-m", "bench.drainer", str(account), str(batch)]
    process = subprocess.Popen(
        argv, cwd=PROJECT, env={**os.environ, **environ, "LOG_LEVEL": "info"}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"a drainer does not start:\n{process.communicate()[1]}")
        yield Drainer(process)
    finally:
        process.kill()
        process.communicate()


def drain(environ: Mapping[str, str], account: AccountId, batch: int) -> Drained:
    """Drain an account in one worker process of its own."""
    with waiting_drainer(environ, account, batch) as drainer:
        drainer.go()
        return drainer.result()


def main(account: AccountId, batch: int) -> None:
    """Drain once the word is given, then say how long it took."""
    settings = load_settings(os.environ, need_servers=True)
    configure_logging(settings.log_level)
    runtime = build_runtime(settings)
    with runtime.database.transaction(account) as connection:
        runtime.book(connection, account, set())
    print("ready", flush=True)
    sys.stdin.readline()
    started = perf_counter()
    orders = drain_account(runtime, account, batch=batch)
    print(json.dumps({"orders": orders, "seconds": perf_counter() - started}), flush=True)
    runtime.database.dispose()


def _events(logged: str) -> Iterator[dict[str, Any]]:
    for line in logged.splitlines():
        if line.startswith("{"):
            yield json.loads(line)


if __name__ == "__main__":
    main(AccountId(UUID(sys.argv[1])), int(sys.argv[2]))
