"""What is read of WooCommerce orders, refunds, customers and products; every other key of a body is left alone."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from connectors import values as read
from connectors.fields import Record, Records, Value

GOODS = {
    "id": read.key,
    "quantity": read.quantity,
    "subtotal": read.money,
    "subtotal_tax": read.money,
    "total": read.money,
    "total_tax": read.money,
    "product_id": read.number,
    "variation_id": read.number,
    "sku": read.text,
}
EXTRA = {"id": read.key, "total": read.money, "total_tax": read.money}
COUPON_LINE = {"code": read.text, "discount": read.money, "discount_tax": read.money}
ADDRESS = ("address_1", "city", "postcode")
BILLING = {
    **dict.fromkeys(("first_name", "last_name", "email", "phone", "country", "state"), read.text),
    **dict.fromkeys(ADDRESS, read.anything),
}


def values_of(value: Any) -> list[Any]:
    """Return the values of a list; PHP writes one of which an entry was dropped as an object."""
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, list):
        return value
    raise ValidationError("Not a list.")


class Reader(Schema):
    """A schema that reads its own keys and ignores the others, which plugins add at will."""

    class Meta:
        unknown = EXCLUDE


class OrderSchema(Reader):
    """An order; of its `refunds` only the presence counts, as they carry neither dates nor lines."""

    id = Value(read.key, required=True)
    number = Value(read.text, load_default="")
    status = Value(read.word, required=True)
    currency = Value(read.word, required=True)
    total = Value(read.money, required=True)
    prices_include_tax = Value(read.flag, required=True)
    date_created_gmt = Value(read.instant_or_none, required=True)
    date_modified_gmt = Value(read.instant_or_none, required=True)
    date_paid_gmt = Value(read.instant_or_none, load_default=None)
    date_completed_gmt = Value(read.instant_or_none, load_default=None)
    created_via = Value(read.text, load_default="")
    customer_id = Value(read.number, load_default="")
    customer_ip_address = Value(read.anything, load_default="")
    billing = Record(BILLING, required=True)
    line_items = Records(GOODS, required=True)
    shipping_lines = Records(EXTRA, load_default=list)
    fee_lines = Records(EXTRA, load_default=list)
    coupon_lines = Records(COUPON_LINE, load_default=list)
    refunds = fields.List(fields.Raw(), load_default=list)


class RefundLineSchema(Reader):
    """A line of a refund, all figures negative; its meta data name the order's line."""

    quantity = Value(read.quantity, load_default=0)
    total = Value(read.money, required=True)
    total_tax = Value(read.money, required=True)
    meta_data = Records({"key": read.anything, "value": read.anything}, load_default=list)


class RefundSchema(Reader):
    """A refund as `orders/<id>/refunds` gives it; `amount` is positive and includes tax."""

    id = Value(read.key, required=True)
    date_created_gmt = Value(read.instant, required=True)
    amount = Value(read.money, required=True)
    line_items = fields.Nested(RefundLineSchema, many=True, load_default=list)
    shipping_lines = fields.Nested(RefundLineSchema, many=True, load_default=list)
    fee_lines = fields.Nested(RefundLineSchema, many=True, load_default=list)


class CustomerSchema(Reader):
    """A WordPress user as a customer; `date_modified_gmt` is null until the first change."""

    id = Value(read.key, required=True)
    email = Value(read.text, required=True)
    first_name = Value(read.text, load_default="")
    last_name = Value(read.text, load_default="")
    role = Value(read.text, load_default="")
    date_created_gmt = Value(read.instant, required=True)
    date_modified_gmt = Value(read.instant_or_none, load_default=None)
    billing = Record(BILLING, required=True)


class ProductSchema(Reader):
    """What `fetch` kept of a product."""

    categories = fields.List(Value(read.key), required=True)
    tags = fields.List(Value(read.text), required=True)
    on_sale = Value(read.flag, required=True)
    gift_card = Value(read.flag, required=True)


class CouponSchema(Reader):
    """A coupon as `fetch` kept it."""

    amount = Value(read.money, required=True)
    minimum_amount = Value(read.money, required=True)
    email_restrictions = Value(values_of, load_default=list)
    usage_limit = fields.Integer(load_default=None, allow_none=True)
    date_expires_gmt = Value(read.instant_or_none, load_default=None)


Loaded = dict[str, Any]
COUPON = CouponSchema()
ORDER = OrderSchema()
REFUNDS = RefundSchema(many=True)
CUSTOMER = CustomerSchema()
PRODUCT = ProductSchema()
