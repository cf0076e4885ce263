"""The connector of tills and other channels without a shop: they tell of their orders, and nothing can be told them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn

from connectors.base import FetchedMessage, PastPage, RawMessage, SightingPage, StoreAccess
from connectors.till.parse import message_key, parse
from loyalty.commerce import OrderSighting, Parsed, Read, ShopSettings
from loyalty.pushes import PushCommand, PushError, PushReceipt
from loyalty.values import StoreId


class TillConnector:
    """Reads what tills said by API; a till has no address, signs nothing and is never called."""

    platform = "till"

    def is_authentic(self, secrets: Sequence[str], headers: dict[str, str], body: bytes) -> bool:
        """Return False: a till names itself by an API key, and delivers to no webhook address."""
        return False

    def is_ping(self, headers: dict[str, str], body: bytes) -> bool:
        """Return False: nothing unsigned comes from a till."""
        return False

    def message_key(self, topic: str, headers: dict[str, str], body: bytes) -> bytes:
        """Return the 32 bytes of an order at its modification; raises MalformedMessage."""
        return message_key(topic, body)

    def parse(self, store_id: StoreId, message: RawMessage, *, with_products: bool) -> Parsed:
        """Return how the order stands, or that it is gone; products come with it. Raises MalformedMessage."""
        return parse(store_id, message)

    def restate(self, message: RawMessage) -> FetchedMessage | None:
        """Return None: what a till says is never read again."""

    def is_fresh(self, access: StoreAccess, now: datetime) -> bool:
        """Return True: a till is never called."""
        return True

    def renew(self, access: StoreAccess, now: datetime) -> dict[str, str] | None:
        """Return None: a till is never called."""

    def fetch(
        self,
        access: StoreAccess,
        kind: Read,
        external_ids: Sequence[str],
        *,
        with_products: bool,
        now: datetime,
    ) -> list[FetchedMessage]:
        """Raise PushError: there is nobody to ask."""
        _refuse("nothing can be read from it")

    def push(self, access: StoreAccess, commands: Sequence[PushCommand]) -> list[PushReceipt | PushError]:
        """Return a permanent PushError for each command: a till keeps neither coupons nor tiers."""
        return [_refusal("it keeps neither coupons nor tiers")] * len(commands)

    def read_settings(self, access: StoreAccess) -> ShopSettings:
        """Return what was noted when the till was connected; raises PushError when that is not whole."""
        noted = access.credentials
        try:
            return ShopSettings(
                noted["currency"], access.time_zone, int(noted["decimals"]), prices_include_tax=True
            )
        except (KeyError, ValueError):
            _refuse("its currency and decimals are not known")

    def register_webhooks(self, access: StoreAccess) -> list[str]:
        """Return nothing: a till has no webhooks."""
        return []

    def read_clock(self, access: StoreAccess) -> datetime:
        """Raise PushError: there is nobody to ask."""
        _refuse("nothing can be read from it")

    def list_changed(self, access: StoreAccess, since: datetime, cursor: str | None) -> SightingPage:
        """Raise PushError: there is nobody to ask."""
        _refuse("nothing can be read from it")

    def sight_orders(self, access: StoreAccess, external_ids: Sequence[str]) -> list[OrderSighting]:
        """Raise PushError: there is nobody to ask."""
        _refuse("nothing can be read from it")

    def sight_tiers(self, access: StoreAccess, external_ids: Sequence[str]) -> dict[str, str]:
        """Raise PushError: there is nobody to ask."""
        _refuse("it keeps neither coupons nor tiers")

    def count_past(self, access: StoreAccess, since: datetime | None) -> int:
        """Raise PushError: there is nobody to ask."""
        _refuse("nothing can be read from it")

    def read_past(
        self,
        access: StoreAccess,
        since: datetime | None,
        cursor: str | None,
        *,
        with_products: bool,
        now: datetime,
    ) -> PastPage:
        """Raise PushError: there is nobody to ask."""
        _refuse("nothing can be read from it")

    def sign_anew(self, access: StoreAccess) -> int:
        """Raise PushError: a till signs nothing."""
        _refuse("it signs nothing")


def _refusal(why: str) -> PushError:
    return PushError(f"This store is a till: {why}.", permanent=True, reason="configuration")


def _refuse(why: str) -> NoReturn:
    raise _refusal(why)
