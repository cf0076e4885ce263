"""Everything the sandbox shop remembers, in the very form in which the REST API states it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from connectors.woocommerce.sandbox.errors import FatalError

Json = dict[str, Any]
Now = Callable[[], datetime]
WALL = "%Y-%m-%dT%H:%M:%S"
SYMBOLS = {"TWD": "NT$", "USD": "$", "EUR": "€", "JPY": "¥", "CNY": "¥", "HKD": "$"}


@dataclass(frozen=True, slots=True)
class Options:
    """How the shop is set up; `tax_rate` in percent."""

    currency: str = "TWD"
    decimals: int = 0
    time_zone: str = "Asia/Taipei"
    prices_include_tax: bool = False
    tax_rate: str = "0"


@dataclass(slots=True)
class Delivery:
    """A webhook call that waits; `resource` is the id it is about."""

    webhook_id: int
    topic: str
    resource: int


@dataclass(slots=True)
class State:
    """The tables of the shop; posts share one row of ids, as in WordPress."""

    options: Options
    now: Now
    lock: threading.RLock = field(default_factory=threading.RLock)
    orders: dict[int, Json] = field(default_factory=dict)
    refunds: dict[int, Json] = field(default_factory=dict)
    customers: dict[int, Json] = field(default_factory=dict)
    coupons: dict[int, Json] = field(default_factory=dict)
    products: dict[int, Json] = field(default_factory=dict)
    webhooks: dict[int, Json] = field(default_factory=dict)
    zones: dict[int, Json] = field(default_factory=dict)
    """Shipping zones; each has its methods by instance as `methods`."""
    coupon_uses: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    """By order: which coupon it uses in whose name."""
    early_checks: dict[str, int] = field(default_factory=dict)
    """By code: how many more orders were checked before the use of another was counted, as parallel ones are."""
    status_before_trash: dict[int, str] = field(default_factory=dict)
    failing: set[tuple[str, int | str]] = field(default_factory=set)
    """At what a program of the shop dies: `orders`, `refunds` (of an order), `customers`, `products` by their ids,
    `coupons` by their codes.
    """
    queue: list[Delivery] = field(default_factory=list)
    queued: threading.Event = field(default_factory=threading.Event)
    posts: Iterable[int] = field(default_factory=lambda: count(11))
    users: Iterable[int] = field(default_factory=lambda: count(2))
    hooks: Iterable[int] = field(default_factory=lambda: count(1))
    items: Iterable[int] = field(default_factory=lambda: count(1))
    metas: Iterable[int] = field(default_factory=lambda: count(1))

    def touch(self, kind: str, name: int | str) -> None:
        """Do what a plugin does when a thing is read or saved: nothing, or die; raises FatalError."""
        if (kind, name) in self.failing:
            raise FatalError

    def new_id(self, sequence: Iterable[int], taken: Iterable[int] = ()) -> int:
        """Return the next id of a sequence that no loaded recording has taken already."""
        used = set(taken)
        return next(number for number in sequence if number not in used)

    def new_post_id(self) -> int:
        """Return an id that no order, refund, coupon or product has."""
        return self.new_id(self.posts, {*self.orders, *self.refunds, *self.coupons, *self.products})

    def money(self, amount: Decimal | Fraction | int | str, decimals: int | None = None) -> str:
        """Return an amount with the decimals of the store (coupons always have 2), rounded half up."""
        places = self.options.decimals if decimals is None else decimals
        scaled = Fraction(amount) * 10**places
        whole = (abs(scaled) + Fraction(1, 2)).__floor__()
        return f"{(Decimal(-whole if scaled < 0 else whole)).scaleb(-places):f}"

    def stamp(self, row: Json, name: str, instant: datetime | None = None) -> None:
        """Set a date of a row, site-local and in GMT, to a given time or to now."""
        moment = instant or self.now()
        row[name] = moment.astimezone(ZoneInfo(self.options.time_zone)).strftime(WALL)
        row[f"{name}_gmt"] = moment.astimezone(UTC).strftime(WALL)

    def local_to_instant(self, wall: str) -> datetime:
        """Return the instant of a site-local date or time."""
        return datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(self.options.time_zone)).astimezone(UTC)

    def merge_meta(self, old: list[Json], given: Any, *, hidden_dropped: bool = False) -> list[Json]:
        """Return meta data with the given keys set; null removes one (rest customers-put-meta-null-removes)."""
        rows = {str(row["key"]): row for row in old}
        for change in given or ():
            key, value = str(change.get("key")), change.get("value")
            if value is None:
                rows.pop(key, None)
            elif not (hidden_dropped and key.startswith("_")):
                number = rows[key]["id"] if key in rows else self.new_id(self.metas)
                rows[key] = {"id": number, "key": key, "value": value}
        return list(rows.values())


def instant_of(row: Json, name: str) -> datetime:
    """Return the instant of a row's GMT date."""
    return datetime.fromisoformat(row[f"{name}_gmt"]).replace(tzinfo=UTC)


def as_fraction(value: Any) -> Fraction:
    """Return the exact number of a decimal string or JSON number; nothing counts as 0."""
    return Fraction(str(value)) if value not in (None, "") else Fraction(0)
