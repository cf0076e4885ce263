"""How many rewards a second one process redeems, each in its own transaction, against bare SQL that locks and writes
the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median
from time import perf_counter
from typing import Any
from uuid import UUID

from sqlalchemy import text

from bench.figures import Figure, interleaved, median_ratio
from bench.merchants import Merchant, fill_inbox, make_document, open_merchant
from bench.orders import make_deliveries
from bench.stage import Place, Stage
from bench.statements import read_statements
from loyalty.accounts.service import next_command_numbers
from loyalty.clock import instant_text, utc_now
from loyalty.engine.apply import carry_out_many
from loyalty.engine.commands import AdjustPoints
from loyalty.engine.redemptions import Wish, redeem_reward
from loyalty.engine.verify import verify_ledger
from workers.draining import drain_account
from workers.runtime import Runtime

MEMBERS = 400
REDEMPTIONS = 400
POINTS = 100_000
"""What every member has: enough for all rounds."""
REWARDS: list[dict[str, Any]] = [
    {"key": "talk", "kind": "service", "points": 1},
    {"key": "off", "kind": "fixed_discount", "points": 1, "amount": "1"},
]
"""One that is spent at once, and one that waits for its code with a coupon and a push."""
Redeem = Callable[[UUID], None]


@dataclass(slots=True)
class Counter:
    """A shop whose members have points, and the two ways to redeem."""

    runtime: Runtime
    merchant: Merchant
    members: Sequence[UUID]
    statement: Any

    def by_service(self, reward: str) -> Redeem:
        """Return what the API calls for each request."""

        def redeem(member: UUID) -> None:
            with self.runtime.database.transaction(self.merchant.account) as connection:
                book = self.runtime.book(connection, self.merchant.account, set())
                redeem_reward(connection, book, member, Wish(reward), utc_now(), "bench")

        return redeem

    def by_sql(self, member: UUID) -> None:
        """Redeem by the one statement."""
        now = utc_now()
        values = {"account": self.merchant.account, "member": member, "at": now, "iso": instant_text(now)}
        with self.runtime.database.transaction(self.merchant.account) as connection:
            connection.execute(self.statement, values)

    def rate(self, redeem: Redeem, members: Sequence[UUID], times: int) -> float:
        """Return the redemptions a second, one after the other, for these members in turn."""
        started = perf_counter()
        for member in islice(cycle(members), times):
            redeem(member)
        return times / (perf_counter() - started)

    def differences(self) -> list[Any]:
        """Return what the proof of the ledger finds."""
        with self.runtime.database.transaction(self.merchant.account) as connection:
            return verify_ledger(connection, self.merchant.account, rebuild=True).differences


def measure_redeeming(stage: Stage, rounds: int, scale: float = 1.0) -> list[Figure]:
    """Return the redemptions a second on distinct members, on one member, and with a code to make."""
    times = max(20, int(REDEMPTIONS * scale))
    with stage.place() as place:
        counter = _open(place, max(20, int(MEMBERS * scale)))
        ours, everybody, one = counter.by_service("talk"), counter.members, counter.members[:1]
        try:
            distinct, bare_distinct, single, bare_single, codes = interleaved(
                rounds,
                lambda: counter.rate(ours, everybody, times),
                lambda: counter.rate(counter.by_sql, everybody, times),
                lambda: counter.rate(ours, one, times),
                lambda: counter.rate(counter.by_sql, one, times),
                lambda: counter.rate(counter.by_service("off"), everybody, times),
            )
            found = counter.differences()
            assert not found, found[:3]
        finally:
            counter.runtime.database.dispose()
    return [
        _figure("redeem_distinct", distinct, bare_distinct),
        _figure("redeem_one_member", single, bare_single),
        Figure("redeem_codes", median(codes), "/s"),
    ]


def _figure(name: str, ours: Sequence[float], bare: Sequence[float]) -> Figure:
    return Figure(name, median(ours), "/s", median_ratio(ours, bare), notes={"sql": median(bare)})


def _open(place: Place, members: int) -> Counter:
    runtime = place.runtime()
    merchant = open_merchant(runtime, {**make_document(), "rewards": REWARDS})
    fill_inbox(place, merchant, make_deliveries(members, range(1, members + 1)))
    drain_account(runtime, merchant.account)
    with runtime.database.transaction(merchant.account) as connection:
        ids = list(connection.execute(text("select id from members order by id")).scalars())
        book, now = runtime.book(connection, merchant.account, set()), utc_now()
        given = zip(ids, next_command_numbers(connection, len(ids)), strict=True)
        gifts = {
            member: AdjustPoints(number, now, POINTS, "enough", False, "bench") for member, number in given
        }
        carry_out_many(connection, book, gifts, now)
    (statement,) = read_statements("redeem.sql", "account", "member", "at", "iso")
    return Counter(runtime, merchant, ids, statement)
