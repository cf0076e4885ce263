"""What every connector offers: one protocol per platform, stateless but for its one HTTP session per store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from loyalty.commerce import OrderSighting, Parsed, Read, ShopSettings
from loyalty.pushes import OneFailed, PushCommand, PushError, PushReceipt
from loyalty.values import StoreId


@dataclass(frozen=True, slots=True)
class StoreAccess:
    """How to reach a connected shop: address and decrypted credentials; never logged. A till has no address."""

    store_id: StoreId
    url: str
    credentials: dict[str, str] = field(repr=False)
    """WooCommerce: `consumer_key`, `consumer_secret`; a till: `currency`, `decimals`; Shopify: see its `auth.py`."""
    time_zone: str
    webhook_url: str = field(default="", repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    """The current secret first, then those still accepted after a rotation."""


@dataclass(frozen=True, slots=True)
class RawMessage:
    """An inbox message as it was stored: `source` is webhook, fetch, api, or restate for what a delivery states."""

    source: str
    topic: str
    body: bytes
    observed_at: datetime | None = None
    received_at: datetime | None = None
    """When it came: the time of what bears none of its own."""


@dataclass(frozen=True, slots=True)
class FetchedMessage:
    """An answer of the shop, to be accepted into the inbox: `key_id` says of what, `body` is what
    `parse` reads back.
    """

    topic: str
    key_id: str
    body: bytes
    observed_at: datetime | None
    """None: nobody was asked, a delivery stated it."""
    failure: OneFailed | None = None
    """Why the shop did not answer: the message only names a thing, which must be read by itself later."""
    is_hidden: bool = False
    """The shop may have it and does not show it to us: what a delivery states of it counts."""

    def asked_at(self) -> str:
        """Return when the shop was asked, in the form of ISO 8601; empty when it was not."""
        return self.observed_at.isoformat() if self.observed_at else ""


@dataclass(frozen=True, slots=True)
class SightingPage:
    """Some orders of a list, and where it goes on: None at its end."""

    sightings: tuple[OrderSighting, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class PastPage:
    """Some of what a shop has of the past, read in full, and where it goes on: None at its end."""

    messages: tuple[FetchedMessage, ...]
    next: str | None = None
    wait_seconds: float = 0.0
    """How long the shop wants to be left alone before the next page, as it still makes it ready."""


class Connector(Protocol):
    """Translates one platform both ways; knows nothing of points."""

    platform: str

    def is_authentic(self, secrets: Sequence[str], headers: dict[str, str], body: bytes) -> bool:
        """Return whether the signature over the raw bytes fits one of the secrets, in constant time."""

    def is_ping(self, headers: dict[str, str], body: bytes) -> bool:
        """Return whether this is the unsigned ping that a new webhook sends; nothing is stored of it."""

    def message_key(self, topic: str, headers: dict[str, str], body: bytes) -> bytes:
        """Return the 32 bytes under which a repeated delivery of the same message is recognised."""

    def parse(self, store_id: StoreId, message: RawMessage, *, with_products: bool) -> Parsed:
        """Return the facts of a message, or what must be read first; raises MalformedMessage."""

    def restate(self, message: RawMessage) -> FetchedMessage | None:
        """Return what a delivery states by itself, in the form of an answer, for use while the shop cannot be asked;
        None where it states too little. Raises MalformedMessage.
        """

    def is_fresh(self, access: StoreAccess, now: datetime) -> bool:
        """Return whether the credentials serve for some minutes more; asks nobody."""

    def renew(self, access: StoreAccess, now: datetime) -> dict[str, str] | None:
        """Return the credentials that change because the present ones have ended, end soon or are missing; None: they
        serve still. Raises PushError when the shop gives none.
        """

    def fetch(
        self,
        access: StoreAccess,
        kind: Read,
        external_ids: Sequence[str],
        *,
        with_products: bool,
        now: datetime,
    ) -> list[FetchedMessage]:
        """Read these things again from the shop in bulk; raises PushError when the shop cannot be asked, OneFailed when
        it fails at some of them and gives nothing of the others; where it gives that, those bear a `failure`.
        """

    def push(self, access: StoreAccess, commands: Sequence[PushCommand]) -> list[PushReceipt | PushError]:
        """Carry out the commands in batches; one outcome for each, in order. Never raises PushError."""

    def read_settings(self, access: StoreAccess) -> ShopSettings:
        """Ask the shop for currency, zone, decimals, tax; raises PushError."""

    def register_webhooks(self, access: StoreAccess) -> list[str]:
        """Make sure that every webhook we need exists and is active; return what was made or mended.
        Raises PushError.
        """

    def read_clock(self, access: StoreAccess) -> datetime:
        """Return what time it is in the shop, whose clock may go wrong; raises PushError."""

    def list_changed(self, access: StoreAccess, since: datetime, cursor: str | None) -> SightingPage:
        """Return a page of the orders that the shop changed after an instant of its own clock, oldest change first;
        what changes meanwhile moves to the end and is never skipped. Raises PushError.
        """

    def sight_orders(self, access: StoreAccess, external_ids: Sequence[str]) -> list[OrderSighting]:
        """Return how these orders stand, without those that the shop does not list; raises PushError."""

    def sight_tiers(self, access: StoreAccess, external_ids: Sequence[str]) -> dict[str, str]:
        """Return the tier that the shop shows of each of these customers that it has; raises PushError."""

    def count_past(self, access: StoreAccess, since: datetime | None) -> int:
        """Return how many customers there are, and orders placed from an instant; raises PushError."""

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

    def sign_anew(self, access: StoreAccess) -> int:
        """Have the shop sign with the current secret from now on; return how many webhooks. Raises PushError."""
