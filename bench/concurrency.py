"""Many workers on few members with every message told several times; the ledger must not differ from its rebuild."""

from __future__ import annotations

import random
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

from bench.drainer import waiting_drainer
from bench.merchants import Merchant, fill_inbox, make_document, open_merchant
from bench.orders import START, Delivery, order_delivery
from bench.stage import Place, Stage
from loyalty.engine.verify import verify_ledger
from workers.draining import drain_account

BATCH = 20
PRICE = 10


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many workers, orders and members, and the seed of all chances."""

    workers: int
    orders: int
    members: int
    seed: int


@dataclass(frozen=True, slots=True)
class CrowdOutcome:
    """What came out, and what should have."""

    messages: int
    points: int
    expected_points: int
    differences: int

    def complaints(self) -> list[str]:
        """Return what is not as it must be."""
        found = []
        if self.points != self.expected_points:
            found.append(f"{self.points} points instead of {self.expected_points}")
        if self.differences:
            found.append(f"ledger verify --rebuild: {self.differences} differences")
        return found


def crowd(stage: Stage, plan: Crowd) -> CrowdOutcome:
    """Let all workers drain one account at once; return what came out."""
    rng = random.Random(plan.seed)
    with stage.place() as place:
        runtime = place.runtime()
        try:
            merchant = open_merchant(runtime, make_document())
            deliveries, expected = _deliveries(rng, plan)
            fill_inbox(place, merchant, deliveries)
            _drain_together(place, merchant, plan.workers)
            drain_account(runtime, merchant.account)
            with runtime.database.transaction(merchant.account) as connection:
                differences = verify_ledger(connection, merchant.account, rebuild=True).differences
        finally:
            runtime.database.dispose()
        points = int(place.rows("select coalesce(sum(points_sum), 0) as n from members")[0]["n"])
    return CrowdOutcome(len(deliveries), points, expected, len(differences))


def _deliveries(rng: random.Random, plan: Crowd) -> tuple[list[Delivery], int]:
    """Return shuffled messages, some orders cancelled later, each message told one to three times; and their worth."""
    told: list[Delivery] = []
    expected = 0
    for number in range(1, plan.orders + 1):
        customer, quantity = 1 + rng.randrange(plan.members), rng.randrange(1, 200)
        at = START + timedelta(minutes=number)
        own = [order_delivery(number, customer, [(PRICE, quantity)], at)]
        if rng.random() < 0.2:
            later = (at + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%S")
            more = {"status": "cancelled", "date_modified": later, "date_modified_gmt": later}
            own.append(order_delivery(number, customer, [(PRICE, quantity)], at, **more))
        else:
            expected += PRICE * quantity
        told += [_again(each, rng) for each in own for _ in range(rng.randrange(1, 4))]
    rng.shuffle(told)
    return told, expected


def _again(delivery: Delivery, rng: random.Random) -> Delivery:
    return Delivery(delivery.topic, f"{rng.getrandbits(128):032x}", delivery.body)


def _drain_together(place: Place, merchant: Merchant, workers: int) -> None:
    with ExitStack() as stack:
        drainers = [
            stack.enter_context(waiting_drainer(place.environ, merchant.account, BATCH))
            for _ in range(workers)
        ]
        for drainer in drainers:
            drainer.go()
        for drainer in drainers:
            drainer.result()
