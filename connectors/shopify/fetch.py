"""Reads orders, customers and discounts again from the shop, in bulk, as messages that `parse` reads back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.base import FetchedMessage
from connectors.late import FETCHED_CUSTOMER, FETCHED_ORDER
from connectors.shopify.client import Shopify
from connectors.shopify.fetched import FETCHED_COUPON, HIDDEN
from connectors.shopify.ids import gid, tail
from connectors.shopify.paging import complete_order, list_refunds
from connectors.shopify.receipts import forget_receipts
from loyalty.commerce import Read

Json = dict[str, Any]
ORDERS, CUSTOMERS, PRODUCTS, DISCOUNTS = 5, 100, 15, 10
"""How many are asked for at once until the shop has told what they cost."""
OLD_TOO = "read_all_orders"
"""Without this right a shop shows the orders of the last 60 days only."""


def fetch(
    shop: Shopify, kind: Read, external_ids: Sequence[str], *, with_products: bool, now: datetime
) -> list[FetchedMessage]:
    """Return one message per asked id, also for what the shop no longer has; raises PushError."""
    ids = list(dict.fromkeys(external_ids))
    if kind is Read.COUPON:
        coupons = _nodes(shop, "discounts", "DiscountCodeNode", ids, DISCOUNTS)
        return [_message(FETCHED_COUPON, each, now, {"coupon": _discount(coupons[each])}) for each in ids]
    if kind is Read.CUSTOMER:
        people = _nodes(shop, "customers", "Customer", ids, CUSTOMERS)
        return [customer_message(each, people[each], now) for each in ids]
    return order_messages(shop, find_orders(shop, ids), with_products=with_products, now=now)


def find_orders(shop: Shopify, ids: Sequence[str]) -> dict[str, Json | None]:
    """Return orders with all their lines, without their refunds; None: the shop does not show one. Raises PushError."""
    found = _nodes(shop, "orders", "Order", ids, ORDERS)
    for order in found.values():
        if order is not None:
            complete_order(shop, order)
    return found


def order_messages(
    shop: Shopify, found: Mapping[str, Json | None], *, with_products: bool, now: datetime
) -> list[FetchedMessage]:
    """Return orders as messages; reads their refunds and products. Raises PushError."""
    orders = [order for order in found.values() if order is not None]
    list_refunds(shop, orders)
    for order in orders:
        forget_receipts(order)
    products = _products(shop, orders) if with_products else None
    hidden = find_hidden(shop, [each for each, order in found.items() if order is None])
    return [
        _order_message(each, order, products, now, is_hidden=each in hidden) for each, order in found.items()
    ]


def find_hidden(shop: Shopify, missing: Sequence[str]) -> frozenset[str]:
    """Return which missing orders may only be too old to be shown to us: those before the oldest that is, unless the
    shop says now that we may read them all. Raises PushError.
    """
    if not missing:
        return frozenset()
    data = shop.ask_for("oldest_order")
    if OLD_TOO in rights_of(data):
        return frozenset()
    rows = (data.get("orders") or {}).get("nodes") or []
    if not rows:
        return frozenset(missing)
    oldest = int(tail(rows[0]["id"]))
    return frozenset(each for each in missing if int(each) < oldest)


def rights_of(data: Json) -> tuple[str, ...]:
    """Return what the app may do by an answer that tells of its installation; nothing where it does not."""
    installation = data.get("currentAppInstallation") or {}
    return tuple(str(each["handle"]) for each in installation.get("accessScopes") or ())


def customer_message(customer_id: str, customer: Json | None, now: datetime) -> FetchedMessage:
    """Return how the shop stated a customer, None: it does not have him, as a message."""
    return _message(FETCHED_CUSTOMER, customer_id, now, {"customer": customer})


def _nodes(shop: Shopify, file: str, kind: str, ids: Sequence[str], guess: int) -> dict[str, Json | None]:
    found = shop.nodes(file, [gid(kind, each) for each in ids], guess)
    return {each: found[gid(kind, each)] for each in ids}


def _products(shop: Shopify, orders: Iterable[Json]) -> dict[str, Json]:
    """Return what the shop says of the products on the orders; one that is gone is left out."""
    named = {line["product"]["id"] for order in orders for line in _lines(order) if line.get("product")}
    found = shop.nodes("products", sorted(named), PRODUCTS)
    return {tail(each): _facts(row) for each, row in found.items() if row is not None}


def _facts(product: Json) -> Json:
    return {
        "tags": product.get("tags") or [],
        "collections": [tail(each["id"]) for each in product["collections"]["nodes"]],
    }


def _lines(order: Json) -> list[Json]:
    lines: list[Json] = order["lineItems"]["nodes"]
    return lines


def _order_message(
    order_id: str, order: Json | None, products: Mapping[str, Json] | None, now: datetime, *, is_hidden: bool
) -> FetchedMessage:
    named = {tail(line["product"]["id"]) for line in _lines(order) if line.get("product")} if order else set()
    own = None if products is None else {key: facts for key, facts in products.items() if key in named}
    content: Json = {"order": order, "products": own}
    message = _message(FETCHED_ORDER, order_id, now, content | ({HIDDEN: True} if is_hidden else {}))
    return replace(message, is_hidden=is_hidden)


def _discount(node: Json | None) -> Json | None:
    """A code without an end that is open: a discount that was switched off has ended, and is there still."""
    return node["codeDiscount"] if node else None


def _message(topic: str, external_id: str, now: datetime, content: Json) -> FetchedMessage:
    body = json.dumps({"id": external_id, **content}, default=str, ensure_ascii=False, separators=(",", ":"))
    return FetchedMessage(topic, external_id, body.encode("utf-8", "replace"), now)
