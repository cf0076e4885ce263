"""The drain beside 100,000 members and 1,000,000 entries, against the drain of an empty database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import create_engine, text

from bench.drainer import Drained, drain
from bench.figures import Figure, interleaved, median_ratio, percentile
from bench.merchants import Merchant, fill_inbox, open_merchant
from bench.orders import make_deliveries
from bench.stage import Place, Stage
from bench.statements import read_statements
from loyalty.clock import utc_now
from loyalty.engine.verify import verify_ledger
from workers.draining import BATCH

MEMBERS = 100_000
ORDERS_OF_TEN = 63
"""So many orders have ten members; with the expiries of what is older than a year about 100 entries."""
FIRST_MEMBERS = 500
ORDERS = 8000
STEP = 1_000_000
"""Between the ids of a member or order and those of his next copy."""
NEW_ORDERS = 900_000_000_000
HISTORY = timedelta(days=900)
HOURS_BETWEEN_ROUNDS = 3


HELD = "select (select count(*) from members) as members, count(*) as entries from ledger_entries"


def measure_large(stage: Stage, rounds: int, scale: float = 1.0) -> list[Figure]:
    """Return the drain rate of new orders of existing members against an empty database, and the p99 of a batch."""
    count, number = max(BATCH, int(ORDERS * scale)), 0
    batches: list[int] = []
    check_copies(stage)
    with stage.place() as place:
        merchant, customers = load_history(
            place, FIRST_MEMBERS, max(1, int(MEMBERS * scale) // FIRST_MEMBERS)
        )

        def beside() -> float:
            nonlocal number
            number += 1
            drained = _drain(place, merchant, customers, count, number)
            batches.extend(drained.batches)
            return drained.rate

        def empty() -> float:
            with stage.place() as other:
                return _drain(other, _open(other), customers, count, number + 1).rate

        ours, theirs = interleaved(rounds, beside, empty)
        held = place.rows(HELD)[0]
    return _figures(ours, theirs, batches, held)


def _figures(
    ours: list[float], theirs: list[float], batches: list[int], held: dict[str, Any]
) -> list[Figure]:
    notes: dict[str, object] = {"empty": median(theirs), **held}
    p99 = percentile(batches, 0.99)
    return [
        Figure("drain_large", median(ours), "/s", median_ratio(ours, theirs), 0.8, notes=notes),
        Figure("drain_large_batch_p99", p99, "ms", notes={"batches": len(batches), "batch": BATCH}),
    ]


@dataclass(frozen=True, slots=True)
class History:
    """How many orders ten members have, over how long until yesterday, and by which program."""

    orders_of_ten: int = ORDERS_OF_TEN
    length: timedelta = HISTORY
    document: dict[str, Any] | None = None


def load_history(
    place: Place, members: int, copies: int, history: History | None = None
) -> tuple[Merchant, list[int]]:
    """Fill a database: the drain writes the first members, set-based SQL copies them; return all customers' ids."""
    told = history or History()
    merchant = _open(place, told.document)
    count = members * told.orders_of_ten // 10
    spacing = int(told.length.total_seconds()) // count
    customers = range(1, members + 1)
    fill_inbox(
        place,
        merchant,
        make_deliveries(count, customers, start=_yesterday() - told.length, spacing=spacing, seed=2),
    )
    drain(place.environ, merchant.account, BATCH)
    if copies > 1:
        _copy(place, merchant, copies - 1)
    place.execute("vacuum (analyze)", "checkpoint")
    return merchant, [own + copy * STEP for copy in range(copies) for own in customers]


def _copy(place: Place, merchant: Merchant, copies: int) -> None:
    engine = create_engine(place.superuser_url.replace("postgresql", "postgresql+psycopg", 1))
    values = {"account": merchant.account, "copies": copies, "step": STEP}
    try:
        with engine.begin() as connection:
            connection.execute(text("set local session_replication_role = replica"))
            connection.execute(text("set local work_mem = '256MB'"))
            for statement in read_statements("large.sql", *values):
                connection.execute(statement, values)
    finally:
        engine.dispose()


def check_copies(stage: Stage) -> None:
    """Raise AssertionError unless the ledgers of copied members are as the drain would have written them."""
    with stage.place() as place:
        merchant, customers = load_history(place, 20, 3)
        runtime = place.runtime()
        try:
            with runtime.database.transaction(merchant.account) as connection:
                found = verify_ledger(connection, merchant.account, rebuild=True)
        finally:
            runtime.database.dispose()
    assert not found.differences, found.differences[:3]
    assert found.members == len(customers), found
    assert found.entries > len(customers) * ORDERS_OF_TEN // 10, found


def _drain(place: Place, merchant: Merchant, customers: list[int], count: int, number: int) -> Drained:
    start = _yesterday() + timedelta(hours=number * HOURS_BETWEEN_ROUNDS)
    orders = make_deliveries(count, customers, first=NEW_ORDERS + number * STEP, start=start, seed=number)
    fill_inbox(place, merchant, orders)
    place.execute("checkpoint")
    return drain(place.environ, merchant.account, BATCH)


def _open(place: Place, document: dict[str, Any] | None = None) -> Merchant:
    runtime = place.runtime()
    try:
        return open_merchant(runtime, document)
    finally:
        runtime.database.dispose()


def _yesterday() -> datetime:
    return utc_now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
