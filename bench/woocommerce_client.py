"""A customer and a merchant of a sandbox WooCommerce: what they do, done over HTTP through its REST API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from woocommerce import API

from bench.shop_client import Buyer, Coupon, Order, ShopClient, ShopRefused
from connectors.woocommerce.sandbox import SandboxShop

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class WooCommerceClient:
    """Calls a shop with the keys of its REST API."""

    shop: SandboxShop

    @property
    def url(self) -> str:
        """Return where the shop is reached."""
        return self.shop.url

    def connecting(self) -> list[str]:
        """Return the arguments of `store connect`."""
        keys = ["--consumer-key", self.shop.consumer_key, "--consumer-secret", self.shop.consumer_secret]
        return ["woocommerce", "--url", self.url, *keys]

    def count_webhooks(self) -> int:
        """Return how many webhooks the shop has."""
        return len(self._call("get", "webhooks?per_page=100"))

    def is_silent(self) -> bool:
        """Return whether no delivery waits."""
        return not self.shop.state.queue

    def add_product(self, name: str, price: int) -> int:
        """Put a product into the catalogue; return its id."""
        product = {"name": name, "type": "simple", "regular_price": str(price)}
        return int(self._call("post", "products", product)["id"])

    def register(self, email: str, name: str) -> int:
        """Let somebody register as a customer; return his id."""
        return int(self._call("post", "customers", {"email": email, **_named(name)})["id"])

    def buy(self, items: list[tuple[int, int]], buyer: Buyer, code: str = "") -> Order:
        """Place and pay an order; raises ShopRefused when the shop does not take it."""
        lines = [{"product_id": product, "quantity": quantity} for product, quantity in items]
        billing = {**_named(buyer.name), "email": buyer.email, "country": "TW"}
        order = {"customer_id": buyer.customer, "line_items": lines, "billing": billing, "set_paid": True}
        coupons = {"coupon_lines": [{"code": code}]} if code else {}
        made = self._call("post", "orders", {**order, **coupons, "payment_method": "bacs"})
        return Order(int(made["id"]), int(made["number"]), int(made["total"]))

    def refund(self, order: Order, amount: int | None = None) -> None:
        """Give the whole money of an order back, or so much of it."""
        money = str(order.total if amount is None else amount)
        self._call("post", f"orders/{order.id}/refunds", {"amount": money, "api_refund": False})

    def coupons(self) -> list[Coupon]:
        """Return the coupons that are in the shop now."""
        rows = self._call("get", "coupons?per_page=100")
        return [
            Coupon(row["code"], Decimal(row["amount"]), tuple(row["email_restrictions"]), _is_live(row))
            for row in rows
        ]

    def _call(self, method: str, path: str, body: Json | None = None) -> Any:
        """Return the shop's answer; raises ShopRefused."""
        api = API(self.url, self.shop.consumer_key, self.shop.consumer_secret, version="wc/v3", timeout=10)
        answer = getattr(api, method)(path, body) if body is not None else getattr(api, method)(path)
        if answer.status_code >= 400:
            raise ShopRefused(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()


@contextmanager
def woocommerce_client() -> Iterator[ShopClient]:
    """Yield the client of a running shop, which delivers by itself."""
    with SandboxShop(auto_deliver=True) as shop:
        yield WooCommerceClient(shop)


def _named(name: str) -> Json:
    first, _, last = name.partition(" ")
    return {"first_name": first, "last_name": last}


def _is_live(coupon: Json) -> bool:
    ends = coupon["date_expires_gmt"]
    return not ends or datetime.fromisoformat(ends).replace(tzinfo=UTC) > datetime.now(UTC)
