"""Months of a sandbox Shopify, event by event, with the messages that it sends of each."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bench.chronicle import AGE, DELETED, PRICE, Message
from connectors.shopify.connect import TOPICS
from connectors.shopify.sandbox import ShopifySandbox, sums
from loyalty.clock import utc_now

Json = dict[str, Any]
SUBSCRIBE = """mutation($topic: WebhookSubscriptionTopic!, $given: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $given) { userErrors { message } } }"""
NOWHERE = "https://nobody.example.test/webhooks/shopify"


def take_messages(shop: ShopifySandbox) -> list[Message]:
    """Return what the shop wants to send, as it was rendered, and let it forget that."""
    with shop.state.lock:
        queue, shop.state.queue = shop.state.queue, []
    return [Message(each.headers["X-Shopify-Topic"], each.body) for each in queue]


def subscribe(shop: ShopifySandbox) -> None:
    """Have the shop write a message of everything that concerns us."""
    for topic in TOPICS:
        shop.ask(SUBSCRIBE, {"topic": topic, "given": {"uri": NOWHERE, "format": "JSON"}})


@dataclass(slots=True)
class ShopifyChronicle:
    """A shop whose orders are placed, paid in parts, sent, edited, refunded in every way, cancelled and deleted."""

    shop: ShopifySandbox
    orders: int
    rng: random.Random
    start: datetime = field(default_factory=lambda: utc_now().replace(microsecond=0) - AGE)
    living: list[int] = field(default_factory=list)
    firsts: set[int] = field(default_factory=set)
    """The first order of each buyer is never deleted for good: when nothing of it arrived, nobody can know of him."""
    is_told_often: bool = True
    """Whether a deed is told by several messages, each of which is but a signal."""
    _met: list[Message] = field(default_factory=list)
    _now: datetime = field(init=False)
    _products: list[int] = field(default_factory=list)
    buyers: list[tuple[int | None, str]] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._now = self.start
        self.shop.now = lambda: self._now
        subscribe(self.shop)
        self._products = [
            int(self.shop.add_product(name, PRICE * n)["id"]) for n, name in enumerate(("Tea", "Mug"), 1)
        ]
        self._products.append(int(self.shop.add_product("Card", PRICE * 5, gift_card=True)["id"]))
        for number in range(max(3, self.orders // 8)):
            email = f"buyer{number}@example.test"
            customer = int(self.shop.add_customer(email)["id"]) if number % 3 else None
            self.buyers.append((customer, email))
        self._met = take_messages(self.shop)

    def introductions(self) -> list[Message]:
        """Return the messages that told of the registered customers."""
        return self._met

    def live(self) -> Iterator[list[Message]]:
        """Let everything happen; yield the messages of each event, none where the shop tells nobody."""
        step = AGE / (self.orders * 4)
        for _ in range(self.orders):
            self._place()
            yield take_messages(self.shop)
            for _ in range(self.rng.randrange(3)):
                # Some events share a second.
                self._now += step * self.rng.randrange(3)
                self._change(self.rng.choice(self.living))
                yield take_messages(self.shop)
            self._now += step * self.rng.randrange(3)
        self.shop.now = utc_now

    def _place(self) -> None:
        customer, email = self.rng.choice(self.buyers)
        items = [
            (product, self.rng.randrange(1, 90)) for product in self._products if self.rng.random() < 0.6
        ]
        order = self.shop.place_order(
            *(items or [(self._products[0], 7)]), customer=customer, email=email, paid=self.rng.random() < 0.8,
            shipping=self.rng.choice((0, 60)), tip=self.rng.choice((0, 0, 10)), test=self.rng.random() < 0.03,
        )  # fmt: skip
        self.living.append(int(order["id"]))
        if email not in self._known:
            self._known.add(email)
            self.firsts.add(int(order["id"]))

    def _change(self, number: int) -> None:
        row = self.shop.state.orders[number]
        events: tuple[Callable[[Json], None], ...] = (
            self._pay, self._pay_in_part, self._fulfil, self._refund_lines, self._refund_money, self._settle,
            self._edit,
        )  # fmt: skip
        if self.rng.random() < DELETED and number not in self.firsts:
            self.shop.delete(number)
            self.living.remove(number)
        elif not row["cancelledAt"]:
            self.rng.choice((*events, self._refund_lines, self._cancel))(row)

    def _pay(self, order: Json) -> None:
        if self._owed(order) > 0:
            self.shop.pay(order["id"])

    def _pay_in_part(self, order: Json) -> None:
        if self._owed(order) > PRICE:
            self.shop.pay(order["id"], PRICE)

    def _fulfil(self, order: Json) -> None:
        self.shop.fulfil(order["id"], is_all=self.rng.random() < 0.7)

    def _refund_lines(self, order: Json) -> None:
        left = self._left(order)
        if left and self._received(order) > 0:
            line, most = self.rng.choice(left)
            pieces = self.rng.randrange(1, most + 1)
            self.shop.refund(order["id"], [(line, pieces)], pending=self.rng.random() < 0.3)

    def _refund_money(self, order: Json) -> None:
        free = self._received(order)
        if free > 1:
            self.shop.refund(order["id"], amount=self.rng.randrange(1, free))

    def _settle(self, order: Json) -> None:
        """The payment of a refund that was pending succeeds, or fails."""
        for refund in order["refunds"]:
            if any(each["status"] == "PENDING" for each in order["transactions"]):
                self.shop.settle_refund(order["id"], refund["id"], is_paid=self.rng.random() < 0.8)
                return

    def _edit(self, order: Json) -> None:
        left = self._left(order)
        if self.rng.random() < 0.5 or not left:
            self.shop.edit(order["id"], add=[(self._products[0], self.rng.randrange(1, 9))])
        else:
            line, most = self.rng.choice(left)
            self.shop.edit(order["id"], remove=[(line, self.rng.randrange(1, most + 1))])

    def _cancel(self, order: Json) -> None:
        self.shop.cancel(order["id"], refund=self.rng.random() < 0.7, pending=self.rng.random() < 0.3)

    def _owed(self, order: Json) -> int:
        return int(
            sums.present_total_of(self.shop.state, order) - sums.received_of(order) + sums.refunded_of(order)
        )

    def _received(self, order: Json) -> int:
        """Return the money that was received and neither went back nor is on its way back."""
        waiting = sum(
            each["amount"]
            for each in order["transactions"]
            if (each["kind"], each["status"]) == ("REFUND", "PENDING")
        )
        return int(sums.received_of(order) - sums.refunded_of(order) - waiting)

    def _left(self, order: Json) -> list[tuple[int, int]]:
        """Return the lines with pieces that were not removed, and how many."""
        rows = ((line["id"], line["quantity"] - line["removed"]) for line in order["lines"])
        return [(line, left) for line, left in rows if left > 0]
