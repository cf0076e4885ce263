"""What a discount of a shop gives, to whom, how often and how long: as we ask for it, and as the shop stored it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError

from connectors.shopify.ids import gid
from connectors.shopify.mark import TAG, TITLE, product_tag
from connectors.values import instant_or_none, money
from loyalty.pushes import PutCoupon
from loyalty.values import plain_text

Json = dict[str, Any]
SECOND = timedelta(seconds=1)
STAMP = "%Y-%m-%dT%H:%M:%SZ"
STARTS = "2020-01-01T00:00:00Z"
"""Long past: neither a slow clock of the shop nor a late delivery leaves a code waiting for its beginning."""
BASIC, SHIPPING = "DiscountCodeBasic", "DiscountCodeFreeShipping"
NOTHING = Decimal(0)
ALL = "AllDiscountItems"
LISTS = {"DiscountProducts": "products", "DiscountCollections": "collections"}


@dataclass(frozen=True, slots=True)
class Terms:
    """Two discounts with equal terms are the same to a customer."""

    kind: str
    code: str
    customers: frozenset[str]
    uses: int | None
    once_each: bool
    ends: datetime | None
    minimum: Decimal
    combines: frozenset[str]
    value: tuple[str, Decimal]
    """`percentage` as a share of 1, `amount` once, `each` of every piece, or `shipping`."""
    items: tuple[str, frozenset[str]]


def wanted_terms(command: PutCoupon, customer: str, price: Decimal) -> Terms:
    """Return what a coupon shall give; `customer` is a global id, `price` that of a free product."""
    is_shipping = command.kind == "free_shipping"
    return Terms(
        kind=SHIPPING if is_shipping else BASIC,
        code=command.code.casefold(),
        customers=frozenset({customer}),
        uses=None if command.reusable else 1,
        once_each=not command.reusable,
        ends=_last_second(command.expires_at) if command.expires_at else None,
        minimum=command.minimum_subtotal,
        combines=_combines(is_shipping=is_shipping) if command.combinable else frozenset(),
        value=_value(command, price),
        items=_items(command),
    )


def stored_terms(discount: Json) -> Terms | None:
    """Return what a shop's discount gives, None for one that cannot be told in these words."""
    try:
        return _stored(discount)
    except (ValidationError, KeyError, TypeError, IndexError, AttributeError):
        return None


def discount_input(terms: Terms, code: str) -> Json:
    """Return a discount as the API takes it to be made."""
    (customer,) = terms.customers
    return {
        **_shared(terms, code),
        "code": code,
        "context": {"customers": {"add": [customer]}},
        **({"minimumRequirement": _minimum(terms)} if terms.minimum else {}),
    }


def mended_input(terms: Terms, stored: Terms, code: str) -> Json:
    """Return how a discount of ours is made what it shall be; its code stays."""
    change = {
        "add": sorted(terms.customers - stored.customers),
        "remove": sorted(stored.customers - terms.customers),
    }
    return {
        **_shared(terms, code),
        **({"context": {"customers": change}} if terms.customers != stored.customers else {}),
        "minimumRequirement": _minimum(terms) if terms.minimum else None,
    }


def _shared(terms: Terms, code: str) -> Json:
    gets = {} if terms.kind == SHIPPING else {"customerGets": _gets(terms)}
    return {
        "title": f"{TITLE}{code}",
        "tags": _tags(terms),
        "startsAt": STARTS,
        "endsAt": terms.ends.strftime(STAMP) if terms.ends else None,
        "usageLimit": terms.uses,
        "appliesOncePerCustomer": terms.once_each,
        "combinesWith": {name: name in terms.combines for name in sorted(_combines(is_shipping=False))},
        **gets,
        **({"destination": {"all": True}} if terms.kind == SHIPPING else {}),
    }


def _tags(terms: Terms) -> list[str]:
    """A product that is given is kept as the price of one piece, and told apart from a mere discount by a tag."""
    name, worth = terms.value
    return [TAG, product_tag(worth)] if name == "piece" else [TAG]


def _gets(terms: Terms) -> Json:
    name, worth = terms.value
    value: Json = (
        # A share of 1 is a JSON number by the schema, and no money.
        {"percentage": float(worth)}
        if name == "percentage"
        else {"discountAmount": {"amount": plain_text(worth), "appliesOnEachItem": False}}
    )
    return {"value": value, "items": _items_input(terms)}


def _items_input(terms: Terms) -> Json:
    kind, ids = terms.items
    if kind == "DiscountProducts":
        return {"products": {"productsToAdd": sorted(ids)}}
    if kind == "DiscountCollections":
        return {"collections": {"add": sorted(ids)}}
    return {"all": True}


def _minimum(terms: Terms) -> Json:
    return {"subtotal": {"greaterThanOrEqualToSubtotal": plain_text(terms.minimum)}}


def _combines(*, is_shipping: bool) -> frozenset[str]:
    """Two discounts of shipping cannot be combined."""
    both = frozenset({"orderDiscounts", "productDiscounts"})
    return both if is_shipping else both | {"shippingDiscounts"}


def _value(command: PutCoupon, price: Decimal) -> tuple[str, Decimal]:
    if command.kind == "free_shipping":
        return "shipping", NOTHING
    if command.kind == "percent_discount":
        return "percentage", command.amount.scaleb(-2)
    return ("piece", price) if command.kind == "free_product" else ("amount", command.amount)


def _items(command: PutCoupon) -> tuple[str, frozenset[str]]:
    if command.product_ids:
        return "DiscountProducts", frozenset(gid("Product", each) for each in command.product_ids)
    if command.category_ids:
        return "DiscountCollections", frozenset(gid("Collection", each) for each in command.category_ids)
    return ALL, frozenset()


def _stored(discount: Json) -> Terms:
    kind = discount["__typename"]
    ends = instant_or_none(discount["endsAt"])
    return Terms(
        kind=kind,
        code=str(discount["codes"]["nodes"][0]["code"]).casefold(),
        customers=frozenset(each["id"] for each in discount["context"].get("customers") or ()),
        uses=discount["usageLimit"],
        once_each=discount["appliesOncePerCustomer"],
        ends=ends.astimezone(UTC) if ends else None,
        minimum=_stored_minimum(discount["minimumRequirement"]),
        combines=frozenset(name for name, does in discount["combinesWith"].items() if does),
        value=_stored_value(discount) if kind == BASIC else ("shipping", NOTHING),
        items=_stored_items(discount) if kind == BASIC else (ALL, frozenset()),
    )


def _stored_minimum(requirement: Json | None) -> Decimal:
    if requirement is None:
        return NOTHING
    return money(requirement["greaterThanOrEqualToSubtotal"]["amount"])


def _stored_value(discount: Json) -> tuple[str, Decimal]:
    value = discount["customerGets"]["value"]
    if "percentage" in value:
        return "percentage", money(value["percentage"])
    amount = money(value["amount"]["amount"])
    if value["appliesOnEachItem"]:
        return "each", amount
    return ("piece" if product_tag(amount) in discount["tags"] else "amount"), amount


def _stored_items(discount: Json) -> tuple[str, frozenset[str]]:
    items = discount["customerGets"]["items"]
    kind = items["__typename"]
    if kind not in LISTS:
        return kind, frozenset()
    return kind, frozenset(each["id"] for each in items[LISTS[kind]]["nodes"])


def _last_second(expires_at: datetime) -> datetime:
    """A shop keeps whole seconds: the last one that lies before the end."""
    whole = expires_at.astimezone(UTC).replace(microsecond=0)
    return whole if whole < expires_at else whole - SECOND
