"""Orders and refunds of Shopify as its GraphQL API gives them, for tests that are about one of their traps."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from builders import STORE

from connectors.base import RawMessage
from connectors.late import FETCHED_ORDER
from connectors.shopify.parse import parse
from connectors.shopify.restate import restate
from loyalty.commerce import Fact, Ignored, NeedsRead, OrderSnapshot

PAYLOADS = Path(__file__).parent.parent / "payloads" / "shopify"
ASKED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PLACED = "2026-11-20T09:00:00Z"
BIG = 9_007_199_254_740_993
"""2^53 + 1: the first whole number that a float does not hold."""
Json = dict[str, Any]


def bag(amount: str, seen: str = "") -> Json:
    """Money of the shop, beside what the buyer saw."""
    return {"shopMoney": {"amount": amount}, "presentmentMoney": {"amount": seen or amount}}


def line(number: int = 11, amount: str = "100.00", **more: Any) -> Json:
    return {
        "id": f"gid://shopify/LineItem/{number}",
        "sku": "PAN",
        "quantity": 1,
        "isGiftCard": False,
        "product": {"id": "gid://shopify/Product/81"},
        "variant": {"id": "gid://shopify/ProductVariant/91", "price": amount, "compareAtPrice": None},
        "originalTotalSet": bag(amount),
        "discountAllocations": [],
        "taxLines": [],
        **more,
    }


def shipping(number: int | None = 71, amount: str = "5.00", **more: Any) -> Json:
    return {
        "id": f"gid://shopify/ShippingLine/{number}" if number else None,
        "originalPriceSet": bag(amount),
        "discountedPriceSet": bag(amount),
        "discountAllocations": [],
        "taxLines": [],
        **more,
    }


def payment(amount: str, at: str = PLACED, kind: str = "SALE", status: str = "SUCCESS") -> Json:
    return {
        "id": "gid://shopify/OrderTransaction/1",
        "kind": kind,
        "status": status,
        "createdAt": at,
        "processedAt": at,
        "amountSet": bag(amount),
    }


def refund_line(number: int = 11, amount: str = "100.00", tax: str = "0.00", quantity: int = 1) -> Json:
    return {
        "quantity": quantity,
        "lineItem": {"id": f"gid://shopify/LineItem/{number}"},
        "subtotalSet": bag(amount),
        "totalTaxSet": bag(tax),
    }


def refund_shipping(number: int | None = 71, amount: str = "5.00", tax: str = "0.00") -> Json:
    return {
        "shippingLine": {"id": f"gid://shopify/ShippingLine/{number}" if number else None},
        "subtotalAmountSet": bag(amount),
        "taxAmountSet": bag(tax),
    }


def adjustment(amount: str, reason: str = "REFUND_DISCREPANCY", tax: str = "0.00") -> Json:
    return {"reason": reason, "amountSet": bag(amount), "taxAmountSet": bag(tax)}


def refund(
    number: int = 31,
    *,
    lines: list[Json] | None = None,
    shipped: list[Json] | None = None,
    adjustments: list[Json] | None = None,
    money: list[Json] | None = None,
    at: str = "2026-11-21T11:00:00Z",
) -> Json:
    return {
        "id": f"gid://shopify/Refund/{number}",
        "createdAt": at,
        "processedAt": at,
        "refundLineItems": {"nodes": lines or []},
        "refundShippingLines": {"nodes": shipped or []},
        "orderAdjustments": {"nodes": adjustments or []},
        "transactions": {"nodes": money or []},
    }


def order(**more: Any) -> Json:
    """A paid order of 105.00: a pan of 100.00 and shipping."""
    return {
        "id": "gid://shopify/Order/1",
        "name": "#1001",
        "test": False,
        "confirmed": True,
        "createdAt": PLACED,
        "processedAt": PLACED,
        "updatedAt": "2026-11-20T09:00:01Z",
        "cancelledAt": None,
        "sourceName": "web",
        "currencyCode": "EUR",
        "taxesIncluded": False,
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "email": "mira@example.com",
        "phone": None,
        "clientIp": None,
        "discountCodes": [],
        "customer": {"id": "gid://shopify/Customer/42"},
        "billingAddress": None,
        "shippingAddress": None,
        "totalPriceSet": bag("105.00"),
        "totalTipReceivedSet": bag("0.00"),
        "transactions": [payment("105.00")],
        "fulfillments": [],
        "refunds": [],
        "lineItems": {"nodes": [line()]},
        "shippingLines": {"nodes": [shipping()]},
        **more,
    }


def read(node: Json, products: Json | None = None) -> OrderSnapshot:
    """The snapshot of an order that was fetched."""
    body = json.dumps({"id": node["id"].rpartition("/")[2], "order": node, "products": products}).encode()
    parsed = parse(STORE, RawMessage("fetch", FETCHED_ORDER, body, ASKED))
    assert isinstance(parsed, tuple)
    (fact,) = parsed
    assert isinstance(fact, OrderSnapshot)
    return fact


def delivery(name: str, change: Callable[[Json], None] | None = None) -> bytes:
    """The body of a sample delivery, changed where a test wants it otherwise."""
    body = json.loads((PAYLOADS / "webhooks" / f"{name}.json").read_bytes())
    if change:
        change(body)
    return json.dumps(body).encode()


def signal(topic: str, body: bytes) -> tuple[Fact, ...] | NeedsRead | Ignored:
    """What a delivery says."""
    return parse(STORE, RawMessage("webhook", topic, body, None, ASKED))


def stated(topic: str, body: bytes) -> OrderSnapshot:
    """The order that a delivery states by itself."""
    message = restate(RawMessage("webhook", topic, body))
    assert message is not None
    raw = RawMessage("restate", message.topic, message.body, message.observed_at)
    parsed = parse(STORE, raw)
    assert isinstance(parsed, tuple)
    (fact,) = parsed
    assert isinstance(fact, OrderSnapshot)
    return fact
