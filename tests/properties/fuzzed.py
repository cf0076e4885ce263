"""Bodies that a shop or a till would hardly send: good ones with parts exchanged, lost or damaged, and plain rubbish.

Each is made of one number, so that thousands are made in a second.
"""

from __future__ import annotations

import copy
import json
import math
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.builders import make_sale
from tests.connectors.woocommerce_recordings import deliveries

RECORDED = [(it.topic, json.loads(it.body)) for it in deliveries() if it.body.startswith(b"{")]
TOPICS = [
    *sorted({topic for topic, _ in RECORDED}),
    "", ".", "order", "order.", "order.x", "action.woocommerce_order_refunded", "action.x", "coupon.deleted",
    "product.updated", "ORDER.UPDATED", "order.updated" * 50, "訂單.更新",
]  # fmt: skip
NASTY: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**40, 0.1, -0.0, 1e308, math.inf, math.nan, "", " ",
    "0", "-1", "1e9999", "1E-9999", "NaN", "Infinity", "0x10", "١٢", "9" * 400, "\x00", "a\x00b", "\ud800", "\u202e",
    "\uffff", "' or 1=1 --", "=1+1", "<script>", "{{7*7}}", "%s%n", "../../etc/passwd", "2026-03-10T04:00:00",
    "0000-00-00T00:00:00", "9999-12-31T23:59:59", "0001-01-01T00:00:00", "2026-02-30T00:00:00", "x@", "a@b.c" * 100,
    [], {}, [[]], [{}], [None], {"id": None}, {"": ""}, [[[[[[1]]]]]], {"a": {"b": {"c": [1, "2", None]}}},
]  # fmt: skip
seeds = st.integers(0, 2**63)


def dumped(value: Any) -> bytes:
    """The JSON of a value, which may hold NaN and lone surrogates, as some senders make it."""
    return json.dumps(value, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _nasty(random: Random) -> Any:
    kind = random.random()
    if kind < 0.7:
        return copy.deepcopy(random.choice(NASTY))
    if kind < 0.8:
        return random.randint(-(10 ** random.randint(1, 30)), 10 ** random.randint(1, 30))
    if kind < 0.9:
        return "".join(
            chr(random.choice((random.randrange(128), random.randrange(0x11000)))) for _ in range(8)
        )
    return f"{random.choice('+- ')}{random.randrange(10**9)}.{random.randrange(10**9)}"


def _exchanged(random: Random, whole: Any) -> Any:
    """The value with up to three of its parts exchanged, lost or doubled."""
    made = copy.deepcopy(whole)
    for _ in range(random.randint(0, 3)):
        place, key = made, None
        while isinstance(place, dict | list) and place:
            key = random.choice(list(place) if isinstance(place, dict) else range(len(place)))
            if not (isinstance(place[key], dict | list) and place[key] and random.random() < 0.7):
                break
            place = place[key]
        if key is not None and place:
            _exchange(random, place, key)
    return made


def _exchange(random: Random, place: Any, key: Any) -> None:
    how = random.random()
    if how < 0.7:
        place[key] = _nasty(random)
    elif how < 0.85:
        del place[key]
    elif isinstance(place, list):
        place.append(place[key])
    else:
        place[str(_nasty(random))] = place[key]


def _damaged(random: Random, raw: bytes) -> bytes:
    """The bytes cut off, with one changed, in another encoding, or, mostly, as they were."""
    how, place = random.random(), random.randrange(len(raw))
    if how < 0.05:
        return raw[:place]
    if how < 0.1:
        return raw[:place] + bytes([random.randrange(256)]) + raw[place + 1 :]
    if how < 0.12:
        return raw.decode("utf-8", "ignore").encode("utf-16")
    return b"\xef\xbb\xbf" + raw if how < 0.14 else raw


def shop_body(seed: int) -> tuple[str, bytes]:
    """A topic and the body of a delivery."""
    random = Random(seed)
    topic, whole = random.choice(RECORDED)
    if random.random() < 0.1:
        topic = random.choice(TOPICS)
    kind = random.random()
    if kind < 0.85:
        return topic, _damaged(random, dumped(_exchanged(random, whole)))
    if kind < 0.92:
        return topic, dumped(_nasty(random))
    return topic, b"[" * 100_000 if kind < 0.93 else random.randbytes(random.randrange(200))


SALE = make_sale(
    number="7", modified_at="2026-03-11T13:00:00+08:00",
    buyer={"email": "amy@example.test", "name": "Amy", "phone": "+886912345678"},
    lines=[
        {"id": "1", "total": "900", "subtotal": "1000", "total_tax": "45", "sku": "MUG-1", "quantity": 2,
         "product_id": "11", "category_ids": ["21"]},
        {"id": "2", "total": "100", "kind": "shipping"},
    ],
    refunds=[{"id": "r1", "created_at": "2026-03-11T12:00:00+08:00", "amount": "100"}],
)  # fmt: skip
"""An order with nearly everything that a till may state."""


def till_body(seed: int) -> bytes:
    """The body of a till's statement."""
    random = Random(seed)
    kind = random.random()
    if kind < 0.88:
        return _damaged(random, dumped(_exchanged(random, {**SALE, "id": f"R-{random.randint(1, 5)}"})))
    return dumped(_nasty(random)) if kind < 0.95 else random.randbytes(random.randrange(200))
