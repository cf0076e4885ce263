"""Sandbox shops of both platforms as the fault runs use them: what happens in them, what they send, what they keep."""

from __future__ import annotations

import base64
import hmac
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from bench.orders import Delivery
from bench.shopify_chronicle import subscribe, take_messages
from connectors.shopify.sandbox import ShopifySandbox
from connectors.woocommerce.sandbox import SandboxShop

Json = dict[str, Any]


class Letter(Protocol):
    """A delivery of a shop: its raw body, and the headers that go with it."""

    @property
    def body(self) -> bytes:
        """Return the raw bytes."""

    def headers(self, secret: str) -> dict[str, str]:
        """Return the headers of a signed delivery."""


class FaultShop(Protocol):
    """A running shop."""

    @property
    def platform(self) -> str:
        """Return its platform's name."""

    def set_clock(self, clock: Callable[[], datetime]) -> None:
        """Let the shop's time be another."""

    def add_product(self, name: str, price: int) -> int:
        """Put a product into the catalogue; return its id."""

    def add_customer(self, email: str) -> int:
        """Let somebody register; return his id."""

    def place(self, product: int, quantity: int, customer: int) -> int:
        """Place and pay an order; return its id."""

    def cancel(self, order: int) -> None:
        """Cancel an order."""

    def refund(self, order: int, amount: int) -> None:
        """Give some money of an order back."""

    def told(self, order: int, chance: random.Random) -> Sequence[Letter]:
        """Return what the shop sends of the last thing that happened, which was about an order."""

    def connecting(self) -> list[str]:
        """Return the arguments of `store connect`, without the webhooks."""

    def destination(self, store: Mapping[str, str]) -> tuple[str, str]:
        """Return the path to which it delivers, and with which secret it signs; `store` is what `connect` printed."""

    def fail(self, calls: int) -> None:
        """Be away for so many calls."""

    def recover(self) -> None:
        """Be back."""

    def codes(self, at: datetime) -> list[tuple[str, bool]]:
        """Return every code that the shop keeps, and whether it may still be used at an instant."""


@dataclass(frozen=True, slots=True)
class WooCommerceShop:
    """A sandbox WooCommerce."""

    shop: SandboxShop
    platform: str = "woocommerce"

    def set_clock(self, clock: Callable[[], datetime]) -> None:
        """Let the shop's time be another."""
        self.shop.now = clock

    def add_product(self, name: str, price: int) -> int:
        """Put a product into the catalogue; return its id."""
        return int(self.shop.add_product(name, price)["id"])

    def add_customer(self, email: str) -> int:
        """Let somebody register; return his id."""
        return int(self.shop.add_customer(email)["id"])

    def place(self, product: int, quantity: int, customer: int) -> int:
        """Place and pay an order; return its id."""
        email = f"{customer}@example.test"
        return int(self.shop.place_order((product, quantity), customer=customer, email=email)["id"])

    def cancel(self, order: int) -> None:
        """Cancel an order."""
        self.shop.set_status(order, "cancelled")

    def refund(self, order: int, amount: int) -> None:
        """Give some money of an order back."""
        self.shop.refund(order, amount)

    def told(self, order: int, chance: random.Random) -> Sequence[Letter]:
        """Return the one message that tells of an order as it is now."""
        body = json.dumps(self.shop.order(order), separators=(",", ":")).encode()
        return [Delivery("order.updated", f"{chance.getrandbits(128):032x}", body)]

    def connecting(self) -> list[str]:
        """Return the arguments of `store connect`, without the webhooks."""
        keys = ["--consumer-key", self.shop.consumer_key, "--consumer-secret", self.shop.consumer_secret]
        return [self.platform, "--url", self.shop.url, *keys, "--no-register"]

    def destination(self, store: Mapping[str, str]) -> tuple[str, str]:
        """Return the path to which it delivers, and with which secret it signs."""
        return urlsplit(store["webhook_url"]).path, store["webhook_secret"]

    def fail(self, calls: int) -> None:
        """Be away for so many calls."""
        self.shop.fail_next(calls)

    def recover(self) -> None:
        """Be back."""
        self.shop.recover()

    def codes(self, at: datetime) -> list[tuple[str, bool]]:
        """Return every code that the shop keeps, and whether it may still be used at an instant."""
        return [(each["code"], _is_live(each, at)) for each in map(self._stored, self._coupons())]

    def _coupons(self) -> list[str]:
        return [each["code"] for each in self.shop.state.coupons.values()]

    def _stored(self, code: str) -> Json:
        return self.shop.coupon(code) or {}


