"""What the engine needs of an account beside its program: its keys, and its stores with their numbers."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from loyalty.accounts.service import get_account
from loyalty.crypto import Vault
from loyalty.programs.catalogue import is_offered
from loyalty.programs.program import Versions
from loyalty.stores.service import list_places
from loyalty.values import AccountId, StoreId

SHOWING = frozenset({"shopify"})
"""Platforms that keep what a member has beside his tier, and that bind codes to their customers."""


@dataclass(frozen=True, slots=True)
class AccountBook:
    """What an account's batches need and hardly ever changes: its key for coupon codes, and its stores."""

    id: AccountId
    coupon_key: bytes
    store_numbers: Mapping[StoreId, int]
    platforms: Mapping[StoreId, str]
    gift_card_stores: frozenset[StoreId] = frozenset()
    currency: str = ""
    tills: frozenset[StoreId] = frozenset()
    """Stores that tell of orders and keep neither coupons nor customers."""
    closed: frozenset[StoreId] = frozenset()
    """Stores that are disconnected."""

    @property
    def open_platforms(self) -> frozenset[str]:
        """Return the platforms of the connected stores."""
        return frozenset(it for store, it in self.platforms.items() if store not in self.closed)

    def code_stores(self, kind: str) -> list[int]:
        """Return the numbers of the connected stores that can make codes of a kind, the oldest first."""
        unable = self.tills | self.closed
        able = (store for store in self.store_numbers if store not in unable)
        return sorted(self.store_numbers[it] for it in able if is_offered(kind, {self.platforms[it]}))

    def is_showing(self, store: StoreId) -> bool:
        """Return whether a store shows its customers their points and progress, and binds codes to them."""
        return self.platforms.get(store) in SHOWING

    def needs_products(self, store: StoreId, versions: Versions) -> bool:
        """Return whether orders of a store must be read with facts of their products."""
        return versions.need_products(sells_gift_cards=store in self.gift_card_stores)

    def webhook_secret(self) -> bytes:
        """Return the key that signs what other systems are told: 64 hexadecimal digits, as ASCII."""
        return hmac.new(self.coupon_key, b"webhooks", hashlib.sha256).hexdigest().encode()

    def content_key(self) -> bytes:
        """Return the key that signs links to content."""
        return hmac.new(self.coupon_key, b"content", hashlib.sha256).digest()

    def store(self, number: int) -> StoreId:
        """Return the store of a number, the first one when there is none of it."""
        by_number = {own: store for store, own in self.store_numbers.items()}
        return by_number.get(number) or by_number[min(by_number)]

    def shop(self, number: int) -> StoreId:
        """Return where what the store of a number caused is kept: there. What a till caused, or no store, is kept in
        the first shop, a connected one where there is one; by a till, when the account has no shop.
        """
        shops = {store: own for store, own in self.store_numbers.items() if store not in self.tills}
        own = next((store for store, each in shops.items() if each == number), None)
        return own or self._first_open(shops or self.store_numbers)

    @property
    def caller(self) -> StoreId:
        """Return with whose pushes other systems are called: those of the first store, a connected one where there is
        one.
        """
        return self._first_open(self.store_numbers)

    def _first_open(self, stores: Mapping[StoreId, int]) -> StoreId:
        return min(stores, key=lambda store: (store in self.closed, stores[store]))


def load_book(connection: Connection, vault: Vault, account: AccountId) -> AccountBook:
    """Return an account's book; raises NotFound. It may be kept until a store of the account is missing in it."""
    row = get_account(connection)
    places = list_places(connection)
    return AccountBook(
        account,
        vault.open(row["coupon_key"]),
        {place.store: place.number for place in places},
        {place.store: place.platform for place in places},
        frozenset(place.store for place in places if place.sells_gift_cards),
        row["currency"],
        frozenset(place.store for place in places if place.is_till),
        frozenset(place.store for place in places if not place.is_connected),
    )
