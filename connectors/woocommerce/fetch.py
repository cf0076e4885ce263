"""Reads orders, customers and coupons again from the shop, in bulk, as messages that `parse` reads back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from connectors.base import FetchedMessage
from connectors.halving import ask_each, ask_in_halves
from connectors.http import Door
from connectors.late import FETCHED_CUSTOMER, FETCHED_ORDER, late_message
from connectors.woocommerce.api import chunks, find_one, list_all
from connectors.woocommerce.parse import FETCHED_COUPON
from connectors.woocommerce.schemas import COUPON, CUSTOMER, ORDER, RefundSchema
from loyalty.commerce import Read
from loyalty.pushes import OneFailed

Json = dict[str, Any]
ORDER_GONE = frozenset({"woocommerce_rest_shop_order_invalid_id"})
CUSTOMER_GONE = frozenset({"woocommerce_rest_invalid_id", "wc_user_invalid_id"})
GIFT_CARD_TYPES = frozenset({"gift-card", "pw-gift-card"})
"""Product types of the YITH and PW gift card plugins; WooCommerce itself sells none."""
REFUND_KEYS = tuple(RefundSchema().fields)


def fetch(
    door: Door, kind: Read, external_ids: Sequence[str], *, with_products: bool, now: datetime
) -> list[FetchedMessage]:
    """Return one message per asked id, also for what the shop no longer has; an order at whose refunds or products the
    shop failed bears a `failure`. Raises PushError, OneFailed where the shop fails at some of what is listed.
    """
    ids = list(dict.fromkeys(external_ids))
    if kind is Read.COUPON:
        return [message for chunk in chunks(ids) for message in _coupons(door, chunk, now)]
    if kind is Read.CUSTOMER:
        return [message for chunk in chunks(ids) for message in _customers(door, chunk, now)]
    # All lists before the many requests for refunds, which would be lost if one of them failed.
    found = {each: order for chunk in chunks(ids) for each, order in _find_orders(door, chunk).items()}
    return order_messages(door, {each: found[each] for each in ids}, with_products, now)


def _customers(door: Door, ids: Sequence[str], now: datetime) -> list[FetchedMessage]:
    # Without role=all only the role `customer` is listed.
    found = _by_id(list_all(door, "customers", {"include": ",".join(ids), "role": "all"}))
    for missing in [each for each in ids if each not in found]:
        found[missing] = find_one(door, f"customers/{missing}", CUSTOMER_GONE)
    return [customer_message(each, found[each], now) for each in ids]


def customer_message(customer_id: str, customer: Json | None, now: datetime) -> FetchedMessage:
    """Return how the shop stated a customer, None: it does not have him, as a message."""
    return _message(FETCHED_CUSTOMER, customer_id, now, {"customer": _only(customer, tuple(CUSTOMER.fields))})


def _coupons(door: Door, ids: Sequence[str], now: datetime) -> list[FetchedMessage]:
    """One in the trash is listed no more, and serves nobody."""
    found = _by_id(list_all(door, "coupons", {"include": ",".join(ids)}))
    keys = tuple(COUPON.fields)
    return [_message(FETCHED_COUPON, each, now, {"coupon": _only(found.get(each), keys)}) for each in ids]


def order_messages(
    door: Door, found: Mapping[str, Json | None], with_products: bool, now: datetime
) -> list[FetchedMessage]:
    """Return orders as the shop stated them, None: it does not have one, as messages; reads their refunds and products.
    One at whose refunds or products the shop fails is only named, with the failure. Raises PushError.
    """
    products, failures = _products(door, found) if with_products else (None, {})
    wanted = [
        each for each, order in found.items() if order and order.get("refunds") and each not in failures
    ]
    refunds, unread = ask_each(partial(_refunds, door), _turned(wanted, now))
    failures |= unread
    return [
        late_message(each, now, failures[each])
        if each in failures
        else _order_message(each, order, refunds.get(each, []), products, now)
        for each, order in found.items()
    ]


def _find_orders(door: Door, ids: Sequence[str]) -> dict[str, Json | None]:
    """`any` leaves out the trash and drafts: the trash is a second list, a draft is only found by its own address."""
    found: dict[str, Json | None] = {}
    for status in ("any", "trash"):
        missing = [each for each in ids if each not in found]
        if missing:
            found |= _by_id(list_all(door, "orders", {"include": ",".join(missing), "status": status}))
    for each in [each for each in ids if each not in found]:
        found[each] = find_one(door, f"orders/{each}", ORDER_GONE)
    return found


def _turned(ids: Sequence[str], now: datetime) -> Sequence[str]:
    """Begin with another one each second: the same few that fail first must not end the reading each time."""
    start = int(now.timestamp()) % max(len(ids), 1)
    return [*ids[start:], *ids[:start]]


def _refunds(door: Door, order_id: str) -> list[Json | None]:
    return [_only(refund, REFUND_KEYS) for refund in list_all(door, f"orders/{order_id}/refunds", {})]


def _products(door: Door, orders: Mapping[str, Json | None]) -> tuple[dict[str, Json], dict[str, OneFailed]]:
    """Return the facts of every product on the orders, and the orders with one at which the shop failed; a variation is
    named with its parent's product id.
    """
    named = {each: _product_ids(order) for each, order in orders.items()}
    ids = sorted(set().union(*named.values()), key=int)
    rows, failed = ask_in_halves(partial(_list_products, door), ids)
    facts = {str(row.get("id")): _facts(row) for row in rows}
    failures = {
        each: error for some, error in failed for each, own in named.items() if not own.isdisjoint(some)
    }
    return facts, failures


def _list_products(door: Door, ids: Sequence[str]) -> list[Json]:
    return [row for chunk in chunks(ids) for row in list_all(door, "products", {"include": ",".join(chunk)})]


def _product_ids(order: Json | None) -> set[str]:
    goods = order.get("line_items", []) if order else []
    return {str(item["product_id"]) for item in goods if item.get("product_id")}


def _facts(product: Json) -> Json:
    return {
        "categories": [category["id"] for category in product.get("categories", [])],
        "tags": [tag["slug"] for tag in product.get("tags", [])],
        "on_sale": product.get("on_sale") is True,
        "gift_card": product.get("type") in GIFT_CARD_TYPES,
    }


def _order_message(
    order_id: str,
    order: Json | None,
    refunds: list[Json | None],
    products: dict[str, Json] | None,
    now: datetime,
) -> FetchedMessage:
    named = _product_ids(order)
    own = None if products is None else {key: facts for key, facts in products.items() if key in named}
    content = {"order": _only(order, tuple(ORDER.fields)), "refunds": refunds, "products": own}
    return _message(FETCHED_ORDER, order_id, now, content)


def _message(topic: str, external_id: str, now: datetime, content: Json) -> FetchedMessage:
    body = json.dumps({"id": external_id, **content}, default=str, ensure_ascii=False, separators=(",", ":"))
    return FetchedMessage(topic, external_id, body.encode("utf-8", "replace"), now)


def _by_id(rows: Iterable[Json]) -> dict[str, Json | None]:
    return {str(row.get("id")): row for row in rows}


def _only(row: Json | None, keys: Sequence[str]) -> Json | None:
    """Keep what is read back: less room, and no personal data that nobody asked for."""
    return None if row is None else {key: row[key] for key in keys if key in row}
