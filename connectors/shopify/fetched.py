"""Reads back what was fetched from a shop, or stated by a delivery in the form of an answer."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError

from connectors.base import RawMessage
from connectors.bodies import Body, load, read_object
from connectors.late import FETCHED_CUSTOMER, FETCHED_ORDER, find_late
from connectors.shopify.mark import product_tag
from connectors.shopify.orders import order_snapshot, region_of
from connectors.shopify.schemas import CUSTOMER, DISCOUNT, ORDER, PRODUCT, Loaded
from connectors.shopify.terms import BASIC, SHIPPING
from connectors.values import key
from loyalty.commerce import (
    CouponStated,
    CouponTermsNow,
    CustomerDeleted,
    CustomerSnapshot,
    Ignored,
    OrderDeleted,
    Parsed,
)
from loyalty.errors import MalformedMessage
from loyalty.values import StoreId

FETCHED_COUPON = "fetch.coupon"
HIDDEN = "hidden"
"""The key of an order that the shop may have but does not show: it is too old for our rights."""
OURS = frozenset({BASIC, SHIPPING})
"""The kinds of discounts that we make: of others nothing but the kind is read."""
WHOLE = Decimal(100)
NOTHING = Decimal(0)


def parse_fetched(store_id: StoreId, message: RawMessage) -> Parsed:
    """Return the fact of an answer of the shop; raises MalformedMessage."""
    body = read_object(message.body)
    external_id = _id(body.get("id"))
    if (late := find_late(message.topic, external_id, body)) is not None:
        return late
    if message.topic == FETCHED_ORDER and "order" in body:
        return _order(store_id, external_id, body, message.observed_at)
    if message.topic == FETCHED_CUSTOMER and "customer" in body:
        return _customer(store_id, external_id, body["customer"], message.observed_at)
    if message.topic == FETCHED_COUPON and "coupon" in body:
        return _coupon(store_id, external_id, body["coupon"], _asked(message.observed_at))
    raise MalformedMessage(f"The topic {message.topic} does not fit what was fetched.")


def _id(value: object) -> str:
    try:
        return key(value)
    except ValidationError as error:
        raise MalformedMessage(f"id: {error.messages[0]}") from None


def _asked(observed_at: datetime | None) -> datetime:
    """Only the shop itself says that something is not there."""
    if observed_at is None:
        raise MalformedMessage("observed_at: An answer of the shop needs the time of the question.")
    return observed_at


def _order(store_id: StoreId, external_id: str, body: Body, observed_at: datetime | None) -> Parsed:
    if body.get(HIDDEN):
        return Ignored("The order is older than what the shop shows without the right read_all_orders.")
    if body["order"] is None:
        return (OrderDeleted(store_id, external_id, _asked(observed_at)),)
    order = load(ORDER, body["order"], "order")
    return (order_snapshot(store_id, order, _products(body.get("products")), observed_at),)


def _products(given: object) -> dict[str, Loaded] | None:
    if given is None:
        return None
    if not isinstance(given, dict):
        raise MalformedMessage("products: Not an object.")
    return {number: load(PRODUCT, value, f"products.{number}") for number, value in given.items()}


def _customer(store_id: StoreId, external_id: str, body: object, observed_at: datetime | None) -> Parsed:
    if body is None:
        return (CustomerDeleted(store_id, external_id, _asked(observed_at)),)
    customer = load(CUSTOMER, body, "customer")
    email, phone = customer["defaultEmailAddress"], customer["defaultPhoneNumber"]
    snapshot = CustomerSnapshot(
        store_id=store_id,
        external_id=customer["id"],
        email=email["emailAddress"] if email else "",
        phone=phone["phoneNumber"] if phone else "",
        name=f"{customer['firstName']} {customer['lastName']}".strip(),
        role="",
        registered_at=customer["createdAt"],
        modified_at=customer["updatedAt"],
        region=region_of(customer["defaultAddress"]),
        observed_at=observed_at,
    )
    return (snapshot,)


def _coupon(store_id: StoreId, external_id: str, body: Any, observed_at: datetime) -> Parsed:
    if body is None:
        return (CouponStated(store_id, external_id, observed_at, None),)
    if isinstance(body, dict) and body.get("__typename") not in OURS:
        return Ignored("The discount is of a kind that is never ours.")
    discount = load(DISCOUNT, body, "coupon")
    minimum = discount["minimumRequirement"]
    subtotal = minimum["greaterThanOrEqualToSubtotal"] if minimum else None
    terms = CouponTermsNow(
        amount=_worth(discount),
        minimum_subtotal=subtotal["amount"] if subtotal else NOTHING,
        emails=(),
        most_uses=discount["usageLimit"],
        last_second=discount["endsAt"],
        customers=tuple(sorted(each["id"] for each in discount["context"]["customers"])),
    )
    return (CouponStated(store_id, external_id, observed_at, terms),)


def _worth(discount: Loaded) -> Decimal:
    """Return what a discount is worth in our words: an amount, percent, 0 for free shipping, 100 for a whole product,
    which the shop keeps as the price of one piece.
    """
    gets = discount["customerGets"]
    value = gets["value"] if gets else None
    if value is None:
        return NOTHING
    if value["percentage"] is not None:
        return (value["percentage"] * WHOLE).normalize()  # type: ignore[no-any-return]
    amount: Decimal = value["amount"]["amount"] if value["amount"] else NOTHING
    return WHOLE if product_tag(amount) in discount["tags"] else amount
