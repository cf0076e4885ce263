"""Orders as a WooCommerce shop delivers them, the same ones for the same numbers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

TOPIC = "order.updated"
START = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
WALL = "%Y-%m-%dT%H:%M:%S"
LINES = 4


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message of a shop: its topic, delivery id and raw body."""

    topic: str
    delivery_id: str
    body: bytes

    def headers(self, secret: str) -> dict[str, str]:
        """Return the headers of a signed delivery."""
        signature = base64.b64encode(hmac.digest(secret.encode(), self.body, "sha256")).decode()
        return {
            "Content-Type": "application/json",
            "X-WC-Webhook-Topic": self.topic,
            "X-WC-Webhook-Delivery-ID": self.delivery_id,
            "X-WC-Webhook-Signature": signature,
        }

    def key(self) -> bytes:
        """Return some message key for a message that is stored without the receiver."""
        return hashlib.sha256(f"{self.topic}/{self.delivery_id}".encode() + self.body).digest()


def make_deliveries(
    count: int,
    customers: Sequence[int],
    *,
    first: int = 1,
    start: datetime = START,
    spacing: int = 1,
    seed: int = 1,
) -> Iterator[Delivery]:
    """Yield orders of four lines, one every `spacing` seconds; everybody orders once, then customers at random."""
    rng = random.Random(seed)
    first_round = rng.sample(customers, min(count, len(customers)))
    for place in range(count):
        customer = first_round[place] if place < len(first_round) else rng.choice(customers)
        prices = [rng.randrange(20, 900) for _ in range(LINES)]
        items = [(price, 1 + price % 3) for price in prices]
        yield order_delivery(first + place, customer, items, start + timedelta(seconds=place * spacing))


def order_delivery(
    number: int, customer: int, items: list[tuple[int, int]], at: datetime, **more: Any
) -> Delivery:
    """Return the delivery of a paid order of these (price, quantity) lines."""
    order = order_data(number, customer, items, at) | more
    body = json.dumps(order, separators=(",", ":")).encode()
    return Delivery(TOPIC, hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest(), body)


def order_data(number: int, customer: int, items: list[tuple[int, int]], at: datetime) -> dict[str, Any]:
    """Return an order as the REST API of the recordings states it, with what plugins and pages add to it."""
    wall, goods = at.strftime(WALL), sum(price * quantity for price, quantity in items)
    dates = {f"date_{name}_gmt": wall for name in ("created", "modified", "paid")}
    dates |= {f"date_{name}": wall for name in ("created", "modified", "paid")}
    person = {"first_name": "Amy", "last_name": f"Chen {customer}", "country": "TW", "state": ""}
    address = {**person, "company": "", "address_1": "5 Test St", "city": "Taipei", "postcode": "106"}
    return {
        "id": number, "parent_id": 0, "number": str(number), "status": "processing", "currency": "TWD",
        "version": "11.0.1", "prices_include_tax": False, "total": str(goods), "total_tax": "0",
        "discount_total": "0", "discount_tax": "0", "shipping_total": "0", "shipping_tax": "0", "cart_tax": "0",
        "customer_id": customer, "order_key": f"wc_order_{number}", "created_via": "checkout", **dates,
        "date_completed": None, "date_completed_gmt": None,
        "billing": {**address, "email": f"customer{customer}@example.test", "phone": "0911000111"},
        "shipping": {**address, "phone": ""}, "payment_method": "bacs", "payment_method_title": "Bank transfer",
        "transaction_id": "", "customer_ip_address": "", "customer_user_agent": "", "customer_note": "",
        "cart_hash": "", "meta_data": [], "line_items": [_line(number * 10 + i, *it) for i, it in enumerate(items)],
        "tax_lines": [], "shipping_lines": [], "fee_lines": [], "coupon_lines": [], "refunds": [],
        "is_editable": False, "needs_payment": False, "needs_processing": True, "currency_symbol": "NT$",
    }  # fmt: skip


def _line(id_: int, price: int, quantity: int) -> dict[str, Any]:
    amount = str(price * quantity)
    return {
        "id": id_, "name": "Oolong Tea \u70cf\u9f8d\u8336", "product_id": 11 + price % 40, "variation_id": 0,
        "quantity": quantity, "tax_class": "", "subtotal": amount, "subtotal_tax": "0", "total": amount,
        "total_tax": "0", "taxes": [], "meta_data": [], "sku": f"TEA-{price % 40}", "global_unique_id": "",
        "price": price, "image": {"id": "", "src": ""}, "parent_name": None,
    }  # fmt: skip
