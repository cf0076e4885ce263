"""A customer and a merchant of a sandbox Shopify: what they do by hand, and what it then states by GraphQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bench.shop_client import Buyer, Coupon, Order, ShopClient, ShopRefused
from connectors.shopify.sandbox import CheckoutError, ShopifySandbox

Json = dict[str, Any]
WEBHOOKS = "query { webhookSubscriptions(first: 100) { nodes { id } } }"
COUPON = """query($code: String!) { codeDiscountNodeByCode(code: $code) { codeDiscount { ... on DiscountCodeBasic {
  status
  context { ... on DiscountCustomers { customers { defaultEmailAddress { emailAddress } } } }
  customerGets { value { ... on DiscountAmount { amount { amount } } } } } } } }"""


@dataclass(frozen=True, slots=True)
class ShopifyClient:
    """Does by hand what no app may: buying, and giving money back."""

    shop: ShopifySandbox

    @property
    def url(self) -> str:
        """Return where the shop is reached."""
        return self.shop.url

    def connecting(self) -> list[str]:
        """Return the arguments of `store connect`."""
        keys = ["--client-id", self.shop.client_id, "--client-secret", self.shop.client_secret]
        return ["shopify", "--shop", self.shop.shop, "--url", self.url, *keys]

    def count_webhooks(self) -> int:
        """Return how many webhooks the shop has."""
        return len(self._ask(WEBHOOKS)["webhookSubscriptions"]["nodes"])

    def is_silent(self) -> bool:
        """Return whether no delivery waits."""
        return not self.shop.state.queue

    def add_product(self, name: str, price: int) -> int:
        """Put a product into the catalogue; return its id."""
        return int(self.shop.add_product(name, price)["id"])

    def register(self, email: str, name: str) -> int:
        """Let somebody register as a customer; return his id."""
        first, _, last = name.partition(" ")
        return int(self.shop.add_customer(email, firstName=first, lastName=last)["id"])

    def buy(self, items: list[tuple[int, int]], buyer: Buyer, code: str = "") -> Order:
        """Place and pay an order; raises ShopRefused when the checkout does not take the code."""
        codes, customer = ([code] if code else []), buyer.customer or None
        try:
            made = self.shop.check_out(*items, customer=customer, email=buyer.email, codes=codes)
        except CheckoutError as error:
            raise ShopRefused(str(error)) from error
        return Order(int(made["id"]), int(made["order_number"]), int(Decimal(made["total_price"])))

    def refund(self, order: Order, amount: int | None = None) -> None:
        """Give the whole money of an order back with its goods, or so much of the money."""
        if amount is None:
            self.shop.refund_all(order.id)
        else:
            self.shop.refund(order.id, amount=amount)

    def coupons(self) -> list[Coupon]:
        """Return the coupons that are in the shop now."""
        with self.shop.state.lock:
            codes = [str(row["code"]) for row in self.shop.state.discounts.values()]
        return [self._coupon(code) for code in codes]

    def _coupon(self, code: str) -> Coupon:
        stated = self._ask(COUPON, {"code": code})["codeDiscountNodeByCode"]["codeDiscount"]
        people = stated["context"].get("customers", ())
        emails = tuple(each["defaultEmailAddress"]["emailAddress"] for each in people)
        amount = Decimal(stated["customerGets"]["value"]["amount"]["amount"])
        return Coupon(code, amount, emails, stated["status"] == "ACTIVE")

    def _ask(self, query: str, variables: Json | None = None) -> Json:
        """Return what the shop answers; raises ShopRefused."""
        told = self.shop.ask(query, variables)
        if told.get("errors"):
            raise ShopRefused(told["errors"][0]["message"])
        answer: Json = told["data"]
        return answer


@contextmanager
def shopify_client() -> Iterator[ShopClient]:
    """Yield the client of a running shop, which delivers by itself."""
    with ShopifySandbox(auto_deliver=True) as shop:
        yield ShopifyClient(shop)
