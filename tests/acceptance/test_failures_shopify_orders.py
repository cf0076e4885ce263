"""Orders of Shopify told in any order, by many topics, while it can be asked and while it cannot (U25), customers
whom it merges (U75), and those of whom it knows no mail.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import count, permutations
from typing import Any
from uuid import UUID

import pytest
from builders import make_document, make_shop
from receiving import Desk
from shopify_stores import NOWHERE, make_shopify

from bench.chronicle import Message
from bench.shopify_chronicle import subscribe, take_messages
from connectors.shopify.sandbox import ShopifySandbox
from loyalty.clock import utc_now
from loyalty.engine.merging import merge_members, undo_merge
from loyalty.engine.work import Word
from loyalty.inbox.repository import Which, accept, replay
from loyalty.stores.service import Store
from workers.fetching import fetch_store
from workers.pushing import push_store
from workers.runtime import Runtime

LADDER = [
    {"key": "regular", "name": {"en": "Regular"}},
    {
        "key": "gold", "name": {"en": "Gold"}, "benefits": {"entry_reward": "off"},
        "enter": {"any": [{"metric": "spend", "at_least": "700"}]},
    },
]  # fmt: skip
OFF = {"key": "off", "kind": "fixed_discount", "amount": "50", "valid_days": 30}


@pytest.fixture
def sandbox() -> Iterator[ShopifySandbox]:
    with ShopifySandbox() as shop:
        subscribe(shop)
        yield shop


class Ear:
    """An account that hears of the sandbox shop."""

    numbers = count()

    def __init__(self, runtime: Runtime, sandbox: ShopifySandbox, url: str = "") -> None:
        self.desk = Desk(runtime, make_shop(runtime, make_document(tiers=LADDER, rewards=[OFF])))
        with self.desk.connect() as connection:
            # One shop belongs to one account; here many accounts hear of one.
            self.store: Store = make_shopify(
                runtime, self.desk.shop.account, f"shop-{next(self.numbers)}.myshopify.com", url=url or sandbox.url,
                access_token=sandbox.access_token,
            )  # fmt: skip
            assert connection is not None

    def hear(self, messages: Sequence[Message]) -> None:
        """Take each message alone, with the read that it asks for."""
        for message in messages:
            with self.desk.connect() as connection:
                accept(
                    connection, self.desk.shop.account, self.store.id, key=hashlib.sha256(message.body).digest(),
                    source="webhook", topic=message.topic, delivery_id="", body=message.body,
                )  # fmt: skip
            self.work()

    def work(self) -> None:
        self.desk.drain()
        fetch_store(self.desk.runtime, self.desk.shop.account, self.store.id)
        self.desk.drain()

    def points(self) -> list[tuple[str, int]]:
        rows = self.desk.rows("select key, points_sum from members order by key")
        return [(row["key"], row["points_sum"]) for row in rows]


def a_life(sandbox: ShopifySandbox) -> list[list[Message]]:
    """An order of 1000 that is paid minutes later, loses a line, and is refunded in part: the messages of each deed."""
    amy = sandbox.add_customer()["id"]
    mug, pot = (sandbox.add_product(name, price)["id"] for name, price in (("Mug", 600), ("Pot", 400)))
    take_messages(sandbox)
    order = sandbox.place_order((mug, 1), (pot, 1), customer=amy, paid=False)
    deeds = [take_messages(sandbox)]
    start = sandbox.now()
    acts = (
        lambda: sandbox.pay(order["id"]),
        lambda: sandbox.refund(order["id"], [(order["line_items"][1]["id"], 1)]),
        lambda: sandbox.refund(order["id"], amount=150, pending=True),
    )
    for minute, act in enumerate(acts, 1):  # two states of one second cannot be told apart without asking
        at = start + timedelta(minutes=minute)
        sandbox.now = lambda at=at: at
        act()
        deeds.append(take_messages(sandbox))
    return deeds


def test_u25_any_order_of_arrival_ends_the_same_while_the_shop_can_be_asked(
    runtime: Runtime, sandbox: ShopifySandbox
) -> None:
    deeds = a_life(sandbox)
    ends = []
    for order in list(permutations(range(len(deeds))))[::4]:
        ear = Ear(runtime, sandbox)
        ear.hear([message for place in order for message in deeds[place]])
        ends.append([points for _, points in ear.points()])
        assert ear.desk.differences() == []
    assert ends == [[450]] * len(ends)


@pytest.mark.parametrize("seed", range(4))
def test_u25_any_order_of_arrival_ends_the_same_while_nobody_can_be_asked(
    runtime: Runtime, sandbox: ShopifySandbox, seed: int
) -> None:
    told = [message for deed in a_life(sandbox) for message in deed]
    ear = Ear(runtime, sandbox, NOWHERE)
    ear.hear(random.Random(seed).sample(told, len(told)))
    assert [points for _, points in ear.points()] == [450]
    assert ear.desk.differences() == []


def test_u75_customers_whom_shopify_merges_are_one_member_with_all_that_both_had(
    runtime: Runtime, sandbox: ShopifySandbox
) -> None:
    ear = Ear(runtime, sandbox)
    kept, gone = (int(sandbox.add_customer(f"{name}@example.test")["id"]) for name in ("amy", "ann"))
    mug = int(sandbox.add_product(price=500)["id"])
    for customer in (kept, gone, gone):
        sandbox.place_order((mug, 1), customer=customer)
    ear.hear(take_messages(sandbox))
    push_store(runtime, ear.desk.shop.account, ear.store.id)
    sandbox.merge_customers(kept, gone)
    ear.hear(take_messages(sandbox))
    assert ear.points() == [(f"customer:2:{kept}", 1500), (f"customer:2:{gone}", 0)]
    rows: list[dict[str, Any]] = ear.desk.rows("select tier_key from members where merged_into is null")
    assert [row["tier_key"] for row in rows] == ["gold"]
    sandbox.place_order((mug, 1), customer=kept)
    ear.hear(take_messages(sandbox))
    assert ear.points()[0] == (f"customer:2:{kept}", 2000)
    assert ear.desk.differences() == []


def merged_points(ear: Ear) -> list[int]:
    return [points for _, points in ear.points()]


def free(ear: Ear, survivor: UUID, number: int) -> None:
    with ear.desk.connect() as connection:
        book = ear.desk.runtime.book(connection, ear.desk.shop.account, set())
        undo_merge(connection, book, survivor, number, Word("a mistake", "staff"), utc_now())


def replay_merges(ear: Ear) -> None:
    """Take what the shop ever told of merges once more, in one batch."""
    with ear.desk.connect() as connection:
        assert replay(connection, Which(topic="customers/merge")) > 0
    ear.work()


@pytest.mark.parametrize("chained", [False, True])
def test_u75_whom_staff_parted_again_stay_apart_when_the_shops_word_is_replayed(
    runtime: Runtime, sandbox: ShopifySandbox, chained: bool
) -> None:
    """Also where somebody else stands for the one who was kept meanwhile."""
    ear = Ear(runtime, sandbox)
    kept, gone, third = (
        int(sandbox.add_customer(f"{name}@example.test")["id"]) for name in ("amy", "ann", "bo")
    )
    mug = int(sandbox.add_product(price=500)["id"])
    for customer in (kept, gone, gone, third, third, third):
        sandbox.place_order((mug, 1), customer=customer)
    ear.hear(take_messages(sandbox))
    sandbox.merge_customers(kept, gone)
    ear.hear(take_messages(sandbox))
    ids = {row["key"]: row["id"] for row in ear.desk.rows("select key, id from members")}
    amy, bo = (ids[f"customer:2:{each}"] for each in (kept, third))
    (merge,) = ear.desk.rows("select number from commands where kind = 'merge'")
    free(ear, amy, merge["number"])
    if chained:
        with ear.desk.connect() as connection:
            book = ear.desk.runtime.book(connection, ear.desk.shop.account, set())
            merge_members(connection, book, bo, amy, Word("one person", "staff"), utc_now())
    apart = [0, 1000, 2000] if chained else [500, 1000, 1500]
    assert merged_points(ear) == apart
    replay_merges(ear)
    assert (merged_points(ear), ear.desk.differences()) == (apart, [])


def test_u75_the_shops_word_is_new_to_whom_staff_had_parted_before_it(
    runtime: Runtime, sandbox: ShopifySandbox
) -> None:
    ear = Ear(runtime, sandbox)
    kept, gone = (int(sandbox.add_customer(f"{name}@example.test")["id"]) for name in ("amy", "ann"))
    mug = int(sandbox.add_product(price=500)["id"])
    for customer in (kept, gone):
        sandbox.place_order((mug, 1), customer=customer)
    ear.hear(take_messages(sandbox))
    (amy, ann) = (row["id"] for row in ear.desk.rows("select id from members order by key"))
    with ear.desk.connect() as connection:
        book = ear.desk.runtime.book(connection, ear.desk.shop.account, set())
        number, _ = merge_members(connection, book, amy, ann, Word("one person", "staff"), utc_now())
    free(ear, amy, number)
    sandbox.merge_customers(kept, gone)
    ear.hear(take_messages(sandbox))
    assert merged_points(ear) == [1000, 0]
    replay_merges(ear)
    assert (merged_points(ear), ear.desk.differences()) == ([1000, 0], [])


def test_customer_without_a_mail_gets_a_code_that_is_bound_to_him(
    runtime: Runtime, sandbox: ShopifySandbox
) -> None:
    ear = Ear(runtime, sandbox)
    amy = int(sandbox.add_customer(None, phone="+886912345678")["id"])
    mug = int(sandbox.add_product(price=800)["id"])
    sandbox.place_order((mug, 1), customer=amy)
    ear.hear(take_messages(sandbox))
    push_store(runtime, ear.desk.shop.account, ear.store.id)
    [coupon] = ear.desk.rows("select code, state from coupons")
    kept = sandbox.discount(coupon["code"])
    assert kept is not None
    assert (coupon["state"], kept["customers"]) == ("issued", [amy])


def test_cancelled_order_ends_when_it_was_cancelled_and_not_when_it_was_touched_last(
    runtime: Runtime, sandbox: ShopifySandbox
) -> None:
    ear, start = Ear(runtime, sandbox), sandbox.now() - timedelta(days=3)
    amy, mug = int(sandbox.add_customer()["id"]), int(sandbox.add_product(price=500)["id"])
    sandbox.now = lambda: start
    order = sandbox.place_order((mug, 1), customer=amy)["id"]
    sandbox.now = lambda: start + timedelta(days=1)
    sandbox.cancel(order, refund=False)
    ear.hear(take_messages(sandbox))
    before = ear.desk.rows("select points, effective_at from ledger_entries order by sequence")
    assert [(row["points"], row["effective_at"]) for row in before][1] == (
        -500, (start + timedelta(days=1)).replace(microsecond=0),
    )  # fmt: skip
    sandbox.now = lambda: start + timedelta(days=2)
    sandbox.fulfil(order)
    ear.hear(take_messages(sandbox))
    assert ear.desk.rows("select points, effective_at from ledger_entries order by sequence") == before
    assert ear.desk.differences() == []
