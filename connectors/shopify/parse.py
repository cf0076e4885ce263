"""Turns inbox messages of Shopify into facts, or says what must be read from the shop first.

A delivery is a signal: its topic is unsigned, so that the shape of its signed body decides what it is about, and its
figures are as old as its first attempt. What bears no state that could be read is a fact of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from marshmallow import ValidationError

from connectors.base import RawMessage
from connectors.bodies import Body, read_object
from connectors.shopify.fetched import parse_fetched
from connectors.shopify.ids import split, tail
from connectors.shopify.shapes import SHAPES, TOPICS, Shape
from connectors.values import key, text
from loyalty.commerce import (
    CustomerDataRequested,
    CustomerErased,
    CustomersMerged,
    Fact,
    Ignored,
    NeedsRead,
    Parsed,
    Read,
    ShopErased,
    StoreUninstalled,
)
from loyalty.errors import MalformedMessage
from loyalty.values import StoreId

DISCOUNT_KIND = "DiscountCodeNode"
MERGED = "completed"


def parse(store_id: StoreId, message: RawMessage) -> Parsed:
    """Return the facts of a message, or what must be read first; raises MalformedMessage."""
    if message.source != "webhook":
        return parse_fetched(store_id, message)
    expected = TOPICS.get(message.topic)
    if expected is None:
        return Ignored(f"The topic {message.topic} says nothing about points.")
    body = read_object(message.body)
    shape = next((each for each, fits in SHAPES.items() if fits(body)), None)
    if shape not in expected:
        raise MalformedMessage(
            f"The topic says {message.topic}, the body is of the kind: {shape or 'unknown'}."
        )
    try:
        return HANDLERS[shape](store_id, message, body)
    except ValidationError as error:
        raise MalformedMessage(f"{shape}: {error.messages[0]}") from None


def _order(store_id: StoreId, message: RawMessage, body: Body) -> Parsed:
    return NeedsRead(Read.ORDER, (key(body.get("id")),), "signal")


def _of_order(store_id: StoreId, message: RawMessage, body: Body) -> Parsed:
    return NeedsRead(Read.ORDER, (key(body.get("order_id")),), "signal")


def _edit(store_id: StoreId, message: RawMessage, body: Body) -> Parsed:
    """An edit names lines and differences without prices."""
    edit = body["order_edit"]
    return NeedsRead(Read.ORDER, (key(edit.get("order_id") if isinstance(edit, dict) else None),), "id only")


def _customer(store_id: StoreId, message: RawMessage, body: Body) -> Parsed:
    return NeedsRead(Read.CUSTOMER, (key(body.get("id")),), "signal")


def _bare_id(store_id: StoreId, message: RawMessage, body: Body) -> Parsed:
    """A deletion carries nothing but the id, and is believed when the shop was asked."""
    kind = Read.ORDER if message.topic.startswith("orders/") else Read.CUSTOMER
    return NeedsRead(kind, (key(body.get("id")),), "id only")


def _merge(store_id: StoreId, message: RawMessage, body: Body) -> Parsed:
    if body.get("status") != MERGED:
        return Ignored(f"The merge of two customers is {text(body.get('status')) or 'not done'}.")
    kept, gone = (tail(body.get(f"admin_graphql_api_customer_{which}_id")) for which in ("kept", "deleted"))
    return (CustomersMerged(store_id, kept, gone, _moment(message)),)


def _discount(store_id: StoreId, message: RawMessage, body: Body) -> Parsed:
    """A deleted discount has no title any more, so that only the number tells whether it was ours."""
    kind, number = split(body.get("admin_graphql_api_id"))
    if kind != DISCOUNT_KIND:
        return Ignored("The discount has no code.")
    if "title" in body and not text(body["title"]).startswith("Laurel "):
        return Ignored("The discount is none of ours.")
    return NeedsRead(Read.COUPON, (number,), "coupon")


def _redaction(store_id: StoreId, message: RawMessage, body: Body) -> Parsed:
    number, email = _person(body)
    return (CustomerErased(store_id, number, _moment(message), email),)


def _data_request(store_id: StoreId, message: RawMessage, body: Body) -> Parsed:
    number, email = _person(body)
    request = body["data_request"]
    name = key(request.get("id") if isinstance(request, dict) else None)
    return (CustomerDataRequested(store_id, number, email, name, _moment(message)),)


def _person(body: Body) -> tuple[str, str]:
    """A customer may come with his e-mail only, or with his id only."""
    customer = body["customer"]
    if not isinstance(customer, dict):
        raise ValidationError("Not a customer.")
    number = "" if customer.get("id") is None else key(customer["id"])
    email = text(customer.get("email"))
    if not number and not email:
        raise ValidationError("It names nobody.")
    return number, email


def _shop_redaction(store_id: StoreId, message: RawMessage, body: Body) -> Parsed:
    return (ShopErased(store_id, _moment(message)),)


def _shop(store_id: StoreId, message: RawMessage, body: Body) -> Parsed:
    if message.topic != "app/uninstalled":
        return Ignored("The settings of a shop are read again by its connection.")
    gone: Fact = StoreUninstalled(store_id, _moment(message))
    return (gone,)


def _scopes(store_id: StoreId, message: RawMessage, body: Body) -> Parsed:
    """What is granted comes with the next token, too."""
    current = body["current"]
    named = ", ".join(text(each) for each in current) if isinstance(current, list) else ""
    return Ignored(f"The app may do this now: {named or 'nothing'}.")


def _moment(message: RawMessage) -> datetime:
    """Return when what a message tells happened, where its delivery said so, else when it came; raises
    ValidationError.
    """
    moment = message.observed_at or message.received_at
    if moment is None:
        raise ValidationError("It bears no time.")
    return moment


def _ignore(reason: str) -> Callable[[StoreId, RawMessage, Body], Parsed]:
    return lambda store_id, message, body: Ignored(reason)


HANDLERS: dict[Shape, Callable[[StoreId, RawMessage, Body], Parsed]] = {
    Shape.ORDER: _order,
    Shape.REFUND: _of_order,
    Shape.TRANSACTION: _of_order,
    Shape.EDIT: _edit,
    Shape.CUSTOMER: _customer,
    Shape.ID: _bare_id,
    Shape.MERGE: _merge,
    Shape.TAGS: _ignore("Tags are compared every night; ours change by our own doing."),
    Shape.DISCOUNT: _discount,
    Shape.REDACTION: _redaction,
    Shape.DATA_REQUEST: _data_request,
    Shape.SHOP_REDACTION: _shop_redaction,
    Shape.SHOP: _shop,
    Shape.SCOPES: _scopes,
    Shape.BULK: _ignore("A backfill asks for its operation itself."),
}
