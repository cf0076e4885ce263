"""Every recorded delivery of a real shop, in every order of arrival: each order ends in the award it deserves."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest
from builders import Shop, make_document, make_runtime, make_shop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.dumps import Rows, dump, rows
from connectors.woocommerce import WooCommerceConnector
from connectors.woocommerce.sandbox import SandboxShop
from embedded import ServerUrls
from loyalty.engine.verify import verify_ledger
from loyalty.inbox import repository as inbox
from loyalty.logs import configure_logging
from workers.draining import drain_account
from workers.fetching import fetch_store
from workers.runtime import Runtime

FOLDER = Path(__file__).parent.parent / "payloads" / "woocommerce"
NOW = datetime(2026, 12, 1, tzinfo=UTC)
INSTANTS = [NOW, NOW + timedelta(days=20), NOW + timedelta(days=400)]
RATE = 1
PROGRAM = make_document(
    earning={"pending_days": 7, "points_per_unit": str(RATE)},
    expiry={"mode": "lot", "after": {"months": 12}},
    tiers=[
        {"key": "regular", "name": {"en": "Regular"}},
        {
            "key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "3000"}]},
            "benefits": {"multiplier": "1", "entry_reward": "ten-off"},
        },
    ],
    rewards=[{"key": "ten-off", "kind": "fixed_discount", "amount": "10"}],
)  # fmt: skip
SAME_SECOND = ("028-order-status-processing--order.updated",)
"""Another state of an order at the very second of the state before: only the shop knows which is newer."""
PAID_STATUSES = ("processing", "on-hold", "completed")
LARGEST_EXHAUSTED = 6
MOST_ORDERS_OF_ARRIVAL = 720 if "LAUREL_SOAK" in os.environ else 240


@dataclass(frozen=True)
class Recorded:
    """One recorded webhook call."""

    name: str
    topic: str
    headers: dict[str, str]
    body: bytes
    secret: str

    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body)) if self.topic else {}

    def order_id(self) -> int | None:
        """The order that it is about, where it says so."""
        if self.topic.startswith("order."):
            return self.json().get("id")
        names_order = self.topic.startswith("action.") and self.topic != "action.woocommerce_refund_created"
        return int(self.json()["arg"]) if names_order else None


def read_recorded(path: Path) -> Recorded:
    found = json.loads(path.read_text())
    body = base64.b64decode(found["body_base64"])
    return Recorded(
        path.stem, found["topic"] or "", dict(found["request"]["headers"]), body, found["webhook_secret"]
    )


def read_refunds() -> dict[int, dict[str, Any]]:
    """Every refund of which the full answer of the shop was recorded, by its id."""
    found: dict[int, dict[str, Any]] = {}
    for name in ("orders-refunds-list", "refunds-create-zero", "usd-orders-refunds"):
        answer = json.loads((FOLDER / "rest" / f"{name}.json").read_text())["response"]["body_json"]
        found |= {one["id"]: one for one in (answer if isinstance(answer, list) else [answer])}
    return found


ALL = [read_recorded(path) for path in sorted((FOLDER / "deliveries").glob("*.json"))]
STORED = [each for each in ALL if each.topic]
REFUNDS = read_refunds()


def lives() -> dict[int, list[Recorded]]:
    """The deliveries of each order in the order in which they came."""
    found: dict[int, list[Recorded]] = {}
    for each in STORED:
        order_id = each.order_id()
        if order_id is not None:
            found.setdefault(order_id, []).append(each)
    return found


LIVES = lives()


def final_body(order_id: int) -> dict[str, Any] | None:
    """The last recorded body of an order; None where no body was recorded."""
    bodies = [each.json() for each in LIVES[order_id] if "line_items" in each.json()]
    return bodies[-1] if bodies else None


FINAL = {order_id: body for order_id in LIVES if (body := final_body(order_id)) is not None}


def refunds_of(body: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The recorded answers for an order's refunds, None where not all of them were recorded."""
    ids = [refund["id"] for refund in body["refunds"]]
    return [REFUNDS[id] for id in ids] if all(id in REFUNDS for id in ids) else None


# ---- what an order deserves, reckoned without the engine ------------------------------------------------------------


def deserved(body: dict[str, Any]) -> int:
    """1 point per 1 of goods after discounts, net of refunds (RULES §3, §4), rounded down once."""
    if body["date_paid_gmt"] is None or body["status"] not in PAID_STATUSES:
        return 0
    goods = {line["id"]: amount_of(line) for line in body["line_items"]}
    rest = {**goods, **{line["id"]: amount_of(line) for line in body["shipping_lines"]}}
    rest |= {line["id"]: amount_of(line) for line in body["fee_lines"] if amount_of(line) > 0}
    discount = -sum(amount_of(line) for line in body["fee_lines"] if amount_of(line) < 0)
    whole = sum(goods.values())
    cost = {id: amount - discount * amount / whole if id in goods else amount for id, amount in rest.items()}
    named = named_amounts(body, cost)
    total = Fraction(body["total"])
    given_back = sum(-Fraction(refund["total"]) for refund in body["refunds"])
    unnamed = max(Fraction(0), min(total, given_back) - sum(named.values()))
    left = 1 - unnamed / (total - sum(named.values()))
    return RATE * sum((cost[id] - named.get(id, 0)) * left for id in goods).__floor__()


