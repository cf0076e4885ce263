"""From the moment a delivery is sent until the balance it changes can be read: the whole program at work.

Deliveries come at random moments, so some are committed between a drain's last claim and its end. To be sure of it a
second run chases: the next delivery is sent as soon as the last one's balance is visible, when the drain that took it
has still to see its empty claim and its job to end.
"""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from bench.figures import Figure, percentile
from bench.live_store import LiveStore, live_store
from bench.merchants import make_document
from bench.orders import Delivery, make_deliveries

PER_SECOND = 50
SECONDS = 20.0
CHASES = 100
CUSTOMERS = 500
CONNECTIONS = 16
SECONDS_TO_WAIT = 60.0
GOAL_MILLISECONDS = 250
LOOK_EVERY = 0.002
_VISIBLE = (
    "select orders.external_id from orders join members on members.id = orders.member_id"
    " join lots on lots.member_id = orders.member_id and lots.cause = 'order:' || orders.key || ':award'"
    " where orders.key = any(%s) and members.points_sum > 0"
)
_local = threading.local()


@dataclass(slots=True)
class Watch:
    """When each order was sent, and when its lot and its member's balance could be read."""

    sent: dict[str, float] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)

    def look(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        """Look for what is not seen yet until told to stop."""
        while not self.stopping.wait(LOOK_EVERY):
            keys = [f"1:{number}" for number in list(self.sent) if number not in self.seen]
            if keys:
                found = connection.execute(_VISIBLE, (keys,)).fetchall()
                now = time.perf_counter()
                self.seen.update({str(row[0]): now for row in found})

    def wait(self, numbers: list[str]) -> None:
        """Wait until these are seen; raises TimeoutError."""
        end = time.monotonic() + SECONDS_TO_WAIT
        while any(number not in self.seen for number in numbers):
            if time.monotonic() > end:
                raise TimeoutError("a delivered order does not become points")
            time.sleep(LOOK_EVERY)

    def milliseconds(self, numbers: list[str]) -> list[float]:
        """Return how long each took."""
        return [(self.seen[number] - self.sent[number]) * 1000 for number in numbers]


def measure_latency(scale: float = 1.0) -> list[Figure]:
    """Return p50 and p99 of delivery to visible balance at 50 orders a second, and of chasing deliveries."""
    count = int(PER_SECOND * SECONDS * scale)
    with (
        live_store(make_document(), currency="TWD", decimals=0, since="2020-01-01T00:00:00Z") as store,
        watching(store) as watch,
    ):
        _chase(store, watch, _deliveries(10, 1))
        chased = watch.milliseconds(_chase(store, watch, _deliveries(max(20, int(CHASES * scale)), 1000)))
        found = watch.milliseconds(_stream(store, watch, _deliveries(count, 10_000)))
    notes: dict[str, object] = {
        "p50_ms": percentile(found, 0.5),
        "orders": len(found),
        "per_second": PER_SECOND,
    }
    chase_notes: dict[str, object] = {"p50_ms": percentile(chased, 0.5), "orders": len(chased)}
    return [
        Figure("latency_p50", percentile(found, 0.5), "ms"),
        Figure("latency_p99", percentile(found, 0.99), "ms", goal=GOAL_MILLISECONDS, at_most=True, notes=notes),
        Figure(
            "latency_chased_p99", percentile(chased, 0.99), "ms", goal=GOAL_MILLISECONDS, at_most=True,
            notes=chase_notes,
        ),
    ]  # fmt: skip


@contextmanager
def watching(store: LiveStore) -> Iterator[Watch]:
    """Yield a watch that looks into the store's database in the background."""
    watch = Watch()
    with store.app.database() as connection:
        thread = threading.Thread(target=watch.look, args=(connection,), daemon=True)
        thread.start()
        try:
            yield watch
        finally:
            watch.stopping.set()
            thread.join()


def _stream(store: LiveStore, watch: Watch, deliveries: dict[str, Delivery]) -> list[str]:
    """Send at random moments, so many a second, whether or not the last ones are answered."""
    rng, due = random.Random(3), time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for number, delivery in deliveries.items():
            due += rng.expovariate(PER_SECOND)
            time.sleep(max(0.0, due - time.perf_counter()))
            pool.submit(_send, store, watch, number, delivery)
        numbers = list(deliveries)
        watch.wait(numbers)
    return numbers


def _chase(store: LiveStore, watch: Watch, deliveries: dict[str, Delivery]) -> list[str]:
    """Send each delivery at once when the last one's balance is visible."""
    with ThreadPoolExecutor(1) as pool:
        for number, delivery in deliveries.items():
            pool.submit(_send, store, watch, number, delivery).result()
            watch.wait([number])
    return list(deliveries)


def _send(store: LiveStore, watch: Watch, number: str, delivery: Delivery) -> None:
    """Deliver over this thread's connection; the time runs from before the first byte."""
    watch.sent[number] = time.perf_counter()
    connection: http.client.HTTPConnection | None = getattr(_local, "connection", None)
    for _ in range(2):
        if connection is None:
            connection = _local.connection = http.client.HTTPConnection(
                "127.0.0.1", store.app.port, timeout=30
            )
        try:
            connection.request("POST", store.path, delivery.body, delivery.headers(store.secret))
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise RuntimeError(f"a delivery was answered {answer.status}")
            return
        except (ConnectionError, http.client.HTTPException):
            # The web closed a connection that was idle for some seconds.
            connection.close()
            connection = None


def _deliveries(count: int, first: int) -> dict[str, Delivery]:
    made = make_deliveries(count, range(1, CUSTOMERS + 1), first=first, seed=first)
    return {str(number): delivery for number, delivery in enumerate(made, first)}
