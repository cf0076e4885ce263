"""Months of a sandbox shop, event by event, with the messages that a WooCommerce would send of each."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.clock import utc_now

Json = dict[str, Any]
DOCUMENT: Json = {
    "points_name": {"en": "points"},
    "tiers": [
        {"key": "regular", "name": {"en": "Regular"}},
        {
            "key": "silver", "name": {"en": "Silver"}, "benefits": {"multiplier": "1.5", "entry_reward": "off"},
            "enter": {"any": [{"metric": "spend", "at_least": "6000"}]},
        },
        {
            "key": "gold", "name": {"en": "Gold"}, "benefits": {"multiplier": "2", "entry_reward": "off"},
            "enter": {"any": [{"metric": "orders", "at_least": 12}]},
        },
    ],
    "expiry": {"mode": "lot", "after": {"months": 1}},
    "rewards": [{"key": "off", "kind": "fixed_discount", "amount": "100", "valid_days": 365}],
}  # fmt: skip
"""Tiers that multiply, coupons of their entries, and lots that die while the shop lives."""
AGE = timedelta(days=60)
PRICE = 10
DELETED = 0.02


@dataclass(frozen=True, slots=True)
class Message:
    """What a shop sends: a topic and the body as it was rendered."""

    topic: str
    body: bytes


@dataclass(slots=True)
class Chronicle:
    """A shop whose orders are placed, paid, edited, refunded, cancelled, trashed, restored and deleted."""

    shop: SandboxShop
    orders: int
    rng: random.Random
    start: datetime = field(default_factory=lambda: utc_now().replace(microsecond=0) - AGE)
    living: list[int] = field(default_factory=list)
    firsts: set[int] = field(default_factory=set)
    """The first order of each buyer is never deleted for good: when nothing of it arrived, nobody can know of him."""
    is_told_often: bool = False
    """Whether a deed is told by several messages, each of which is but a signal."""
    _now: datetime = field(init=False)
    _product: int = 0
    buyers: list[tuple[int, str]] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._now = self.start
        self.shop.now = lambda: self._now
        self._product = self.shop.add_product("Tea", PRICE)["id"]
        for number in range(max(3, self.orders // 8)):
            email = f"buyer{number}@example.test"
            customer = self.shop.add_customer(email)["id"] if number % 3 else 0
            self.buyers.append((customer, email))

    def introductions(self) -> list[Message]:
        """Return the messages that told of the registered customers."""
        return [
            self._tell("customer.created", self.shop.customer(customer))
            for customer, _ in self.buyers
            if customer
        ]

    def live(self) -> Iterator[list[Message]]:
        """Let everything happen; yield the messages of each event, none where the shop tells nobody."""
        step = AGE / (self.orders * 4)
        for _ in range(self.orders):
            yield self._place()
            for _ in range(self.rng.randrange(3)):
                # Some events share a second.
                self._now += step * self.rng.randrange(3)
                yield self._change(self.rng.choice(self.living))
            self._now += step * self.rng.randrange(3)
        self.shop.now = utc_now

    def _place(self) -> list[Message]:
        customer, email = self.rng.choice(self.buyers)
        items = (self._product, self.rng.randrange(5, 200))
        order = self.shop.place_order(items, customer=customer, email=email, paid=self.rng.random() < 0.8)
        self.living.append(order["id"])
        if email not in self._known:
            self._known.add(email)
            self.firsts.add(order["id"])
        return [self._tell("order.created", order), self._tell("order.updated", order)]

    def _change(self, number: int) -> list[Message]:
        order = self.shop.order(number)
        if order["status"] == "trash":
            self.shop.restore(number)
            return [self._tell("order.restored", self.shop.order(number))]
        events = (
            self._pay,
            self._complete,
            self._refund,
            self._unrefund,
            self._cancel,
            self._edit,
            self._trash,
        )
        if self.rng.random() < DELETED:
            return self._delete(order)
        return self.rng.choice((*events, self._refund, self._complete))(order)

    def _pay(self, order: Json) -> list[Message]:
        return self._updated(self.shop.set_status(order["id"], "processing"))

    def _complete(self, order: Json) -> list[Message]:
        return self._updated(self.shop.set_status(order["id"], "completed"))

    def _cancel(self, order: Json) -> list[Message]:
        return self._updated(self.shop.set_status(order["id"], "cancelled"))

    def _edit(self, order: Json) -> list[Message]:
        line = order["line_items"][0]
        total = str(PRICE * self.rng.randrange(5, 200))
        change = {"line_items": [{"id": line["id"], "subtotal": total, "total": total}]}
        if order["refunds"]:
            return []
        return self._updated(self.shop.call("PUT", f"orders/{order['id']}", change))

    def _refund(self, order: Json) -> list[Message]:
        left = int(order["total"]) + sum(int(refund["total"]) for refund in order["refunds"])
        if left < 2:
            return []
        self.shop.refund(order["id"], self.rng.randrange(1, left))
        action = "woocommerce_order_refunded"
        told = self._tell(f"action.{action}", {"action": action, "arg": order["id"]})
        return [*self._updated(self.shop.order(order["id"])), told]

    def _unrefund(self, order: Json) -> list[Message]:
        """Delete a refund, of which no shop tells anybody."""
        if order["refunds"]:
            self.shop.delete_refund(order["id"], self.rng.choice(order["refunds"])["id"])
        return []

    def _trash(self, order: Json) -> list[Message]:
        self.shop.trash(order["id"])
        return [self._tell("order.deleted", {"id": order["id"]})]

    def _delete(self, order: Json) -> list[Message]:
        if order["id"] in self.firsts:
            return []
        self.shop.delete(order["id"])
        self.living.remove(order["id"])
        action = "woocommerce_delete_order"
        return [self._tell(f"action.{action}", {"action": action, "arg": order["id"]})]

    def _updated(self, order: Json) -> list[Message]:
        return [self._tell("order.updated", order)]

    def _tell(self, topic: str, body: Json) -> Message:
        return Message(topic, json.dumps(body, separators=(",", ":")).encode())
