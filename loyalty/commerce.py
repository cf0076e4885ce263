"""Facts and commands that the domain and the connectors both speak;
law: a fact states how things are, never what changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from loyalty.leaving import CustomerDataRequested as CustomerDataRequested
from loyalty.leaving import CustomerErased as CustomerErased
from loyalty.leaving import ShopErased as ShopErased
from loyalty.leaving import StoreUninstalled as StoreUninstalled
from loyalty.shop_coupons import CouponStated as CouponStated
from loyalty.shop_coupons import CouponTermsNow as CouponTermsNow
from loyalty.tenders import Tender as Tender
from loyalty.values import StoreId


class OrderState(StrEnum):
    """What the shop's status of an order means for points."""

    OPEN = "open"
    """Not placed or not paid yet (WooCommerce: pending, checkout-draft): no events at all."""
    LIVE = "live"
    """Placed and standing (processing, on-hold, completed, custom statuses)."""
    REFUNDED = "refunded"
    """Refunded in full, whatever the refund records sum to."""
    DEAD = "dead"
    """Cancelled, failed, trashed or deleted."""


class LineKind(StrEnum):
    """What a part of an order is."""

    PRODUCT = "product"
    SHIPPING = "shipping"
    FEE = "fee"
    TIP = "tip"


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """What the shop said of a product when it was first read for an order."""

    category_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    gift_card: bool = False
    on_sale: bool = False


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One part of an order; amounts are net of tax, in the order's currency, and may be negative for fees."""

    id: str
    kind: LineKind
    quantity: int
    subtotal: Decimal
    """Before discounts."""
    subtotal_tax: Decimal
    total: Decimal
    """After the discounts allocated to it."""
    total_tax: Decimal
    product_id: str = ""
    variation_id: str = ""
    sku: str = ""
    product: ProductFacts | None = None
    """None: the shop was not asked about the product."""


@dataclass(frozen=True, slots=True)
class RefundLine:
    """What a refund names of a line; `amount` is positive and includes tax."""

    line_id: str
    quantity: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund of an order; `amount` is positive, includes tax, and may exceed or fall short of its lines."""

    id: str
    created_at: datetime
    amount: Decimal
    lines: tuple[RefundLine, ...] = ()


@dataclass(frozen=True, slots=True)
class CouponUse:
    """A coupon code on an order with the discount it gave, net of tax."""

    code: str
    discount: Decimal
    discount_tax: Decimal


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who placed an order, as the order names him; empty strings where it does not. Only the region is kept."""

    customer_id: str = ""
    """The shop's own customer id; empty for guests."""
    email: str = ""
    phone: str = ""
    name: str = ""
    region: str = ""
    """ISO 3166 country code of the billing address, with the state where given: `TW` or `US-NY`."""
    address: str = ""
    """Street, city and postcode of the billing address as one text; only a keyed digest of it is ever stored."""
    ip: str = ""
    """The network address of the checkout; only a keyed digest of it is ever stored."""
    member: str = ""
    """Our own id of a member, where a till names him by it; then nothing else names him."""


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """An order as the shop states it at `modified_at`; `observed_at` is set when we asked the shop,
    None for a delivery.

    The newer of two snapshots is the one with the later `modified_at`, then with the later `observed_at` (None first).
    """

    store_id: StoreId
    external_id: str
    number: str
    state: OrderState
    status: str
    """The platform's own word, for people."""
    currency: str
    total: Decimal
    """With tax, before refunds."""
    prices_include_tax: bool
    placed_at: datetime
    modified_at: datetime
    paid_at: datetime | None
    """RULES §3: when the order counts as paid; None when it never was."""
    completed_at: datetime | None
    lines: tuple[OrderLine, ...]
    refunds: tuple[Refund, ...] = ()
    coupons: tuple[CouponUse, ...] = ()
    test: bool = False
    channel: str = ""
    observed_at: datetime | None = None
    buyer: Buyer = field(default_factory=Buyer)
    ended_at: datetime | None = None
    """When it was cancelled, where the shop states that; None: it was not, or by `modified_at`."""
    is_partial: bool = False
    """It does not state when the order was paid and completed, so that what is known of that stays; never stored."""
    tenders: tuple[Tender, ...] = ()

    def codes(self) -> list[str]:
        """Return the codes of coupons on the order and of our gift cards that paid it, in lower case, each once."""
        named = (*(use.code for use in self.coupons), *(tender.code for tender in self.tenders))
        return list(dict.fromkeys(code.casefold() for code in named if code))


@dataclass(frozen=True, slots=True)
class OrderSighting:
    """What a shop's list tells of an order: enough to see whether a copy of it is the same, too little to rate it."""

    external_id: str
    modified_at: datetime
    status: str
    total: Decimal
    refunds: frozenset[tuple[str, Decimal]] = frozenset()
    """The id and the positive amount of each."""
    is_whole: bool = True
    """False: the shop failed at its refunds, so that only reading it tells whether a copy is the same."""


@dataclass(frozen=True, slots=True)
class CustomerSnapshot:
    """A registered customer of a shop as the shop states him."""

    store_id: StoreId
    external_id: str
    email: str
    phone: str
    name: str
    role: str
    registered_at: datetime
    modified_at: datetime
    region: str = ""
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderDeleted:
    """The shop was asked at `observed_at`, or a till said of that instant, that it does not have the order any more."""

    store_id: StoreId
    external_id: str
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class CustomerDeleted:
    """The shop was asked at `observed_at` and does not have the customer any more."""

    store_id: StoreId
    external_id: str
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class CustomersMerged:
    """The shop made one customer of two: `merged_id` is gone, and what it had belongs to `external_id`."""

    store_id: StoreId
    external_id: str
    merged_id: str
    observed_at: datetime


Fact = (
    OrderSnapshot
    | CustomerSnapshot
    | OrderDeleted
    | CustomerDeleted
    | CustomersMerged
    | CustomerErased
    | CustomerDataRequested
    | ShopErased
    | StoreUninstalled
    | CouponStated
)


class Read(StrEnum):
    """What a message needs to be read again from the shop before it says anything."""

    ORDER = "order"
    CUSTOMER = "customer"
    COUPON = "coupon"


@dataclass(frozen=True, slots=True)
class NeedsRead:
    """The message is only a signal: the shop must be asked for these ids first."""

    kind: Read
    external_ids: tuple[str, ...]
    reason: str
    """Why, in a word for people: `refunds`, `id only`, `error body`, `same second`, `products`."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """The message says nothing about points."""

    reason: str


Parsed = tuple[Fact, ...] | NeedsRead | Ignored


@dataclass(frozen=True, slots=True)
class ShopSettings:
    """What `connect` learns from the shop: currency (ISO 4217), IANA time zone, decimals of prices,
    whether they include tax.
    """

    currency: str
    time_zone: str
    decimals: int
    prices_include_tax: bool
    sells_gift_cards: bool = False
    """Then an order does not say by itself which of its lines are gift cards: the products are read with it."""
    rights: tuple[str, ...] = ()
    """What it lets us do, in its own words; empty where it does not say."""
    warnings: tuple[str, ...] = ()
