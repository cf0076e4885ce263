"""How a till states an order: what `POST /api/v1/orders` takes, and what is read back from the inbox."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from connectors.till.fields import Flag, Id, Instant, Money, Pieces, Words
from loyalty.commerce import LineKind

Loaded = dict[str, Any]
NOTHING = Decimal(0)
MOST_LINES = 500
MOST_REFUNDS = 100
MOST_NAMES = 100
AMOUNTS = ("subtotal", "subtotal_tax", "total", "total_tax")
OF_EVERY_ORDER = ("currency", "total", "placed_at", "lines")


class State(StrEnum):
    """How an order stands, in a till's words."""

    OPEN = "open"
    """Not paid yet: nothing happens."""
    PAID = "paid"
    COMPLETED = "completed"
    """Paid and handed over."""
    REFUNDED = "refunded"
    """Refunded in full; an order that is refunded in part stays paid or completed."""
    CANCELLED = "cancelled"
    DELETED = "deleted"
    """The till does not have the order any more; nothing but its id is needed."""


class Strict(Schema):
    """Unknown fields are mistakes."""

    class Meta:
        unknown = RAISE


def _told(text: str) -> dict[str, str]:
    return {"description": text}


class TillLineSchema(Strict):
    """A part of an order; amounts are without tax, tax stands beside them."""

    id = Id(required=True)
    kind = fields.Enum(LineKind, by_value=True, load_default=LineKind.PRODUCT)
    quantity = Pieces(load_default=1)
    subtotal = Money(signed=True, load_default=None, metadata=_told("Before discounts; total unless given."))
    subtotal_tax = Money(signed=True, load_default=None, metadata=_told("total_tax unless given."))
    total = Money(signed=True, required=True, metadata=_told("After discounts; below 0 for fees only."))
    total_tax = Money(signed=True, load_default=NOTHING)
    product_id = Id(load_default="")
    variation_id = Id(load_default="")
    sku = Words(100, load_default="")
    category_ids = fields.List(Id(), load_default=None, validate=validate.Length(max=MOST_NAMES))
    tags = fields.List(Words(100), load_default=None, validate=validate.Length(max=MOST_NAMES))
    gift_card = Flag(load_default=None)
    on_sale = Flag(load_default=None)

    @validates_schema
    def _is_not_negative(self, line: Loaded, **_: Any) -> None:
        below = [name for name in AMOUNTS if line[name] is not None and line[name] < 0]
        if below and line["kind"] is not LineKind.FEE:
            told = "Only a fee may be below 0; goods that come back are a refund of their order."
            raise ValidationError({name: [told] for name in below})


class TillRefundLineSchema(Strict):
    """What a refund gives back of a line, with tax."""

    line_id = Id(required=True)
    quantity = Pieces(load_default=1)
    amount = Money(required=True)


class TillRefundSchema(Strict):
    """One refund; `amount` is all that was given back, with tax."""

    id = Id(required=True)
    created_at = Instant(required=True)
    amount = Money(required=True)
    lines = fields.List(
        fields.Nested(TillRefundLineSchema), load_default=list, validate=validate.Length(max=MOST_LINES)
    )


class TillCouponSchema(Strict):
    """A coupon code that was used, with the discount it gave."""

    code = Words(100, required=True, validate=validate.Length(min=1))
    discount = Money(load_default=NOTHING)
    discount_tax = Money(load_default=NOTHING)


class TillBuyerSchema(Strict):
    """Who bought: a member's id, or the till's own customer id, an e-mail address, a phone."""

    member = fields.UUID(load_default=None, allow_none=True)
    customer_id = Id(load_default="", metadata=_told("The till's own name for the customer."))
    email = Words(254, load_default="")
    phone = Words(32, load_default="", metadata=_told("In E.164, such as +886912345678."))
    name = Words(200, load_default="")
    region = fields.String(
        load_default="",
        validate=validate.Regexp(r"^([A-Z]{2}(-[A-Z0-9]{1,3})?)?(?!\n)$", error="Such as TW or US-NY."),
    )

    @validates_schema
    def _names_one(self, buyer: Loaded, **_: Any) -> None:
        named = [name for name in ("customer_id", "email", "phone", "name") if buyer[name]]
        if buyer["member"] is not None and named:
            raise ValidationError(f"Names the buyer alone, without {', '.join(named)}.", "member")


class TillOrderSchema(Strict):
    """An order as it stands at `modified_at`; each later state is told whole, with a later `modified_at`."""

    store = Words(100, load_default="", metadata=_told("The key of the till, where there are several."))
    id = Id(required=True)
    number = Words(100, load_default="", metadata=_told("For people; the id unless given."))
    state = fields.Enum(State, by_value=True, required=True)
    currency = fields.String(
        validate=validate.Regexp(r"^[A-Z]{3}(?!\n)$", error="Must be a code of ISO 4217.")
    )
    total = Money(metadata=_told("With tax, before refunds."))
    prices_include_tax = Flag(load_default=True)
    placed_at = Instant()
    modified_at = Instant(required=True)
    paid_at = Instant(load_default=None, allow_none=True, metadata=_told("placed_at unless given."))
    completed_at = Instant(load_default=None, allow_none=True, metadata=_told("paid_at unless given."))
    lines = fields.List(fields.Nested(TillLineSchema), validate=validate.Length(1, MOST_LINES))
    refunds = fields.List(
        fields.Nested(TillRefundSchema), load_default=list, validate=validate.Length(max=MOST_REFUNDS)
    )
    coupons = fields.List(
        fields.Nested(TillCouponSchema), load_default=list, validate=validate.Length(max=MOST_NAMES)
    )
    channel = Words(100, load_default="till")
    test = Flag(load_default=False, metadata=_told("True: it never earns."))
    buyer = fields.Nested(TillBuyerSchema, load_default=None, allow_none=True)

    @validates_schema
    def _is_whole(self, order: Loaded, **_: Any) -> None:
        missing = [name for name in OF_EVERY_ORDER if name not in order]
        if missing and order["state"] is not State.DELETED:
            raise ValidationError({name: ["Missing data for required field."] for name in missing})

    @validates_schema
    def _names_differ(self, order: Loaded, **_: Any) -> None:
        mistakes = {name: _repeated(order.get(name, ())) for name in ("lines", "refunds")}
        if any(mistakes.values()):
            raise ValidationError({name: found for name, found in mistakes.items() if found})


def _repeated(things: Sequence[Loaded]) -> dict[int, Loaded]:
    """Return a mistake for each thing that has the id of an earlier one, by its place."""
    ids = [thing["id"] for thing in things]
    return {place: {"id": ["Another one has this id."]} for place, id in enumerate(ids) if id in ids[:place]}


ORDER = TillOrderSchema()
