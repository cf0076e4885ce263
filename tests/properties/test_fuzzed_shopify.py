"""Whatever arrives from a Shopify store: no parser fails but by its own error, which says why in words."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from builders import NOON, STORE
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import RawMessage
from connectors.late import FETCHED_CUSTOMER, FETCHED_ORDER
from connectors.shopify import ShopifyConnector
from connectors.shopify.fetched import FETCHED_COUPON
from connectors.shopify.shapes import TOPICS
from loyalty.errors import MalformedMessage

TIMES = 10 if "LAUREL_SOAK" in os.environ else 1
SHOPIFY = ShopifyConnector()
SAMPLES = sorted((Path(__file__).parent.parent / "payloads" / "shopify" / "webhooks").rglob("*.json"))
BODIES = [json.loads(path.read_bytes()) for path in SAMPLES]
ODD = (
    None, True, 0, -1, 1.5, 10**30, "", "x", "0", "-1", "1e400", "\x00", "gid://shopify/Order/0", [], {}, [[]], [None],
    {"shop_money": {"amount": "NaN"}}, {"shopMoney": {"amount": "-"}}, "2026-13-45T99:00:00Z", 2**64, "９",
)  # fmt: skip
ORDERS = [body for body in BODIES if "line_items" in body]
NAMED = {FETCHED_ORDER: "order", FETCHED_CUSTOMER: "customer", FETCHED_COUPON: "coupon"}
STATES = [
    json.loads(message.body)["order"]
    for path, body in zip(SAMPLES, BODIES, strict=True)
    if "line_items" in body
    and (message := SHOPIFY.restate(RawMessage("webhook", "orders/updated", path.read_bytes()))) is not None
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each part of a body."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, part in inner for deeper in places(part, (*path, key)))]


def changed(body: Any, place: int, odd: Any, how: str) -> Any:
    """A body with one part replaced or missing."""
    copy = json.loads(json.dumps(body))
    ways = [way for way in places(copy) if way]
    if not ways:
        return copy
    way = ways[place % len(ways)]
    holder = copy
    for key in way[:-1]:
        holder = holder[key]
    if how == "missing" and isinstance(holder, dict):
        del holder[way[-1]]
    else:
        holder[way[-1]] = odd
    return copy


PLACES, ODDS = st.integers(0, 5000), st.integers(0, len(ODD) - 1)
SPOILS = st.lists(st.tuples(PLACES, ODDS, st.sampled_from(("odd", "missing"))), min_size=1, max_size=3)
Spoils = list[tuple[int, int, str]]


def spoiled(body: Any, spoils: Spoils) -> Any:
    """A body with up to three parts that are not as they should be."""
    for place, odd, how in spoils:
        body = changed(body, place, ODD[odd], how)
    return body


def reads(work: Callable[[], object]) -> Any:
    """Run a parser: it returns, or refuses by its own error with words."""
    try:
        return work()
    except MalformedMessage as error:
        said = error.message
    assert said
    return None


@settings(max_examples=400 * TIMES)
@given(st.integers(0, len(BODIES) - 1), SPOILS, st.sampled_from(sorted(TOPICS)))
def test_a_delivery_is_read_or_refused(which: int, spoils: Spoils, topic: str) -> None:
    body = json.dumps(spoiled(BODIES[which], spoils)).encode()
    message = RawMessage("webhook", topic, body, None, NOON)
    reads(lambda: SHOPIFY.parse(STORE, message, with_products=False))
    assert len(SHOPIFY.message_key(topic, {}, message.body)) == 32


@settings(max_examples=300 * TIMES)
@given(st.integers(0, len(ORDERS) - 1), SPOILS)
def test_what_a_delivery_states_is_read_or_refused(which: int, spoils: Spoils) -> None:
    body = json.dumps(spoiled(ORDERS[which], spoils)).encode()
    told = reads(lambda: SHOPIFY.restate(RawMessage("webhook", "orders/updated", body, None, NOON)))
    if told is not None:
        raw = RawMessage("restate", told.topic, told.body, None)
        reads(lambda: SHOPIFY.parse(STORE, raw, with_products=False))


@settings(max_examples=300 * TIMES)
@given(st.integers(0, len(STATES) - 1), SPOILS, st.sampled_from(sorted(NAMED)))
def test_an_answer_is_read_or_refused(which: int, spoils: Spoils, topic: str) -> None:
    order = spoiled(STATES[which], spoils)
    body = json.dumps({"id": "1", NAMED[topic]: order, "products": {"1": order}}).encode()
    reads(lambda: SHOPIFY.parse(STORE, RawMessage("fetch", topic, body, NOON), with_products=True))
