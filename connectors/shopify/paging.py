"""Reads on where an order or a refund has more than the first query brought."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.shopify.client import Shopify
from loyalty.pushes import OneFailed

Json = dict[str, Any]
SHORT = 5
"""How many payments, parcels and refunds our documents ask for: lists that do not say whether there are more."""
REFUNDS = 8
"""How many refunds are asked for at once until the shop has told what they cost."""


def complete_order(shop: Shopify, order: Json) -> None:
    """Read the lines of an order to their end, and its lists whole; raises PushError."""
    _read_on(shop, "order_lines", "order", order, "lineItems")
    names = ("transactions", "fulfillments", "refunds")
    is_cut = any(len(order[name]) >= SHORT for name in names)
    if is_cut or order["shippingLines"]["pageInfo"]["hasNextPage"]:
        whole = _one(shop, "order_lists", "order", {"id": order["id"]})
        order |= {name: whole[name] for name in (*names, "shippingLines")}


def list_refunds(shop: Shopify, orders: Iterable[Json]) -> None:
    """Put the refunds of orders, which name them only, in their place; raises PushError."""
    wanted = [each["id"] for order in orders for each in order["refunds"]]
    found = shop.nodes("refunds", list(dict.fromkeys(wanted)), REFUNDS)
    for refund in found.values():
        if refund is not None:
            _read_on(shop, "refund_lines", "refund", refund, "refundLineItems")
    for order in orders:
        named = [found[each["id"]] for each in order["refunds"]]
        order["refunds"] = [refund for refund in named if refund is not None]


def list_sighted_refunds(shop: Shopify, orders: Iterable[Json]) -> None:
    """Put the refunds of sighted orders in their place, also where there are many; raises PushError."""
    for order in orders:
        if len(order["refunds"]) >= SHORT:
            order["refunds"] = _one(shop, "order_refunds", "order", {"id": order["id"]})["refunds"]
    list_refunds(shop, orders)


def _read_on(shop: Shopify, file: str, field: str, thing: Json, name: str) -> None:
    """Append the further pages of a connection to its first."""
    connection = thing[name]
    page = connection["pageInfo"]
    while page["hasNextPage"]:
        more = _one(shop, file, field, {"id": thing["id"], "after": page["endCursor"]})[name]
        connection["nodes"] += more["nodes"]
        page = more["pageInfo"]


def _one(shop: Shopify, file: str, field: str, variables: Json) -> Json:
    found = shop.ask_for(file, variables).get(field)
    if not isinstance(found, dict):
        raise OneFailed("What was read on is gone meanwhile.", permanent=False, reason="unreachable")
    return found
