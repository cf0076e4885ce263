"""Short lives of orders in a sandbox shop, the deliveries they cause, and what they are worth in the end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.fault_shops import FaultShop, Letter

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

    shop: FaultShop
    rng: random.Random
    drops: float = 0.0
    """The chance that nothing of a deed is ever delivered."""
    dropped: int = 0
    """Deliveries that the shop never makes."""
    customers: int = 12
    points: dict[int, int] = field(default_factory=dict)
    """What each order is worth now, by its id."""
    _product: int = 0
    _people: list[int] = field(default_factory=list)
    _now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0) - AGE)

    def __post_init__(self) -> None:
        self.shop.set_clock(lambda: self._now)
        self._product = self.shop.add_product("Tea", PRICE)
        for number in range(self.customers):
            self._people.append(self.shop.add_customer(f"customer{number}@example.test"))

    def live(self, orders: int) -> list[Letter]:
        """Let so many orders be placed and go their ways; return the deliveries of all of it, shuffled a little."""
        letters = [letter for _ in range(orders) for letter in self._one()]
        keys = {id(each): place + self.rng.uniform(0, 5) for place, each in enumerate(letters)}
        return sorted(letters, key=lambda each: keys[id(each)])

    def _one(self) -> Sequence[Letter]:
        quantity, customer = self.rng.randrange(5, 300), self.rng.choice(self._people)
        self._tick()
        order = self.shop.place(self._product, quantity, customer)
        told = self._told(order)
        self.points[order] = quantity * PRICE
        fate = self.rng.random()
        if fate < TO_CANCEL:
            self._tick()
            self.shop.cancel(order)
            told += self._told(order)
            self.points[order] = 0
        elif fate < TO_CANCEL + TO_REFUND:
            self._tick()
            back = self.rng.randrange(1, quantity) * PRICE
            self.shop.refund(order, back)
            told += self._told(order)
            self.points[order] -= back
        return told + [each for each in told if self.rng.random() < TO_REPEAT]

    def _told(self, order: int) -> list[Letter]:
        told = [*self.shop.told(order, self.rng)]
        if self.rng.random() >= self.drops:
            return told
        self.dropped += len(told)
        return []

    def _tick(self) -> None:
        """Let some time pass, so that no two changes share a second."""
        self._now += timedelta(seconds=self.rng.randrange(2, 40))