def _is_live(coupon: Json, at: datetime) -> bool:
    ends = coupon["date_expires_gmt"]
    return not ends or datetime.fromisoformat(ends).replace(tzinfo=UTC) > at


@dataclass(frozen=True, slots=True)
class ShopifyLetter:
    """A delivery of a Shopify."""

    topic: str
    delivery_id: str
    domain: str
    body: bytes

    def headers(self, secret: str) -> dict[str, str]:
        """Return the headers of a signed delivery."""
        signature = base64.b64encode(hmac.digest(secret.encode(), self.body, "sha256")).decode()
        return {
            "Content-Type": "application/json",
            "X-Shopify-Topic": self.topic,
            "X-Shopify-Webhook-Id": self.delivery_id,
            "X-Shopify-Shop-Domain": self.domain,
            "X-Shopify-Hmac-Sha256": signature,
        }


@dataclass(frozen=True, slots=True)
class ShopifyShop:
    """A sandbox Shopify."""

    shop: ShopifySandbox
    platform: str = "shopify"

    def set_clock(self, clock: Callable[[], datetime]) -> None:
        """Let the shop's time be another."""
        self.shop.now = clock

    def add_product(self, name: str, price: int) -> int:
        """Put a product into the catalogue; return its id."""
        return int(self.shop.add_product(name, price)["id"])

    def add_customer(self, email: str) -> int:
        """Let somebody register; return his id."""
        return int(self.shop.add_customer(email)["id"])

    def place(self, product: int, quantity: int, customer: int) -> int:
        """Place and pay an order; return its id."""
        take_messages(self.shop)
        return int(self.shop.place_order((product, quantity), customer=customer)["id"])

    def cancel(self, order: int) -> None:
        """Cancel an order, and give its money back."""
        self.shop.cancel(order)

    def refund(self, order: int, amount: int) -> None:
        """Give some money of an order back."""
        self.shop.refund(order, amount=amount)

    def told(self, order: int, chance: random.Random) -> Sequence[Letter]:
        """Return the messages of the last deed: each of them makes us ask."""
        return [
            ShopifyLetter(each.topic, f"{chance.getrandbits(128):032x}", self.shop.shop, each.body)
            for each in take_messages(self.shop)
        ]

    def connecting(self) -> list[str]:
        """Return the arguments of `store connect`, without the webhooks."""
        keys = ["--client-id", self.shop.client_id, "--client-secret", self.shop.client_secret]
        return [self.platform, "--shop", self.shop.shop, "--url", self.shop.url, *keys, "--no-register"]

    def destination(self, store: Mapping[str, str]) -> tuple[str, str]:
        """Return the path to which it delivers, and with which secret it signs."""
        return urlsplit(store["webhook_url"]).path, self.shop.client_secret

    def fail(self, calls: int) -> None:
        """Be away for so many calls."""
        self.shop.fail_next(calls)

    def recover(self) -> None:
        """Be back."""
        self.shop.recover()

    def codes(self, at: datetime) -> list[tuple[str, bool]]:
        """Return every code that the shop keeps, and whether it may still be used at an instant."""
        return [
            (str(row["code"]), row["endsAt"] is None or row["endsAt"] > at)
            for row in self.shop.state.discounts.values()
        ]


@contextmanager
def fault_shop(platform: str) -> Iterator[FaultShop]:
    """Yield a running shop of a platform; its limits are far away."""
    if platform == "shopify":
        with ShopifySandbox(bucket=1e6, restore_rate=1e6) as shopify:
            subscribe(shopify)
            yield ShopifyShop(shopify)
    else:
        with SandboxShop() as woocommerce:
            yield WooCommerceShop(woocommerce)