def amount_of(line: dict[str, Any]) -> Fraction:
    return Fraction(line["total"]) + Fraction(line["total_tax"])


def named_amounts(body: dict[str, Any], cost: dict[int, Fraction]) -> dict[int, Fraction]:
    """What the refunds name of each line, at most what it costs."""
    named: dict[int, Fraction] = {}
    for refund in refunds_of(body) or []:
        for line in [*refund["line_items"], *refund["shipping_lines"], *refund["fee_lines"]]:
            ids = [int(meta["value"]) for meta in line["meta_data"] if meta["key"] == "_refunded_item_id"]
            named[ids[0]] = named.get(ids[0], Fraction(0)) - amount_of(line)
    return {id: min(amount, cost[id]) for id, amount in named.items()}


# ---- the world ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """A shop that knows the final state of every recorded order, and our side of it."""

    runtime: Runtime
    shop: SandboxShop

    def connect(self, currency: str = "TWD") -> Shop:
        """A new account connected to the shop."""
        keys = {"consumer_key": self.shop.consumer_key, "consumer_secret": self.shop.consumer_secret}
        decimals = 0 if currency == "TWD" else 2
        return make_shop(
            self.runtime, PROGRAM, url=self.shop.url, credentials=keys, currency=currency, decimals=decimals
        )

    def store(self, shop: Shop, recorded: Recorded) -> bool:
        """What the web does with a delivery: check the signature, store it under its key."""
        connector = self.runtime.connectors["woocommerce"]
        assert connector.is_authentic([recorded.secret], recorded.headers, recorded.body)
        assert not connector.is_authentic([recorded.secret], recorded.headers, recorded.body + b" ")
        with self.runtime.database.transaction(None) as connection:
            return inbox.accept(
                connection, shop.account, shop.store.id,
                key=connector.message_key(recorded.topic, recorded.headers, recorded.body), source="webhook",
                topic=recorded.topic, delivery_id=recorded.headers["X-WC-Webhook-Delivery-ID"], body=recorded.body,
            )  # fmt: skip

    def drain(self, shop: Shop, batch: int = 400) -> None:
        drain_account(self.runtime, shop.account, batch=batch, now=NOW)

    def read_all(self, shop: Shop) -> None:
        """Ask the shop until nothing waits."""
        while fetch_store(self.runtime, shop.account, shop.store.id, now=NOW):
            self.drain(shop)

    def live(self, batches: Sequence[Sequence[Recorded]], currency: str = "TWD") -> Shop:
        """Let deliveries arrive in batches, reads in between, and everything be read in the end."""
        shop = self.connect(currency)
        for number, batch in enumerate(batches):
            for recorded in batch:
                self.store(shop, recorded)
            self.drain(shop, batch=1 + number)
            if number % 2:
                self.read_all(shop)
        self.read_all(shop)
        return shop

    def outcomes(self, shop: Shop) -> list[tuple[str, str]]:
        with self.runtime.database.transaction(shop.account) as connection:
            return [
                (status, reason)
                for status, reason in rows(
                    connection, "select status, reason from inbox_messages order by id"
                )
            ]

    def points(self, shop: Shop) -> dict[str, int]:
        """Points of each order, by the shop's id, summed from the entries."""
        with self.runtime.database.transaction(shop.account) as connection:
            found = rows(
                connection,
                "select o.external_id, coalesce(sum(e.points), 0) from orders o"
                " left join ledger_entries e on e.order_key = o.key where o.snapshot is not null group by 1",
            )
        return {id: int(points) for id, points in found}

    def differences(self, shop: Shop) -> list[object]:
        with self.runtime.database.transaction(shop.account) as connection:
            return list(verify_ledger(connection, shop.account, rebuild=True).differences)


@pytest.fixture(scope="module")
def world(module_database: Any, servers: ServerUrls) -> Iterator[World]:
    configure_logging("critical")
    runtime = make_runtime(module_database.app_url, module_database.owner_url, servers.redis)
    runtime.connectors["woocommerce"] = WooCommerceConnector(allow_private=True, per_second=1_000_000)
    with SandboxShop() as shop:
        for body in FINAL.values():
            shop.put_order(body, refunds_of(body))
        yield World(runtime, shop)
    runtime.database.dispose()


def currency_of(order_id: int) -> str:
    return str(FINAL[order_id]["currency"]) if order_id in FINAL else "TWD"


# ---- outcomes -------------------------------------------------------------------------------------------------------


