"""Turns inbox messages of WooCommerce into facts, or says what must be read from the shop first."""

from __future__ import annotations

from datetime import datetime

from connectors.base import RawMessage
from connectors.bodies import Body, load, read_object
from connectors.late import FETCHED_CUSTOMER, FETCHED_ORDER, find_late
from connectors.woocommerce.body import id_text, shape
from connectors.woocommerce.mark import is_ours
from connectors.woocommerce.orders import full_name, order_snapshot, refund_of, region_of
from connectors.woocommerce.schemas import COUPON, CUSTOMER, ORDER, PRODUCT, REFUNDS
from loyalty.commerce import (
    CouponStated,
    CouponTermsNow,
    CustomerDeleted,
    CustomerSnapshot,
    Ignored,
    NeedsRead,
    OrderDeleted,
    Parsed,
    ProductFacts,
    Read,
)
from loyalty.errors import MalformedMessage
from loyalty.values import StoreId

FETCHED_COUPON = "fetch.coupon"
READS = {"order": Read.ORDER, "customer": Read.CUSTOMER, "coupon": Read.COUPON}
ORDER_ACTIONS = ("woocommerce_delete_order", "woocommerce_order_refunded")
STATUS_ACTION = "woocommerce_order_status_"
WITHOUT_POINTS = ("product",)


def parse(store_id: StoreId, message: RawMessage, *, with_products: bool) -> Parsed:
    """Return the facts of a message, or what must be read first; raises MalformedMessage."""
    if message.source == "fetch":
        return _parse_fetched(store_id, message)
    resource, _, event = message.topic.partition(".")
    if resource == "action":
        return _parse_action(event, message.body)
    if resource not in READS and resource not in WITHOUT_POINTS:
        return Ignored(f"The topic {message.topic} says nothing about points.")
    body = read_object(message.body)
    kind = shape(body)
    if kind not in (resource, "id", "error"):
        raise MalformedMessage(f"The topic says {message.topic}, the body is of the kind: {kind}.")
    if resource in WITHOUT_POINTS:
        return Ignored(f"Every {resource} is read with the order that names it.")
    return _parse_resource(store_id, resource, kind, body, with_products)


def _parse_action(event: str, raw: bytes) -> Parsed:
    """`action.*` bodies carry the first argument of their hook: an order id for order hooks, else some other id."""
    if event not in ORDER_ACTIONS and not event.startswith(STATUS_ACTION):
        return Ignored(f"The action {event} does not name an order.")
    body = read_object(raw)
    if shape(body) != "action" or body["action"] != event:
        raise MalformedMessage(f"action: The topic says {event}, the body something else.")
    return NeedsRead(Read.ORDER, (id_text(body["arg"], "arg"),), "id only")


def _parse_resource(store_id: StoreId, resource: str, kind: str, body: Body, with_products: bool) -> Parsed:
    if kind == "error":
        return _parse_error(resource, body)
    if kind == "id":
        return NeedsRead(READS[resource], (id_text(body["id"], "id"),), "id only")
    if resource == "customer":
        return (_customer(store_id, body, None),)
    if resource == "coupon":
        return _parse_coupon(body)
    order = load(ORDER, body)
    if order["refunds"]:
        return NeedsRead(Read.ORDER, (order["id"],), "refunds")
    if with_products:
        return NeedsRead(Read.ORDER, (order["id"],), "products")
    return (order_snapshot(store_id, order),)


def _parse_coupon(body: Body) -> Parsed:
    """Only a coupon that bears our mark concerns us; how it stands now the shop is asked."""
    if not is_ours(body):
        return Ignored("The coupon is none of ours.")
    return NeedsRead(Read.COUPON, (id_text(body.get("id"), "id"),), "coupon")


def _parse_error(resource: str, body: Body) -> Parsed:
    """The shop signs its own error when the thing is gone or the webhook's owner lost his rights (:426)."""
    data = body.get("data")
    named = data.get("id") if isinstance(data, dict) else None
    if named:
        return NeedsRead(READS[resource], (id_text(named, "data.id"),), "error body")
    return Ignored(
        f"The shop sent an error ({str(body['code'])[:80]}) that names no id; reconciliation covers it."
    )


def _parse_fetched(store_id: StoreId, message: RawMessage) -> Parsed:
    if message.observed_at is None:
        raise MalformedMessage("observed_at: An answer of the shop needs the time of the question.")
    body = read_object(message.body)
    external_id = id_text(body.get("id"), "id")
    if (late := find_late(message.topic, external_id, body)) is not None:
        return late
    if message.topic == FETCHED_ORDER and "order" in body:
        return _fetched_order(store_id, external_id, body, message.observed_at)
    if message.topic == FETCHED_CUSTOMER and "customer" in body:
        return _fetched_customer(store_id, external_id, body, message.observed_at)
    if message.topic == FETCHED_COUPON and "coupon" in body:
        return (_fetched_coupon(store_id, external_id, body["coupon"], message.observed_at),)
    raise MalformedMessage(f"The topic {message.topic} does not fit what was fetched.")


def _fetched_order(store_id: StoreId, external_id: str, body: Body, observed_at: datetime) -> Parsed:
    if body["order"] is None:
        return (OrderDeleted(store_id, external_id, observed_at),)
    order = load(ORDER, body["order"], "order")
    refunds = tuple([refund_of(refund) for refund in load(REFUNDS, body.get("refunds"), "refunds")])
    products = _products(body.get("products"))
    return (order_snapshot(store_id, order, refunds=refunds, products=products, observed_at=observed_at),)


def _fetched_customer(store_id: StoreId, external_id: str, body: Body, observed_at: datetime) -> Parsed:
    if body["customer"] is None:
        return (CustomerDeleted(store_id, external_id, observed_at),)
    return (_customer(store_id, body["customer"], observed_at, "customer"),)


def _fetched_coupon(store_id: StoreId, external_id: str, body: object, observed_at: datetime) -> CouponStated:
    if body is None:
        return CouponStated(store_id, external_id, observed_at, None)
    coupon = load(COUPON, body, "coupon")
    terms = CouponTermsNow(
        amount=coupon["amount"],
        minimum_subtotal=coupon["minimum_amount"],
        emails=tuple(sorted(str(email).strip().lower() for email in coupon["email_restrictions"])),
        most_uses=coupon["usage_limit"] or None,
        last_second=coupon["date_expires_gmt"],
    )
    return CouponStated(store_id, external_id, observed_at, terms)


def _products(given: object) -> dict[str, ProductFacts] | None:
    if given is None:
        return None
    if not isinstance(given, dict):
        raise MalformedMessage("products: Not an object.")
    loaded = {key: load(PRODUCT, value, f"products.{key}") for key, value in given.items()}
    return {
        key: ProductFacts(tuple(one["categories"]), tuple(one["tags"]), one["gift_card"], one["on_sale"])
        for key, one in loaded.items()
    }


def _customer(
    store_id: StoreId, body: object, observed_at: datetime | None, path: str = ""
) -> CustomerSnapshot:
    customer = load(CUSTOMER, body, path)
    return CustomerSnapshot(
        store_id=store_id,
        external_id=customer["id"],
        email=customer["email"],
        phone=customer["billing"]["phone"],
        name=full_name(customer["first_name"], customer["last_name"]),
        role=customer["role"],
        registered_at=customer["date_created_gmt"],
        modified_at=customer["date_modified_gmt"] or customer["date_created_gmt"],
        region=region_of(customer["billing"]),
        observed_at=observed_at,
    )
