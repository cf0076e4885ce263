"""What is read of the orders, refunds, customers and discounts of our documents, by their names in GraphQL."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from connectors import values as read
from connectors.fields import Readers, Record, Records, Value, read_record, read_records
from connectors.shopify.ids import split, tail
from connectors.shopify.receipts import card_of

NOTHING = Decimal(0)
FINEST = Decimal("1e-12")
RATE = re.compile(r"[0-9]{1,4}(\.[0-9]{1,40})?([eE]-?[0-9]{1,2})?")
Loaded = dict[str, Any]


def amount(value: Any) -> Decimal:
    """Return the shop's money of a MoneyBag; what the buyer saw is never looked at."""
    if not isinstance(value, dict) or not isinstance(value.get("shopMoney"), dict):
        raise ValidationError("Not an amount.")
    return read.money(value["shopMoney"].get("amount"))


def amount_or_nothing(value: Any) -> Decimal:
    """Return the shop's money of a MoneyBag, 0 for null."""
    return NOTHING if value is None else amount(value)


def amount_or_none(value: Any) -> Decimal | None:
    """Return the shop's money of a MoneyBag, None for null."""
    return None if value is None else amount(value)


def price(value: Any) -> Decimal | None:
    """Return a plain price, None for null."""
    return None if value is None else read.money(value)


