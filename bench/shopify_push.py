"""Codes for a Shopify store whose app may spend few points: how long they take beside what its bucket allows.
`python -m bench shopify_push`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from time import perf_counter
from uuid import UUID

from bench.figures import Figure
from connectors.base import StoreAccess
from connectors.shopify import ShopifyConnector
from connectors.shopify.sandbox import ShopifySandbox
from loyalty.clock import utc_now
from loyalty.pushes import PushError, PushReceipt, PutCoupon
from loyalty.values import StoreId

COUPONS = 1000
BUCKET, RATE = 1000, 50
"""Points: half of what the smallest plan has."""
MOST = 1.2
ADDRESS = "buyer@example.test"
BATCH = 100
"""As many as a worker delivers at once."""


def measure_shopify_push(scale: float) -> list[Figure]:
    """Push so many codes to a throttled sandbox; return the time, and what failed for good."""
    count = max(150, int(COUPONS * scale))
    with ShopifySandbox(bucket=BUCKET, restore_rate=RATE) as shop:
        shop.add_customer(ADDRESS)
        started = perf_counter()
        outcomes = _push(shop, count)
        seconds = perf_counter() - started
        spent = sum(_cost(each.body) for each in shop.requests)
        made = len(shop.state.discounts)
    failed = [each for each in outcomes if isinstance(each, PushError)]
    if made + len(failed) != count:
        raise RuntimeError(f"{made} codes in the shop and {len(failed)} failures of {count}")
    allowed = max(1.0, (spent - BUCKET) / RATE)
    notes: dict[str, object] = {"coupons": count, "points": spent, "allowed": f"{allowed:.1f}s"}
    return [
        Figure("shopify push", seconds, "s", ratio=seconds / allowed, goal=MOST, at_most=True, notes=notes),
        Figure("shopify push failures", len(failed), "", goal=0, at_most=True),
    ]


def _push(shop: ShopifySandbox, count: int) -> Sequence[PushReceipt | PushError]:
    keys = {"mode": "legacy", "access_token": shop.access_token, "shop": shop.shop, "scopes": ""}
    access = StoreAccess(StoreId(UUID(int=1)), shop.url, keys, "UTC")
    connector = ShopifyConnector(allow_private=True)
    commands = [_command(place) for place in range(count)]
    return [
        outcome
        for start in range(0, count, BATCH)
        for outcome in connector.push(access, commands[start : start + BATCH])
    ]


def _command(place: int) -> PutCoupon:
    ends = utc_now() + timedelta(days=60)
    return PutCoupon(f"lr{place}", "fixed_discount", Decimal(100), Decimal(0), ends, ADDRESS, "bench")


def _cost(body: object) -> int:
    """Return the points of a request: 10 for each mutation, 1 for each customer that was looked for."""
    query = str(body.get("query", "")) if isinstance(body, dict) else ""
    return 10 * query.count(": discountCodeBasicCreate(") + query.count(": customerByIdentifier(")
