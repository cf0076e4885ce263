"""Signed deliveries per second made durable by the receiver, against a bare route under the same gunicorn."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from bench import bare_route
from bench.figures import Figure, interleaved, median_ratio
from bench.load import Answers, bombard, post_request
from bench.merchants import SECRET, open_merchant
from bench.orders import Delivery, make_deliveries
from bench.stage import PROJECT, Place, Stage
from embedded.process import free_port

CONNECTIONS = 16
DELIVERIES = 4000
WARM_UP = 400
WEB_WORKERS, WEB_THREADS = 2, 8
P99_MILLISECONDS = 100


def measure_receiver(stage: Stage, rounds: int, scale: float = 1.0) -> list[Figure]:
    """Return the rate against the bare route, and the receiver's p99 at 16 connections."""
    latencies: list[float] = []
    count = max(WARM_UP, int(DELIVERIES * scale))

    def receiver() -> float:
        with stage.place() as place:
            answers = _receiver(place, count)
        latencies.append(answers.milliseconds(0.99))
        return answers.rate

    def bare() -> float:
        with stage.place() as place:
            return _bare(place, count).rate

    ours, theirs = interleaved(rounds, receiver, bare)
    p99 = median(latencies)
    notes: dict[str, object] = {"bare": median(theirs), "connections": CONNECTIONS}
    return [
        Figure("receiver", median(ours), "/s", median_ratio(ours, theirs), 0.75, notes=notes),
        Figure("receiver_p99", p99, "ms", goal=P99_MILLISECONDS, at_most=True, notes={"connections": CONNECTIONS}),
    ]  # fmt: skip


def _receiver(place: Place, count: int) -> Answers:
    runtime = place.runtime()
    try:
        merchant = open_merchant(runtime)
    finally:
        runtime.database.dispose()
    with web("webhook_app.wsgi:app", place.environ) as port:
        answers = _load(port, f"/webhooks/woocommerce/{merchant.token}", count)
    _check_stored(place, "inbox_messages", count)
    return answers


def _bare(place: Place, count: int) -> Answers:
    place.execute(bare_route.CREATE, bare_route.GRANT)
    with web("bench.bare_route:app", {**place.environ, "BENCH_SECRET": SECRET}) as port:
        answers = _load(port, "/bare", count)
    _check_stored(place, bare_route.TABLE, count)
    return answers


def _load(port: int, path: str, count: int) -> Answers:
    requests = [_request(path, each) for each in make_deliveries(count + WARM_UP, range(1, 1001))]
    bombard(port, requests[:WARM_UP], CONNECTIONS)
    answers = bombard(port, requests[WARM_UP:], CONNECTIONS)
    if answers.refused:
        raise RuntimeError(f"{answers.refused} deliveries were not answered 200")
    return answers


def _request(path: str, delivery: Delivery) -> bytes:
    return post_request(path, delivery.headers(SECRET), delivery.body)


def _check_stored(place: Place, table: str, count: int) -> None:
    stored = place.rows(f"select count(*) as n from {table}")[0]["n"]
    if stored != count + WARM_UP:
        raise RuntimeError(f"{table} holds {stored} rows of {count + WARM_UP}")


@contextmanager
def web(app: str, environ: dict[str, str]) -> Iterator[int]:
    """Run an application as the Procfile runs the web; yield its port."""
    port = free_port()
    counts = {"WEB_WORKERS": str(WEB_WORKERS), "WEB_THREADS": str(WEB_THREADS), "PORT": str(port)}
    argv = [sys.executable, "-m", "gunicorn", "-c", "webhook_app/gunicorn_conf.py", app]
    process = subprocess.Popen(
        argv, cwd=PROJECT, env={**os.environ, **environ, **counts}, start_new_session=True
    )
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise RuntimeError("the web does not start")
