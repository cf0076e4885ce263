"""The fault suites at their full sizes: processes killed while orders arrive, messages lost, crowds of workers on few
members, and ten years of a store.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from bench import crash, losses
from bench.concurrency import Crowd, crowd
from bench.stage import Stage, open_stage
from bench.years import Years, live_with_habits
from loyalty.logs import configure_logging


def main(argv: list[str]) -> int:
    """Run all suites; return 0 when nothing is to complain about."""
    given = _parser().parse_args(argv)
    configure_logging("error")
    seed = given.seed if given.seed is not None else secrets.randbelow(2**32)
    complaints: list[str] = []
    for number, platform in _each(given.crashes, given.shops):
        complaints += _crash(crash.Plan(given.orders, given.kills, seed + number, platform))
    with open_stage() as stage:
        for number, platform in _each(given.losses, given.shops):
            complaints += losses.run_on(stage, given.loss_orders, seed + number, platform)
        for number in range(given.crowds):
            plan = Crowd(given.workers, given.crowd_orders, given.members, seed + number)
            outcome = crowd(stage, plan)
            complaints += _tell(f"crowd {plan}", f"messages={outcome.messages}", outcome.complaints())
        complaints += _years(stage, Years(given.customers, given.days, given.daily, seed))
    return 1 if complaints else 0


def _each(times: int, shops: str) -> Iterator[tuple[int, str]]:
    return product(range(times), shops.split(","))


def _years(stage: Stage, plan: Years) -> list[str]:
    if not plan.days:
        return []
    started = time.monotonic()
    with stage.place() as place:
        runtime = place.runtime()
        try:
            complaints = live_with_habits(runtime, plan, lambda line: print(f"soak years {line}", flush=True))
        finally:
            runtime.database.dispose()
    return _tell(f"years {plan}", f"s={time.monotonic() - started:.0f}", complaints)


def _crash(plan: crash.Plan) -> list[str]:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="laurel-soak-", ignore_cleanup_errors=True) as folder:
        outcome = crash.run(plan, Path(folder))
    seconds = time.monotonic() - started
    figures = (
        f"deliveries={outcome.deliveries} never made={outcome.dropped} found={outcome.found}"
        f" tried again={outcome.repeated} kills={outcome.kills} queue emptied={outcome.flushes} s={seconds:.0f}"
    )
    return _tell(f"crash {plan}", figures, outcome.complaints())


def _tell(what: str, figures: str, complaints: list[str]) -> list[str]:
    print(f"soak {what} {figures} {'; '.join(complaints) if complaints else 'ok'}", flush=True)
    return complaints


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    sizes = (
        ("orders", 5000, "orders of a crash run"),
        ("kills", 200, "kills of a crash run"),
        ("crashes", 1, "crash runs"),
        ("losses", 1, "runs with messages dropped, doubled, shuffled and delayed"),
        ("loss-orders", 5000, "orders of such a run"),
        ("crowds", 5, "runs of many workers on few members"),
        ("workers", 8, "workers of such a run"),
        ("members", 5, "members of such a run"),
        ("crowd-orders", 3000, "orders of such a run"),
        ("customers", 1000, "customers of the simulated store"),
        ("days", 3650, "days of its life"),
        ("daily", 6, "orders of a day"),
    )
    for name, size, what in sizes:
        parser.add_argument(f"--{name}", type=int, default=size, help=f"{what} ({size})")
    shops = ",".join(losses.SHOPS)
    parser.add_argument("--shops", default=shops, help=f"platforms of both kinds of runs ({shops})")
    parser.add_argument("--seed", type=int, help="chance, printed and repeatable")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
