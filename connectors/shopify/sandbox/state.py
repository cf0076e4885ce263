"""Everything the sandbox shop remembers: rows with the names of GraphQL, datetimes, amounts as fractions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

Json = dict[str, Any]
Now = Callable[[], datetime]
Amount = str | int | Decimal | Fraction
APP_ID = 4321
VERSION = "2026-10"
ALL_SCOPES = (
    "read_all_orders",
    "read_customer_merge",
    "write_app_proxy",
    "write_customers",
    "write_discounts",
    "write_gift_cards",
    "write_orders",
    "write_products",
    "write_returns",
    "write_store_credit_account_transactions",
    "read_store_credit_accounts",
)
"""What the app may be granted; write implies read."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the shop is set up; `tax_rate` in percent."""

    currency: str = "TWD"
    decimals: int = 0
    time_zone: str = "Asia/Taipei"
    taxes_included: bool = False
    tax_rate: str = "0"
    domain: str = "laurel-test.myshopify.com"
    client_id: str = "sandbox-client"
    client_secret: str = "sandbox-secret"


@dataclass(slots=True)
class Delivery:
    """A webhook call that waits, rendered when its cause happened; `due` is when it may be tried."""

    subscription: int | None
    uri: str
    headers: dict[str, str]
    body: bytes
    due: datetime
    attempts: int = 0


@dataclass(slots=True)
class State:
    """The tables of the shop, each by number."""

    options: Options
    now: Now
    base: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    orders: dict[int, Json] = field(default_factory=dict)
    customers: dict[int, Json] = field(default_factory=dict)
    products: dict[int, Json] = field(default_factory=dict)
    collections: dict[int, Json] = field(default_factory=dict)
    discounts: dict[int, Json] = field(default_factory=dict)
    metafields: dict[tuple[str, str, str], Json] = field(default_factory=dict)
    definitions: dict[tuple[str, str, str], Json] = field(default_factory=dict)
    gift_cards: dict[int, Json] = field(default_factory=dict)
    credit_accounts: dict[int, Json] = field(default_factory=dict)
    subscriptions: dict[int, Json] = field(default_factory=dict)
    bulks: dict[int, Json] = field(default_factory=dict)
    former: dict[int, Json] = field(default_factory=dict)
    """Customers who were deleted, or merged into others."""
    early_checks: dict[str, int] = field(default_factory=dict)
    """By code: how many more checkouts are checked before the use of another is counted, as parallel ones are."""
    counted: dict[str, int] = field(default_factory=dict)
    """By code: what `asyncUsageCount` says while it lags behind."""
    usage_lags: bool = False
    withheld: set[str] = field(default_factory=set)
    """Fields as `Customer.defaultEmailAddress` that protected customer data does not grant to the app."""
    failing: set[int] = field(default_factory=set)
    """Numbers of things at which every query fails that names them."""
    versions: list[str] = field(default_factory=lambda: ["2026-01", "2026-04", "2026-07", VERSION])
    configured: list[Json] = field(default_factory=list)
    """The subscriptions of the app's own configuration: never listed, never removed."""
    compliance_url: str = ""
    """Where the app's configuration has the compliance topics sent."""
    bulk_seconds: float = 0.0
    """How long a bulk operation runs."""
    installed: bool = True
    queue: list[Delivery] = field(default_factory=list)
    queued: threading.Event = field(default_factory=threading.Event)
    event_id: str | None = None
    numbers: Iterable[int] = field(default_factory=lambda: count(7_063_100_000_001))

    def new_id(self) -> int:
        """Return an id that nothing else has."""
        return next(iter(self.numbers))

    @contextmanager
    def action(self) -> Iterator[None]:
        """Give everything that happens within one event id, as one deed of a merchant or buyer has."""
        with self.lock:
            outer, self.event_id = self.event_id, self.event_id or str(uuid4())
            try:
                yield
            finally:
                self.event_id = outer

    def round(self, amount: Amount) -> Fraction:
        """Return an amount in whole units of the currency, rounded half up."""
        return Fraction(_scaled(Fraction(amount), self.options.decimals), 10**self.options.decimals)

    def tax_share(self) -> Fraction:
        """Return the tax per unit of net price."""
        return Fraction(self.options.tax_rate) / 100

    def local(self, moment: datetime | None) -> str | None:
        """Return an instant as webhooks state it: site-local with its offset, whole seconds."""
        if moment is None:
            return None
        return moment.astimezone(ZoneInfo(self.options.time_zone)).isoformat(timespec="seconds")

    def money(self, amount: Amount) -> str:
        """Return an amount as webhooks state it, with the decimals of the currency."""
        return money_text(Fraction(amount), self.options.decimals)


def money_text(amount: Fraction, places: int) -> str:
    """Return an amount with exactly these decimals, rounded half up."""
    scaled = _scaled(amount, places)
    whole, rest = divmod(abs(scaled), 10**places)
    return f"{'-' if scaled < 0 else ''}{whole}{f'.{rest:0{places}d}' if places else ''}"


def _scaled(amount: Fraction, places: int) -> int:
    """Return an amount in units of these decimals; whole numbers all the way, which is much faster than fractions."""
    top, bottom = amount.numerator, amount.denominator
    size: int = (2 * abs(top) * 10**places + bottom) // (2 * bottom)
    return -size if top < 0 else size


def short_text(amount: Fraction) -> str:
    """Return an amount as GraphQL states it: no more decimals than it has, at least one ("414.95", "10.0")."""
    text = money_text(amount, 8).rstrip("0")
    return f"{text}0" if text.endswith(".") else text


def instant_text(moment: datetime | None) -> str | None:
    """Return an instant as GraphQL states it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def gid(kind: str, number: int | str) -> str:
    """Return the global id of a thing."""
    return f"gid://shopify/{kind}/{number}"


def number_of(global_id: str, *kinds: str) -> int | None:
    """Return the number in a global id; None when it is none of these kinds."""
    parts = str(global_id).removeprefix("gid://shopify/").split("/")
    is_fit = len(parts) == 2 and parts[1].isdigit() and (not kinds or parts[0] in kinds)
    return int(parts[1]) if is_fit else None
