"""Short lives of orders in a sandbox shop, the deliveries they cause, and what they are worth in the end."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.orders import Delivery
from connectors.woocommerce.sandbox import SandboxShop

DOCUMENT: dict[str, Any] = {
    "points_name": {"en": "points"},
    "tiers": [
        {"key": "regular", "name": {"en": "Regular"}},
        {
            "key": "silver", "name": {"en": "Silver"}, "benefits": {"entry_reward": "hundred-off"},
            "enter": {"any": [{"metric": "spend", "at_least": "6000"}]},
        },
    ],
    "rewards": [{"key": "hundred-off", "kind": "fixed_discount", "amount": "100", "valid_days": 60}],
}  # fmt: skip
"""No multiplier above 1, so that the worth of all orders is a plain sum; a tier entry makes a coupon."""
AGE = timedelta(days=2)
PRICE = 10
TO_CANCEL, TO_REFUND, TO_REPEAT = 0.1, 0.1, 0.1


@dataclass(slots=True)
class Lives:
    """A shop with customers whose orders are paid, some of them cancelled, refunded in part, or told twice."""

    shop: SandboxShop
    rng: random.Random
    customers: int = 12
    points: dict[str, int] = field(default_factory=dict)
    """What each order is worth now, by its number."""
    _product: int = 0
    _people: list[int] = field(default_factory=list)
    _now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0) - AGE)

    def __post_init__(self) -> None:
        self.shop.now = lambda: self._now
        self._product = int(self.shop.add_product("Tea", PRICE)["id"])
        for number in range(self.customers):
            self._people.append(int(self.shop.add_customer(f"customer{number}@example.test")["id"]))

    def live(self, orders: int) -> list[Delivery]:
        """Let so many orders be placed and go their ways; return the deliveries of all of it, shuffled a little."""
        deliveries = [delivery for _ in range(orders) for delivery in self._one()]
        keys = {id(each): place + self.rng.uniform(0, 5) for place, each in enumerate(deliveries)}
        return sorted(deliveries, key=lambda each: keys[id(each)])

    def _one(self) -> list[Delivery]:
        quantity, customer = self.rng.randrange(5, 300), self.rng.choice(self._people)
        self._tick()
        order = self.shop.place_order(
            (self._product, quantity), customer=customer, email=f"{customer}@example.test"
        )
        number, told = str(order["id"]), [self._tell(order)]
        self.points[number] = quantity * PRICE
        fate = self.rng.random()
        if fate < TO_CANCEL:
            self._tick()
            told.append(self._tell(self.shop.set_status(order["id"], "cancelled")))
            self.points[number] = 0
        elif fate < TO_CANCEL + TO_REFUND:
            self._tick()
            back = self.rng.randrange(1, quantity) * PRICE
            self.shop.refund(order["id"], back)
            told.append(self._tell(self.shop.order(order["id"])))
            self.points[number] -= back
        return told + [each for each in told if self.rng.random() < TO_REPEAT]

    def _tell(self, order: dict[str, Any]) -> Delivery:
        body = json.dumps(order, separators=(",", ":")).encode()
        return Delivery("order.updated", f"{self.rng.getrandbits(128):032x}", body)

    def _tick(self) -> None:
        """Let some time pass, so that no two changes share a second."""
        self._now += timedelta(seconds=self.rng.randrange(2, 40))
