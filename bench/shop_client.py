"""A customer and a merchant of a sandbox shop, as the demonstration needs them: one class for each platform."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol


class ShopRefused(Exception):
    """The shop does not do what it was asked for."""


@dataclass(frozen=True, slots=True)
class Buyer:
    """Somebody who buys; `customer` is his id in the shop, 0 of a guest."""

    email: str
    name: str
    customer: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """A paid order; `total` in whole units of the shop's money."""

    id: int
    number: int
    total: int


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon as the shop states it; `emails` are those who may use it."""

    code: str
    amount: Decimal
    emails: tuple[str, ...]
    is_live: bool


class ShopClient(Protocol):
    """What is done in a running shop."""

    @property
    def url(self) -> str:
        """Return where the shop is reached."""

    def connecting(self) -> list[str]:
        """Return the arguments of `store connect`."""

    def count_webhooks(self) -> int:
        """Return how many webhooks the shop has."""

    def is_silent(self) -> bool:
        """Return whether no delivery waits."""

    def add_product(self, name: str, price: int) -> int:
        """Put a product into the catalogue; return its id."""

    def register(self, email: str, name: str) -> int:
        """Let somebody register as a customer; return his id."""

    def buy(self, items: list[tuple[int, int]], buyer: Buyer, code: str = "") -> Order:
        """Place and pay an order of (product id, quantity) pairs, with the code of a coupon where one is given; raises
        ShopRefused when the shop does not take it.
        """

    def refund(self, order: Order, amount: int | None = None) -> None:
        """Give the whole money of an order back, or so much of it."""

    def coupons(self) -> list[Coupon]:
        """Return the coupons that are in the shop now."""
