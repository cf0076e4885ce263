"""Measure: `python -m bench [NAME…]`; each figure on a line, all of them in var/bench.json."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.backfill import measure_backfill
from bench.cdnow import measure_cdnow
from bench.daily import measure_daily
from bench.drain import measure_drain
from bench.figures import Figure, write_figures
from bench.imports import measure_imports
from bench.large import measure_large
from bench.latency import measure_latency
from bench.receiver import measure_receiver
from bench.redeeming import measure_redeeming
from bench.shopify_push import measure_shopify_push
from bench.spent import measure_spent
from bench.stage import Stage, open_stage
from loyalty.logs import configure_logging

ROUNDS = 3
Measure = Callable[[Stage, int, float], Sequence[Figure]]
MEASURES: Mapping[str, Measure] = {
    "receiver": measure_receiver,
    "drain": measure_drain,
    "large": measure_large,
    "daily": measure_daily,
    "redeeming": measure_redeeming,
    "imports": measure_imports,
    "latency": lambda _stage, _rounds, scale: measure_latency(scale),
    "cdnow": lambda _stage, _rounds, scale: measure_cdnow(scale),
    "backfill": lambda stage, _rounds, scale: measure_backfill(stage, max(100, int(10_000 * scale))),
    "shopify_push": lambda _stage, _rounds, scale: measure_shopify_push(scale),
    "spent": lambda stage, _rounds, scale: measure_spent(stage, scale),
}


def main(argv: list[str]) -> int:
    """Measure what is named, or everything; return 0 also when a figure is short of its goal."""
    parser = _parser()
    given = parser.parse_args(argv)
    if unknown := sorted(set(given.names) - set(MEASURES)):
        parser.error(f"there is no figure {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    configure_logging("error")
    figures: list[Figure] = []
    with open_stage() as stage:
        for name in given.names or MEASURES:
            for figure in MEASURES[name](stage, given.rounds, given.scale):
                print(figure.line(), flush=True)
                figures.append(figure)
    write_figures(figures, Path(os.environ.get("LAUREL_DATA") or "var") / "bench.json")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = ", ".join(MEASURES)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {names}; all unless given")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="interleaved rounds (%(default)s)")
    parser.add_argument("--scale", type=float, default=1.0, help="less than 1 for a quick look")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
