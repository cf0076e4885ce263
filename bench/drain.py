"""How fast one worker drains: against RQ's no-op jobs, bare SQL, single transactions, and two workers at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from sqlalchemy import event

from bench.drainer import drain, waiting_drainer
from bench.figures import Figure, interleaved, median_ratio
from bench.merchants import Merchant, fill_inbox, open_merchant
from bench.noop import rate_of_noops
from bench.orders import make_deliveries
from bench.stage import Place, Stage
from bench.yardstick import check_same_rows, drain_by_sql
from workers.draining import BATCH, drain_account

ORDERS = 6000
SINGLE_ORDERS = 800
ORDERS_PER_CUSTOMER = 2
MOST_STATEMENTS = 15


@dataclass(slots=True)
class Track:
    """What the measurements of one run share."""

    stage: Stage
    scale: float = 1.0
    batches: list[int] = field(default_factory=list)

    def orders(self, full: int = ORDERS) -> int:
        """Return how many orders to measure with; shrunk for a quick look."""
        return max(BATCH, int(full * self.scale))

    def drain(self) -> float:
        """Drain a fresh account with one worker process; orders per second."""
        with self.stage.place() as place:
            merchant = loaded_merchant(place, self.orders())
            drained = drain(place.environ, merchant.account, BATCH)
        self.batches += drained.batches
        return drained.rate

    def single(self) -> float:
        """Drain with one transaction an order; orders per second."""
        with self.stage.place() as place:
            merchant = loaded_merchant(place, self.orders(SINGLE_ORDERS))
            return drain(place.environ, merchant.account, 1).rate

    def sql(self) -> float:
        """Process the same messages by bare SQL; orders per second."""
        with self.stage.place() as place:
            merchant, runtime = loaded_merchant(place, self.orders()), place.runtime()
            try:
                orders, seconds = drain_by_sql(runtime, merchant.account, BATCH)
            finally:
                runtime.database.dispose()
            return orders / seconds

    def pair(self) -> float:
        """Drain two accounts with two worker processes at once; orders per second of both together."""
        with self.stage.place() as place:
            merchants = [loaded_merchant(place, self.orders()) for _ in range(2)]
            with (
                waiting_drainer(place.environ, merchants[0].account, BATCH) as one,
                waiting_drainer(place.environ, merchants[1].account, BATCH) as other,
            ):
                one.go()
                other.go()
                results = (one.result(), other.result())
        return sum(each.orders for each in results) / max(each.seconds for each in results)

    def noops(self) -> float:
        """Return RQ's no-op jobs per second on the same Valkey."""
        return rate_of_noops(self.stage.urls.redis)


def loaded_merchant(place: Place, orders: int) -> Merchant:
    """Return a fresh account with so many orders of four lines in its inbox."""
    runtime = place.runtime()
    try:
        merchant = open_merchant(runtime)
    finally:
        runtime.database.dispose()
    fill_inbox(place, merchant, make_deliveries(orders, range(1, 2 + orders // ORDERS_PER_CUSTOMER)))
    place.execute("checkpoint")
    return merchant


def measure_drain(stage: Stage, rounds: int, scale: float = 1.0) -> list[Figure]:
    """Return every figure of the drain; the yardsticks run in the same rounds."""
    check_yardstick(stage)
    track = Track(stage, scale)
    measures = (track.drain, track.noops, track.sql, track.single, track.pair)
    ours, noops, sql, single, pair = interleaved(rounds, *measures)
    rate = median(ours)
    return [
        Figure("drain_vs_rq", rate, "/s", median_ratio(ours, noops), 6, notes={"rq_noops": median(noops)}),
        Figure("drain_vs_sql", rate, "/s", median_ratio(ours, sql), 0.25, notes={"sql": median(sql), "batch": BATCH}),
        Figure("drain_vs_single", rate, "/s", median_ratio(ours, single), 1.3, notes={"single": median(single)}),
        Figure("drain_two_accounts", median(pair), "/s", median_ratio(pair, ours), 1.5, notes={"one": rate}),
        count_statements(stage),
    ]  # fmt: skip


def check_yardstick(stage: Stage) -> None:
    """Let drain and yardstick process the same messages; raises AssertionError unless they write the same rows."""
    with stage.place() as place:
        ours, theirs = loaded_merchant(place, BATCH + 50), loaded_merchant(place, BATCH + 50)
        runtime = place.runtime()
        try:
            drain_account(runtime, ours.account)
            drain_by_sql(runtime, theirs.account, BATCH)
            check_same_rows(runtime, ours.account, theirs.account, place)
        finally:
            runtime.database.dispose()


def count_statements(stage: Stage) -> Figure:
    """Return the statements of a batch, for one message and for a full batch, commit and begin not counted."""
    counts = [_statements_of(stage, size) for size in (1, BATCH)]
    notes: dict[str, object] = {"of_one": counts[0], f"of_{BATCH}": counts[1]}
    return Figure("drain_statements", max(counts), "", goal=MOST_STATEMENTS, at_most=True, notes=notes)


def _statements_of(stage: Stage, size: int) -> int:
    """Count what one drain sends, less what its last, empty claim sends."""
    with stage.place() as place:
        merchant, runtime = loaded_merchant(place, size), place.runtime()
        sent: list[str] = []
        event.listen(runtime.database.engine, "before_cursor_execute", lambda *given: sent.append(given[2]))
        try:
            drain_account(runtime, merchant.account)
            full = len(sent)
            drain_account(runtime, merchant.account)
        finally:
            runtime.database.dispose()
        return full - (len(sent) - full)
