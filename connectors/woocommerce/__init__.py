"""The connector to WooCommerce stores (tried with 11.0.1, REST API v3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from connectors.base import FetchedMessage, PastPage, RawMessage, SightingPage, StoreAccess
from connectors.http import PER_SECOND, Door
from connectors.woocommerce import connect, past, reconcile, signature
from connectors.woocommerce.auth import auth_for
from connectors.woocommerce.fetch import fetch
from connectors.woocommerce.parse import parse
from connectors.woocommerce.push import push
from loyalty.commerce import OrderSighting, Parsed, Read, ShopSettings
from loyalty.pushes import PushCommand, PushError, PushReceipt
from loyalty.values import StoreId

KEPT_DOORS = 256


class WooCommerceConnector:
    """Translates WooCommerce both ways; keeps one HTTP session per store and nothing else."""

    platform = "woocommerce"

    def __init__(self, allow_private: bool = False, *, per_second: float = PER_SECOND) -> None:
        """`allow_private` lets it call shops on private addresses; `per_second` limits the calls to one store."""
        self._allow_private = allow_private
        self._per_second = per_second
        self._open = lru_cache(maxsize=KEPT_DOORS)(self._open_door)

    def is_authentic(self, secrets: Sequence[str], headers: dict[str, str], body: bytes) -> bool:
        """Return whether the signature over the raw bytes fits one of the secrets, in constant time."""
        return signature.is_authentic(secrets, headers, body)

    def is_ping(self, headers: dict[str, str], body: bytes) -> bool:
        """Return whether this is the unsigned ping of a new webhook."""
        return signature.is_ping(headers, body)

    def message_key(self, topic: str, headers: dict[str, str], body: bytes) -> bytes:
        """Return the 32 bytes under which a repeated delivery is recognised."""
        return signature.message_key(topic, headers, body)

    def parse(self, store_id: StoreId, message: RawMessage, *, with_products: bool) -> Parsed:
        """Return the facts of a message, or what must be read first; raises MalformedMessage."""
        return parse(store_id, message, with_products=with_products)

    def restate(self, message: RawMessage) -> FetchedMessage | None:
        """Return None: a delivery that states enough is never read again."""

    def is_fresh(self, access: StoreAccess, now: datetime) -> bool:
        """Return True: its keys have no end."""
        return True

    def renew(self, access: StoreAccess, now: datetime) -> dict[str, str] | None:
        """Return None: its keys have no end."""

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
        return fetch(self._door(access), kind, external_ids, with_products=with_products, now=now)

    def push(self, access: StoreAccess, commands: Sequence[PushCommand]) -> list[PushReceipt | PushError]:
        """Carry out the commands in batches; one outcome for each, in order."""
        return push(self._door(access), access.time_zone, commands)

    def read_settings(self, access: StoreAccess) -> ShopSettings:
        """Ask the shop for currency, zone, decimals, tax; raises PushError."""
        return connect.read_settings(self._door(access))

    def register_webhooks(self, access: StoreAccess) -> list[str]:
        """Make sure that every webhook we need exists and is active; return what was done. Raises PushError."""
        return connect.register_webhooks(self._door(access), access)

    def read_clock(self, access: StoreAccess) -> datetime:
        """Return what time it is in the shop; raises PushError."""
        return reconcile.read_clock(self._door(access))

    def list_changed(self, access: StoreAccess, since: datetime, cursor: str | None) -> SightingPage:
        """Return a page of the orders that the shop changed after an instant, oldest change first; raises PushError."""
        return reconcile.list_changed(self._door(access), since, cursor)

    def sight_orders(self, access: StoreAccess, external_ids: Sequence[str]) -> list[OrderSighting]:
        """Return how these orders stand, without those that the shop does not list; raises PushError."""
        return reconcile.sight_orders(self._door(access), external_ids)

    def sight_tiers(self, access: StoreAccess, external_ids: Sequence[str]) -> dict[str, str]:
        """Return the tier that the shop shows of each of these customers that it has; raises PushError."""
        return reconcile.sight_tiers(self._door(access), external_ids)

    def count_past(self, access: StoreAccess, since: datetime | None) -> int:
        """Return how many customers there are, and orders placed from an instant; raises PushError."""
        return past.count_past(self._door(access), since)

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
        return past.read_past(self._door(access), since, cursor, with_products=with_products, now=now)

    def sign_anew(self, access: StoreAccess) -> int:
        """Have the shop sign with the current secret from now on; return how many webhooks. Raises PushError."""
        return connect.sign_anew(self._door(access), access)

    def _door(self, access: StoreAccess) -> Door:
        keys = access.credentials
        return self._open(access.store_id, access.url, keys["consumer_key"], keys["consumer_secret"])

    def _open_door(self, store_id: StoreId, url: str, key: str, secret: str) -> Door:
        auth = auth_for(url, key, secret)
        return Door(
            url,
            auth=auth,
            allow_private=self._allow_private,
            per_second=self._per_second,
            fails_at_things=True,
        )
