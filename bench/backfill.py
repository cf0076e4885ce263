"""The past of a shop with many orders: how long it takes, in how much memory, with how many statements.
`python -m bench.backfill --orders 100000`.
"""

from __future__ import annotations

import argparse
import copy
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from sqlalchemy import event

from bench.figures import Figure
from bench.merchants import make_document, open_merchant, to_woocommerce
from bench.stage import PROJECT, Place, Stage, open_stage
from connectors.woocommerce.sandbox import SandboxShop
from loyalty.backfills.repository import Wish, find_backfill
from loyalty.clock import utc_now
from loyalty.engine.past import ask_for_past
from loyalty.logs import configure_logging
from loyalty.stores.service import get_store
from workers.backfilling import run_backfill
from workers.runtime import Runtime

ORDERS_OF_A_BUYER = 10
AGE = timedelta(days=700)
PRICE = 100
MOST_GROWTH = 40.0
"""Megabytes by which memory may grow from a tenth of the way to the end."""
KEY, SECRET = "ck_sandbox", "cs_sandbox"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the shop of the other process is."""

    url: str
    consumer_key: str = KEY
    consumer_secret: str = SECRET


@dataclass(slots=True)
class Gauge:
    """What a backfill uses: statements, and memory at a tenth of the way and at most."""

    statements: int = 0
    early: float = 0.0
    peak: float = 0.0

    def look(self, seen: int, total: int) -> None:
        """Note the memory of this process, in megabytes."""
        now = _resident()
        self.peak = max(self.peak, now)
        if not self.early and seen * 10 >= total:
            self.early = now

    def count(self, *_: Any) -> None:
        """Count a statement."""
        self.statements += 1


def measure_backfill(stage: Stage, orders: int) -> list[Figure]:
    """Read so many orders of a shop that runs in a process of its own; return time, memory and statements."""
    with stage.place() as place, _shop(orders) as shop:
        runtime = place.runtime()
        try:
            return _measure(place, runtime, shop, orders)
        finally:
            runtime.database.dispose()


def _measure(place: Place, runtime: Runtime, shop: Address, orders: int) -> list[Figure]:
    merchant = open_merchant(runtime, make_document(), to_woocommerce(shop), effective_from=utc_now())
    with runtime.database.transaction(merchant.account) as connection:
        store = get_store(connection, runtime.vault, merchant.store)
        asked = ask_for_past(connection, merchant.account, store, Wish(), utc_now(), "bench")
    gauge = Gauge()
    event.listen(runtime.database.engine, "before_cursor_execute", gauge.count)
    started = perf_counter()
    is_over = run_backfill(
        runtime, merchant.account, merchant.store, seconds=float("inf"), progress=gauge.look
    )
    seconds = perf_counter() - started
    with runtime.database.transaction(merchant.account) as connection:
        row: Any = find_backfill(connection, asked)
    found = place.rows("select count(*) as orders, sum(points) as points from orders")[0]
    if not is_over or found != {"orders": orders, "points": orders * PRICE}:
        raise RuntimeError(f"not everything was taken in: {found}, {row['state']} {row['problem']}")
    notes: dict[str, object] = {"orders": orders, "read": row["seen"], "per_second": round(orders / seconds)}
    return [
        Figure("backfill time", seconds, "s", notes=notes),
        Figure("backfill peak memory", gauge.peak, "MB"),
        Figure("backfill growth", gauge.peak - gauge.early, "MB", goal=MOST_GROWTH, at_most=True,
               notes={"at_a_tenth": round(gauge.early)}),
        Figure("backfill statements", gauge.statements / orders, "/order", goal=1.0, at_most=True),
    ]  # fmt: skip


def _resident() -> float:
    """Return the resident memory of this process in megabytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


@contextmanager
def _shop(orders: int) -> Iterator[Address]:
    """Run a sandbox shop with so many orders in a process of its own: its memory is not ours."""
    argv = [sys.executable, "-m", "bench.backfill", "--serve", "--orders", str(orders)]
    with subprocess.Popen(
        argv, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield Address(process.stdout.readline().strip())
        finally:
            process.kill()


def serve(orders: int) -> None:
    """Be a shop with a long past until standard input ends."""
    with SandboxShop(consumer_key=KEY, consumer_secret=SECRET) as shop:
        _fill(shop, orders)
        print(shop.url, flush=True)
        sys.stdin.read()


def _fill(shop: SandboxShop, orders: int) -> None:
    """Copy one order again and again, one after the other in time; ten of a buyer."""
    first = shop.place_order((shop.add_product("Tea", PRICE)["id"], 1))
    model: dict[str, Any] = copy.deepcopy(shop.state.orders.pop(first["id"]))
    start, step = utc_now() - AGE, AGE / orders
    for number in range(orders):
        key = 1_000_000 + number
        buyer = f"buyer{number % max(1, orders // ORDERS_OF_A_BUYER)}@example.test"
        order = {**model, "id": key, "number": str(key), "billing": {**model["billing"], "email": buyer}}
        for name in ("date_created", "date_modified", "date_paid"):
            shop.state.stamp(order, name, start + number * step)
        shop.state.orders[key] = order


def main(argv: list[str]) -> int:
    """Measure once; return 1 when a figure is short of its goal."""
    parser = argparse.ArgumentParser(prog="python -m bench.backfill", description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--serve", action="store_true", help="be the shop")
    given = parser.parse_args(argv)
    if given.serve:
        serve(given.orders)
        return 0
    configure_logging("error")
    with open_stage() as stage:
        figures = measure_backfill(stage, given.orders)
    for figure in figures:
        print(figure.line(), flush=True)
    return 0 if all(figure.is_ok for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