def expected_status(recorded: Recorded) -> str:
    """What becomes of a delivery at once, as the findings say."""
    body, (resource, _, event) = recorded.json(), recorded.topic.partition(".")
    if resource in ("coupon", "product") or event == "woocommerce_refund_created" or "code" in body:
        return "ignored"
    if resource == "action" or body.keys() == {"id"} or body.get("refunds") or recorded.name in SAME_SECOND:
        return "reading"
    return "processed"


def test_pings_are_known_as_such_and_bear_no_signature() -> None:
    connector = WooCommerceConnector()
    pings = [each for each in ALL if not each.topic]

    assert len(pings) == 2
    for ping in pings:
        assert connector.is_ping(ping.headers, ping.body)
        assert not connector.is_authentic([ping.secret], ping.headers, ping.body)


def test_every_delivery_becomes_what_its_topic_says(world: World) -> None:
    shop = world.connect()
    for recorded in STORED:
        assert world.store(shop, recorded)
        world.drain(shop)

    found = [status for status, _ in world.outcomes(shop)]
    assert dict(zip([each.name for each in STORED], found, strict=True)) == {
        each.name: expected_status(each) for each in STORED
    }


def test_a_delivery_that_comes_twice_is_stored_once(world: World) -> None:
    shop = world.connect()

    assert [world.store(shop, recorded) for recorded in STORED] == [True] * len(STORED)
    assert [world.store(shop, recorded) for recorded in STORED] == [False] * len(STORED)


def test_after_all_reads_every_order_has_the_points_it_deserves(world: World) -> None:
    shop = world.live([STORED])

    assert {status for status, _ in world.outcomes(shop)} == {"processed", "ignored"}
    in_twd = [id for id in FINAL if currency_of(id) == "TWD"]
    expected = {str(id): deserved(FINAL[id]) if id in in_twd else 0 for id in FINAL}
    assert world.points(shop) == expected
    assert world.differences(shop) == []


@pytest.mark.parametrize(
    ("order_id", "points"),
    # 30: goods 3470 of 3580 after the fee of -50; a mug refunded by line, 100 by amount. 80: a third line, a cent.
    [
        (25, 1175),
        (26, 1000),
        (27, 900),
        (41, 0),
        (42, 500),
        (45, 700),
        (58, 900),
        (74, 0),
        (75, 0),
        (89, 900),
    ],
)
def test_what_an_order_deserves_by_hand(order_id: int, points: int) -> None:
    assert deserved(FINAL[order_id]) == points


# ---- orders of arrival ----------------------------------------------------------------------------------------------


def batches_of(messages: Sequence[Recorded], random: Random) -> list[list[Recorded]]:
    """The messages in batches of random sizes, some of them twice."""
    again = [each for each in messages if random.random() < 0.3]
    told, batches = [*messages], []
    for each in again:
        told.insert(random.randint(0, len(told)), each)
    while told:
        size = random.choice((1, 1, 2, 3, 6))
        batches.append(told[:size])
        told = told[size:]
    return batches


def small_lives() -> list[int]:
    return [order_id for order_id, messages in LIVES.items() if len(messages) <= LARGEST_EXHAUSTED]


@pytest.mark.slow
@pytest.mark.parametrize("order_id", small_lives())
def test_every_order_of_arrival_of_a_life_ends_alike(world: World, order_id: int) -> None:
    messages, random, currency = LIVES[order_id], Random(order_id), currency_of(order_id)
    expected = dump(world.runtime, world.live([[each] for each in messages], currency).account, INSTANTS)
    every = list(permutations(messages))
    for shuffled in random.sample(every, min(len(every), MOST_ORDERS_OF_ARRIVAL)):
        shop = world.live(batches_of(shuffled, random), currency)
        assert dump(world.runtime, shop.account, INSTANTS) == expected, [each.name for each in shuffled]
        if order_id in FINAL:
            assert world.points(shop) == {str(order_id): deserved(FINAL[order_id])}


@given(st.sampled_from([id for id in LIVES if id not in small_lives()]), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_a_long_life_in_any_order_of_arrival_ends_as_it_deserves(
    world: World, order_id: int, random: Random
) -> None:
    messages = list(LIVES[order_id])
    random.shuffle(messages)
    shop = world.live(batches_of(messages, random), currency_of(order_id))

    assert world.points(shop) == {str(order_id): deserved(FINAL[order_id])}
    assert world.differences(shop) == []


@pytest.fixture(scope="module")
def all_in_order(world: World) -> dict[str, Rows]:
    """What everything ends in when it arrives as it was recorded."""
    return dump(world.runtime, world.live([[each] for each in STORED]).account, INSTANTS)


@given(st.randoms(use_true_random=False))
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_all_lives_at_once_in_any_order_end_alike(
    world: World, all_in_order: dict[str, Rows], random: Random
) -> None:
    messages = list(STORED)
    random.shuffle(messages)
    shop = world.live(batches_of(messages, random))

    assert dump(world.runtime, shop.account, INSTANTS) == all_in_order
    assert world.differences(shop) == []
