"""How fast members move in from a file, what memory that takes, and how soon points are added beside that many:
`python -m bench.imports --members N`.
"""

from __future__ import annotations

import argparse
import resource
import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from time import perf_counter
from uuid import UUID

from sqlalchemy import text

from bench.figures import Figure, percentile, seconds_of
from bench.merchants import Merchant, open_merchant
from bench.stage import Place, Stage, open_stage
from loyalty.accounts.service import next_command_number
from loyalty.clock import utc_now
from loyalty.engine.apply import carry_out
from loyalty.engine.commands import AdjustPoints
from loyalty.engine.import_columns import NAMES
from loyalty.engine.importing import NewImport, stage
from loyalty.imports.sheets import open_sheet
from loyalty.logs import configure_logging
from loyalty.reports.people import list_enrolled
from workers.importing import run_imports
from workers.runtime import Runtime

MEMBERS = 6_000
ADJUSTMENTS = 200
PAGES = 50
ROWS_A_SECOND = 300
"""A million members within an hour."""
HEADER = "customer_ids,email,name,birthday,lots,tier,lifetime_spend,lifetime_orders,joined_at,referral_code\n"


def measure_imports(stage_: Stage, _: int, scale: float = 1.0) -> list[Figure]:
    """Return the figures of an import of so many members."""
    return measure(stage_, max(600, int(MEMBERS * scale)))


def measure(stage_: Stage, count: int) -> list[Figure]:
    """Import so many members, then add points to some of them by hand and look at pages of them."""
    with stage_.place() as place:
        runtime = place.runtime()
        merchant = open_merchant(runtime)
        file = stage_.folder / "members.csv"
        _write(file, count)
        staged = seconds_of(lambda: _stage(runtime, merchant, file))
        taken = seconds_of(lambda: run_imports(runtime, merchant.account))
        _check(place, count)
        ids = _some(runtime, merchant)
        added = percentile([_adjust(runtime, merchant, member) for member in ids], 0.95)
        looked = percentile(_look(runtime, merchant, islice(ids, PAGES)), 0.95)
        runtime.database.dispose()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    notes: dict[str, object] = {"members": count, "staging_s": round(staged, 1), "peak_mib": round(peak)}
    return [
        Figure("imports", count / (staged + taken), " rows/s", goal=ROWS_A_SECOND, notes=notes),
        Figure("imports-adjust-p95", added * 1000, " ms", goal=50, at_most=True, notes={"members": count}),
        Figure("imports-page-p95", looked * 1000, " ms", goal=200, at_most=True, notes={"members": count}),
    ]


def _write(file: Path, count: int) -> None:
    """Write a file of members with two lots each, a tier, figures, a birthday and a referral code."""
    with file.open("w", encoding="utf-8") as stream:
        stream.write(HEADER)
        for number in range(count):
            lots = f"{number % 900 + 1}@2099-01-31; 20@never"
            what = f'{lots},,"{number % 90 + 10},000",{number % 20},2020-01-01,code-{number}'
            stream.write(
                f"1:{number},m{number}@example.com,M {number},{number % 12 + 1}-{number % 28 + 1},{what}\n"
            )


def _stage(runtime: Runtime, merchant: Merchant, file: Path) -> None:
    with file.open("rb") as stream, runtime.database.transaction(merchant.account) as connection:
        new = NewImport("import", file.name, "bench")
        stage(connection, merchant.account, new, open_sheet(stream, NAMES), utc_now())


def _check(place: Place, count: int) -> None:
    (found,) = place.rows("select state, valid, invalid from imports")
    (held,) = place.rows("select count(*) as members from members where joined_at is not null")
    assert (found["state"], found["valid"], held["members"]) == ("done", count, count), (found, held)


def _some(runtime: Runtime, merchant: Merchant) -> Sequence[UUID]:
    with runtime.database.transaction(merchant.account) as connection:
        ids = list(connection.execute(text("select id from members")).scalars())
    return Random(1).sample(ids, min(ADJUSTMENTS, len(ids)))


def _adjust(runtime: Runtime, merchant: Merchant, member: UUID) -> float:
    """Return how long it takes what `POST /members/{id}/adjustments` does."""

    def adjust() -> None:
        with runtime.database.transaction(merchant.account) as connection:
            number, now = next_command_number(connection), utc_now()
            command = AdjustPoints(number, now, 1, "bench", counts_toward_tier=False, actor="bench")
            carry_out(connection, runtime.book(connection, merchant.account, set()), member, command, now)

    return seconds_of(adjust)


def _look(runtime: Runtime, merchant: Merchant, after: Iterable[UUID]) -> list[float]:
    seconds = []
    for member in after:
        with runtime.database.transaction(merchant.account) as connection:
            started = perf_counter()
            list_enrolled(connection, None, member, 51)
            seconds.append(perf_counter() - started)
    return seconds


def main(argv: list[str]) -> int:
    """Measure with as many members as are asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.imports", description=__doc__)
    parser.add_argument("--members", type=int, default=MEMBERS, help="rows of the file (%(default)s)")
    given = parser.parse_args(argv)
    configure_logging("error")
    with open_stage() as made:
        for figure in measure(made, given.members):
            print(figure.line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
