"""The connector to Shopify stores (Admin GraphQL API 2026-10)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from connectors.base import FetchedMessage, PastPage, RawMessage, SightingPage, StoreAccess
from connectors.http import PER_SECOND, Door
from connectors.shopify import auth, connect, past, reconcile, signature
from connectors.shopify.client import Shopify
from connectors.shopify.door import ShopDoor
from connectors.shopify.fetch import fetch
from connectors.shopify.parse import parse
from connectors.shopify.push import push
from connectors.shopify.restate import restate
from loyalty.commerce import OrderSighting, Parsed, Read, ShopSettings
from loyalty.pushes import PushCommand, PushError, PushReceipt
from loyalty.values import StoreId

KEPT_SHOPS = 256
Keys = tuple[tuple[str, str], ...]


class ShopifyConnector:
    """Translates Shopify both ways; keeps one session per store and token, with what the shop said of its points."""

    platform = "shopify"

    def __init__(self, allow_private: bool = False, *, per_second: float = PER_SECOND) -> None:
        """`allow_private` lets it call shops on private addresses; `per_second` limits the calls to one store."""
        self._allow_private = allow_private
        self._per_second = per_second
        self._open = lru_cache(maxsize=KEPT_SHOPS)(self._open_shop)
        self._files = Door("", allow_private=allow_private, per_second=per_second)

    def is_authentic(self, secrets: Sequence[str], headers: dict[str, str], body: bytes) -> bool:
        """Return whether the signature over the raw bytes fits one of the secrets, in constant time."""
        return signature.is_authentic(secrets, headers, body)

    def is_ping(self, headers: dict[str, str], body: bytes) -> bool:
        """Return False: a new webhook of Shopify sends nothing unsigned."""
        return False

    def message_key(self, topic: str, headers: dict[str, str], body: bytes) -> bytes:
        """Return the 32 bytes under which a repeated delivery is recognised."""
        return signature.message_key(topic, headers, body)

    def parse(self, store_id: StoreId, message: RawMessage, *, with_products: bool) -> Parsed:
        """Return the facts of a message, or what must be read first; raises MalformedMessage."""
        return parse(store_id, message)

    def restate(self, message: RawMessage) -> FetchedMessage | None:
        """Return the order that a delivery states by itself, None: it states too little; raises MalformedMessage."""
        return restate(message)

    def is_fresh(self, access: StoreAccess, now: datetime) -> bool:
        """Return whether the present token serves for some minutes more."""
        return auth.is_fresh(access, now)

    def renew(self, access: StoreAccess, now: datetime) -> dict[str, str] | None:
        """Return credentials with a fresh token, None: the present one serves still; raises PushError."""
        return auth.renew(auth.open_door(access.url, allow_private=self._allow_private), access, now)

    def fetch(
        self,
        access: StoreAccess,
        kind: Read,
        external_ids: Sequence[str],
        *,
        with_products: bool,
        now: datetime,
    ) -> list[FetchedMessage]:
        """Read these things again from the shop in bulk; raises PushError when the shop cannot be asked."""
        return fetch(self._shop(access), kind, external_ids, with_products=with_products, now=now)

    def push(self, access: StoreAccess, commands: Sequence[PushCommand]) -> list[PushReceipt | PushError]:
        """Carry out the commands, many in a request; one outcome for each, in order."""
        return push(self._shop(access), commands)

    def read_settings(self, access: StoreAccess) -> ShopSettings:
        """Ask the shop for currency, zone, decimals, tax; raises PushError."""
        return connect.read_settings(self._shop(access))

    def register_webhooks(self, access: StoreAccess) -> list[str]:
        """Make sure that every webhook we need exists; return what was made. Raises PushError."""
        return connect.register_webhooks(self._shop(access), access)

    def read_clock(self, access: StoreAccess) -> datetime:
        """Return what time it is in the shop; raises PushError."""
        return reconcile.read_clock(self._shop(access))

    def list_changed(self, access: StoreAccess, since: datetime, cursor: str | None) -> SightingPage:
        """Return a page of the orders changed from an instant on, oldest change first; raises PushError."""
        return reconcile.list_changed(self._shop(access), since, cursor)

    def sight_orders(self, access: StoreAccess, external_ids: Sequence[str]) -> list[OrderSighting]:
        """Return how these orders stand, without those that are gone; raises PushError."""
        return reconcile.sight_orders(self._shop(access), external_ids)

    def sight_tiers(self, access: StoreAccess, external_ids: Sequence[str]) -> dict[str, str]:
        """Return the tier that the shop shows of each of these customers that it has; raises PushError."""
        return reconcile.sight_tiers(self._shop(access), external_ids)

    def count_past(self, access: StoreAccess, since: datetime | None) -> int:
        """Return how many customers there are, and orders placed from an instant; raises PushError."""
        return past.count_past(self._shop(access), since)

    def read_past(
        self,
        access: StoreAccess,
        since: datetime | None,
        cursor: str | None,
        *,
        with_products: bool,
        now: datetime,
    ) -> PastPage:
        """Read a page of the customers, then of the orders placed from an instant, oldest first; raises PushError."""
        shop = self._shop(access)
        return past.read_past(shop, self._files, since, cursor, with_products=with_products, now=now)

    def sign_anew(self, access: StoreAccess) -> int:
        """Return 0: Shopify signs with the app's own secret, which no store can change."""
        return 0

    def _shop(self, access: StoreAccess) -> Shopify:
        keys = ("mode", "access_token", "issued_at", "refresh_token")
        known = tuple((name, access.credentials.get(name, "")) for name in keys)
        return self._open(access.store_id, access.url, known)

    def _open_shop(self, store_id: StoreId, url: str, keys: Keys) -> Shopify:
        door = ShopDoor(url, dict(keys), allow_private=self._allow_private, per_second=self._per_second)
        return Shopify(door)