def texts(value: Any) -> tuple[str, ...]:
    """Return a list of texts; null is none."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise ValidationError("Not a list.")
    return tuple(read.text(each) for each in value)


def id_of(value: Any) -> str:
    """Return the number of the thing that is named by `{id}`, empty for null."""
    if value is None:
        return ""
    if not isinstance(value, dict):
        raise ValidationError("Not an object.")
    return split(value.get("id"))[1]


def maybe(readers: Readers) -> Callable[[Any], Loaded | None]:
    """Return a reader of an object that may be null."""
    return lambda value: None if value is None else read_record(readers, value)


def listed(readers: Readers) -> Callable[[Any], list[Loaded]]:
    """Return a reader of a list."""
    return lambda value: read_records(readers, value)


def nodes(readers: Readers) -> Callable[[Any], list[Loaded]]:
    """Return a reader of a connection that was asked for its nodes; null is none."""

    def read_nodes(value: Any) -> list[Loaded]:
        if value is None:
            return []
        if not isinstance(value, dict):
            raise ValidationError("Not a connection.")
        return read_records(readers, value.get("nodes"))

    return read_nodes


def code_of(value: Any) -> str:
    """Return the code of a discount application, empty for one that needs none."""
    return read.text(value.get("code")) if isinstance(value, dict) else ""


def share(value: Any) -> Decimal:
    """Return a rate of tax, to twelve decimals; 0 for null. Shopify writes as many digits as a float has."""
    text = str(value)
    if value is None or not RATE.fullmatch(text):
        return NOTHING
    return Decimal(text).quantize(FINEST)


TAX = {"rate": share, "priceSet": amount}
ALLOCATION = {"allocatedAmountSet": amount, "discountApplication": code_of}
VARIANT = {"id": tail, "price": price, "compareAtPrice": price}
LINE = {
    "id": tail,
    "sku": read.text,
    "quantity": read.quantity,
    "isGiftCard": read.flag,
    "product": id_of,
    "variant": maybe(VARIANT),
    "originalTotalSet": amount,
    "discountAllocations": listed(ALLOCATION),
    "taxLines": listed(TAX),
}
SHIPPING = {
    "id": lambda value: split(value)[1],
    "originalPriceSet": amount,
    "discountedPriceSet": amount,
    "taxLines": listed(TAX),
}
PAYMENT = {
    "kind": read.word,
    "status": read.word,
    "createdAt": read.instant_or_none,
    "processedAt": read.instant_or_none,
    "amountSet": amount,
    "gateway": read.text,
    "receiptJson": card_of,
}
ADDRESS = dict.fromkeys(
    ("name", "phone", "address1", "city", "zip", "provinceCode", "countryCodeV2"), read.text
)
REFUND = {
    "id": tail,
    "createdAt": read.instant_or_none,
    "processedAt": read.instant_or_none,
    "refundLineItems": nodes(
        {
            "quantity": read.quantity,
            "lineItem": id_of,
            "subtotalSet": amount,
            "totalTaxSet": amount_or_nothing,
        }
    ),
    "refundShippingLines": nodes(
        {"shippingLine": id_of, "subtotalAmountSet": amount, "taxAmountSet": amount_or_nothing}
    ),
    "orderAdjustments": nodes({"reason": read.text, "amountSet": amount, "taxAmountSet": amount_or_nothing}),
    "transactions": nodes(PAYMENT),
}


class Reader(Schema):
    """A schema that reads its own keys and ignores the others."""

    class Meta:
        unknown = EXCLUDE


ORDER = Reader.from_dict(
    {
        "id": Value(tail, required=True),
        "name": Value(read.text, required=True),
        "test": Value(read.flag, required=True),
        "confirmed": Value(read.flag, required=True),
        "createdAt": Value(read.instant, required=True),
        "processedAt": Value(read.instant, required=True),
        "updatedAt": Value(read.instant, required=True),
        "cancelledAt": Value(read.instant_or_none, required=True),
        "sourceName": Value(read.text, load_default=""),
        "currencyCode": Value(read.word, required=True),
        "taxesIncluded": Value(read.flag, required=True),
        "displayFinancialStatus": Value(read.text, required=True),
        "displayFulfillmentStatus": Value(read.text, required=True),
        "email": Value(read.text, load_default=""),
        "phone": Value(read.text, load_default=""),
        "clientIp": Value(read.text, load_default=""),
        "discountCodes": Value(texts, load_default=()),
        "customer": Value(id_of, load_default=""),
        "billingAddress": Value(maybe(ADDRESS), load_default=None),
        "shippingAddress": Value(maybe(ADDRESS), load_default=None),
        "totalPriceSet": Value(amount, required=True),
        "totalTipReceivedSet": Value(amount_or_nothing, required=True),
        "totalReceivedSet": Value(amount_or_none, load_default=None),
        "transactions": Records(PAYMENT, required=True),
        "fulfillments": Records({"createdAt": read.instant, "status": read.word}, required=True),
        "refunds": Records(REFUND, required=True),
        "lineItems": Value(nodes(LINE), required=True),
        "shippingLines": Value(nodes(SHIPPING), required=True),
    }
)()
"""An order with all its lines and refunds."""
SIGHTING = Reader.from_dict(
    {
        "id": Value(tail, required=True),
        "updatedAt": Value(read.instant, required=True),
        "confirmed": Value(read.flag, required=True),
        "cancelledAt": Value(read.instant_or_none, required=True),
        "taxesIncluded": Value(read.flag, required=True),
        "displayFinancialStatus": Value(read.text, required=True),
        "totalPriceSet": Value(amount, required=True),
        "totalReceivedSet": Value(amount_or_none, load_default=None),
        "refunds": Records(REFUND, required=True),
    }
)()
"""What a list tells of an order, with its refunds."""
CUSTOMER = Reader.from_dict(
    {
        "id": Value(tail, required=True),
        "firstName": Value(read.text, load_default=""),
        "lastName": Value(read.text, load_default=""),
        "createdAt": Value(read.instant, required=True),
        "updatedAt": Value(read.instant, required=True),
        "defaultEmailAddress": Value(maybe({"emailAddress": read.text}), load_default=None),
        "defaultPhoneNumber": Value(maybe({"phoneNumber": read.text}), load_default=None),
        "defaultAddress": Value(maybe(ADDRESS), load_default=None),
    }
)()
"""A customer; his address is the one he chose himself."""
PRODUCT = Reader.from_dict(
    {
        "tags": Value(texts, required=True),
        "collections": fields.List(Value(read.key), required=True),
    }
)()
"""What `fetch` kept of a product."""
BOUND = {"id": tail}
MINIMUM = {"greaterThanOrEqualToSubtotal": maybe({"amount": read.money})}
VALUE = {"percentage": price, "amount": maybe({"amount": read.money})}
DISCOUNT = Reader.from_dict(
    {
        "title": Value(read.text, required=True),
        "endsAt": Value(read.instant_or_none, required=True),
        "tags": Value(texts, load_default=()),
        "usageLimit": fields.Integer(load_default=None, allow_none=True),
        "context": Record({"customers": lambda value: read_records(BOUND, value or [])}, required=True),
        "minimumRequirement": Value(maybe(MINIMUM), load_default=None),
        "customerGets": Value(maybe({"value": maybe(VALUE)}), load_default=None),
    }
)()
"""A discount with one code."""
