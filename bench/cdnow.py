"""The purchases of 2,357 real customers as signed webhooks through HTTP; the points compared with a plain sum."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.app import is_drained, wait_for
from bench.figures import Figure
from bench.live_store import LiveStore, live_store
from bench.load import bombard, post_request
from bench.orders import Delivery, order_delivery
from bench.stage import PROJECT

SAMPLE = PROJECT / "tests" / "payloads" / "cdnow_sample.txt"
CONNECTIONS = 16
SECONDS_TO_DRAIN = 300.0
NOON = timedelta(hours=12)
_MEMBERS = (
    "select tier_key, count(*), sum(points_sum)::bigint from members where joined_at is not null"
    " group by tier_key"
)


@dataclass(frozen=True, slots=True)
class Purchase:
    """One purchase: a customer's number, the day, the amount in US dollars."""

    number: int
    customer: int
    at: datetime
    amount: Decimal


def measure_cdnow(scale: float = 1.0) -> list[Figure]:
    """Return orders per second from the first delivery to the last balance; raises AssertionError on a wrong sum."""
    purchases = read_purchases(SAMPLE)
    purchases = purchases[: max(100, int(len(purchases) * scale))]
    with live_store(_PROGRAM, currency="USD", decimals=2, since="1996-01-01T00:00:00Z") as store:
        started = time.perf_counter()
        requests = [_request(store, each) for each in purchases]
        answers = bombard(store.app.port, requests, CONNECTIONS)
        assert not answers.refused, f"{answers.refused} deliveries were not answered 200"
        assert wait_for(lambda: is_drained(store.app), SECONDS_TO_DRAIN, pause=0.02), (
            "the inbox is not drained"
        )
        seconds = time.perf_counter() - started
        with store.app.database() as connection:
            found = {str(row[0]): (int(row[1]), int(row[2])) for row in connection.execute(_MEMBERS)}
        verified = store.app.command("ledger", "verify", store.key, "--rebuild", ok=(0, 1))
    expected = expect(purchases)
    assert found == expected, f"found {found}, expected {expected}"
    assert verified["differences"] == 0, verified
    points = sum(total for _, total in found.values())
    notes: dict[str, object] = {"orders": len(purchases), "points": points, "differences": 0}
    notes |= {f"members_{tier}": count for tier, (count, _) in sorted(found.items())}
    return [Figure("cdnow", len(purchases) / seconds, "/s", notes=notes)]


_PROGRAM: dict[str, Any] = {
    "points_name": {"en": "points"},
    "tiers": [
        {"key": "regular", "name": {"en": "Regular"}},
        {
            "key": "gold", "name": {"en": "Gold"}, "benefits": {"multiplier": "1.5"},
            "enter": {"any": [{"metric": "spend", "at_least": "200"}]},
        },
    ],
    "tier_policy": {"window": {"kind": "lifetime"}},
}  # fmt: skip


def expect(purchases: list[Purchase]) -> dict[str, tuple[int, int]]:
    """Return by tier how many members there are and their points, computed purchase by purchase.

    The tier before a purchase rates it; who has spent 200 dollars is gold, which earns half as much again.
    """
    spent: dict[int, Decimal] = defaultdict(Decimal)
    points: dict[int, int] = defaultdict(int)
    for each in sorted(purchases, key=lambda each: (each.at, each.number)):
        multiplier = Decimal("1.5") if spent[each.customer] >= 200 else 1
        points[each.customer] += int(each.amount * multiplier)
        spent[each.customer] += each.amount
    found: dict[str, tuple[int, int]] = {}
    for customer, earned in points.items():
        tier = "gold" if spent[customer] >= 200 else "regular"
        count, total = found.get(tier, (0, 0))
        found[tier] = (count + 1, total + earned)
    return found


def read_purchases(path: Path) -> list[Purchase]:
    """Return the purchases of the sample as time went by."""
    rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
    made = [
        Purchase(
            number, int(sample), datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC) + NOON, Decimal(amount)
        )
        for number, (_, sample, day, _, amount) in enumerate(rows, 1)
    ]
    return sorted(made, key=lambda each: (each.at, each.number))


def _request(store: LiveStore, purchase: Purchase) -> bytes:
    delivery = purchase_delivery(purchase)
    return post_request(store.path, delivery.headers(store.secret), delivery.body)


def purchase_delivery(purchase: Purchase) -> Delivery:
    """Return the delivery of a purchase: an order of one line."""
    amount = f"{purchase.amount:f}"
    line = {
        "id": purchase.number * 10,
        "name": "CD",
        "product_id": 1,
        "variation_id": 0,
        "quantity": 1,
        "sku": "CD",
    }
    line |= {
        "subtotal": amount,
        "subtotal_tax": "0.00",
        "total": amount,
        "total_tax": "0.00",
        "meta_data": [],
    }
    more = {"total": amount, "currency": "USD", "line_items": [line]}
    return order_delivery(purchase.number, purchase.customer, [], purchase.at, **more)
