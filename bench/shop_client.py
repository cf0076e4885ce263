"""A customer and a merchant of a WooCommerce shop: what they do, done over HTTP through its REST API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from woocommerce import API

Json = dict[str, Any]


class ShopRefused(Exception):
    """The shop answered with an error."""


@dataclass(slots=True)
class ShopClient:
    """Calls a shop with the keys of its REST API."""

    url: str
    consumer_key: str
    consumer_secret: str

    def add_product(self, name: str, price: int) -> Json:
        """Put a product into the catalogue."""
        return self._post("products", {"name": name, "type": "simple", "regular_price": str(price)})

    def register(self, email: str, first_name: str, last_name: str) -> Json:
        """Let somebody register as a customer."""
        return self._post("customers", {"email": email, "first_name": first_name, "last_name": last_name})

    def buy(
        self, items: list[tuple[int, int]], email: str, name: str, customer: int = 0, code: str = ""
    ) -> Json:
        """Place and pay an order of (product id, quantity) pairs, as a guest unless a customer is named, with the code
        of a coupon where one is given; raises ShopRefused when the shop does not take it.
        """
        first, _, last = name.partition(" ")
        lines = [{"product_id": product, "quantity": quantity} for product, quantity in items]
        billing = {"first_name": first, "last_name": last, "email": email, "country": "TW"}
        order = {"customer_id": customer, "line_items": lines, "billing": billing, "set_paid": True}
        coupons = {"coupon_lines": [{"code": code}]} if code else {}
        return self._post("orders", {**order, **coupons, "payment_method": "bacs"})

    def refund(self, order: Json, amount: int | None = None) -> Json:
        """Give the whole money of an order back, or so much of it."""
        money = order["total"] if amount is None else str(amount)
        return self._post(f"orders/{order['id']}/refunds", {"amount": money, "api_refund": False})

    def coupons(self) -> list[Json]:
        """Return the coupons that are in the shop now."""
        answer: list[Json] = self.call("get", "coupons?per_page=100")
        return answer

    def _post(self, path: str, body: Json) -> Json:
        answer: Json = self.call("post", path, body)
        return answer

    def call(self, method: str, path: str, body: Json | None = None) -> Any:
        """Return the shop's answer; raises ShopRefused."""
        api = API(self.url, self.consumer_key, self.consumer_secret, version="wc/v3", timeout=10)
        answer = getattr(api, method)(path, body) if body is not None else getattr(api, method)(path)
        if answer.status_code >= 400:
            raise ShopRefused(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()
