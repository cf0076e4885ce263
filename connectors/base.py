"""What every connector offers: one protocol per platform, stateless but for its one HTTP session per store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from loyalty.commerce import Parsed, Read, ShopSettings
from loyalty.pushes import PushCommand, PushError, PushReceipt
from loyalty.values import StoreId


@dataclass(frozen=True, slots=True)
class StoreAccess:
    """How to reach a connected shop: address and decrypted credentials; never logged. A till has no address."""

    store_id: StoreId
    url: str
    credentials: dict[str, str] = field(repr=False)
    """WooCommerce: `consumer_key`, `consumer_secret`; a till: `currency`, `decimals`."""
    time_zone: str
    webhook_url: str = field(default="", repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    """The current secret first, then those still accepted after a rotation."""


@dataclass(frozen=True, slots=True)
class RawMessage:
    """An inbox message as it was stored: `source` is webhook, fetch or api."""

    source: str
    topic: str
    body: bytes
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FetchedMessage:
    """An answer of the shop, to be accepted into the inbox: `key_id` says of what, `body` is what
    `parse` reads back.
    """

    topic: str
    key_id: str
    body: bytes
    observed_at: datetime


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

    def push(self, access: StoreAccess, commands: Sequence[PushCommand]) -> list[PushReceipt | PushError]:
        """Carry out the commands in batches; one outcome for each, in order. Never raises PushError."""

    def read_settings(self, access: StoreAccess) -> ShopSettings:
        """Ask the shop for currency, zone, decimals, tax; raises PushError."""

    def register_webhooks(self, access: StoreAccess) -> list[str]:
        """Make sure that every webhook we need exists and is active; return what was made or mended.
        Raises PushError.
        """

    def sign_anew(self, access: StoreAccess) -> int:
        """Have the shop sign with the current secret from now on; return how many webhooks. Raises PushError."""
