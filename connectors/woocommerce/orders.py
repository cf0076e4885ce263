"""An order of WooCommerce in our words: states, dates, lines, refunds, buyer (RULES §3, §9)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from connectors.woocommerce.schemas import ADDRESS, Loaded
from loyalty.commerce import (
    Buyer,
    CouponUse,
    LineKind,
    OrderLine,
    OrderSnapshot,
    OrderState,
    ProductFacts,
    Refund,
    RefundLine,
)
from loyalty.errors import MalformedMessage
from loyalty.values import StoreId

Moment = datetime | None
Refunds = tuple[Refund, ...]
Products = Mapping[str, ProductFacts] | None
"""Facts by product id; None: the shop was not asked."""

STATES = {
    "pending": OrderState.OPEN,
    "checkout-draft": OrderState.OPEN,
    "auto-draft": OrderState.OPEN,
    "cancelled": OrderState.DEAD,
    "failed": OrderState.DEAD,
    "trash": OrderState.DEAD,
    "refunded": OrderState.REFUNDED,
}
NOTHING = Decimal(0)


def order_snapshot(
    store_id: StoreId,
    order: Loaded,
    refunds: Refunds = (),
    products: Products = None,
    observed_at: Moment = None,
) -> OrderSnapshot:
    """Return the snapshot of a loaded order; raises MalformedMessage when it bears no date at all."""
    placed_at, modified_at = _dates(order)
    return OrderSnapshot(
        store_id=store_id,
        external_id=order["id"],
        number=order["number"] or order["id"],
        state=state_of(order["status"]),
        status=order["status"],
        currency=order["currency"],
        total=order["total"],
        prices_include_tax=order["prices_include_tax"],
        placed_at=placed_at,
        modified_at=modified_at,
        paid_at=_paid_at(order, placed_at),
        completed_at=_completed_at(order, placed_at),
        lines=_lines(order, products),
        refunds=refunds,
        coupons=_coupons(order),
        channel=order["created_via"],
        observed_at=observed_at,
        buyer=_buyer(order["customer_id"], order["billing"], order["customer_ip_address"]),
    )


def state_of(status: str) -> OrderState:
    """Return what a status means; on-hold and the statuses of plugins are live (RULES §3)."""
    return STATES.get(status, OrderState.LIVE)


def refund_of(refund: Loaded) -> Refund:
    """Return a refund of `orders/<id>/refunds`; lines that name no line of the order count by amount only."""
    items = [*refund["line_items"], *refund["shipping_lines"], *refund["fee_lines"]]
    lines = tuple([line for item in items if (line := _refund_line(item)) is not None])
    return Refund(refund["id"], refund["date_created_gmt"], abs(refund["amount"]), lines)


def full_name(first: str, last: str) -> str:
    """Return first and last name as one text, without blanks around it."""
    return f"{first} {last}".strip()


def region_of(billing: Loaded) -> str:
    """Return the country of an address with its state, where both are given: `TW` or `US-NY`."""
    country, state = billing["country"], billing["state"]
    return f"{country}-{state}" if country and state else country


def _dates(order: Loaded) -> tuple[datetime, datetime]:
    placed_at = order["date_created_gmt"] or order["date_modified_gmt"]
    if placed_at is None:
        raise MalformedMessage("date_created_gmt: The order bears no date.")
    return placed_at, order["date_modified_gmt"] or placed_at


def _paid_at(order: Loaded, placed_at: datetime) -> Moment:
    """Cash on delivery bears no paid date until completed (RULES §3); a refused payment never does (§9 (1))."""
    if order["date_paid_gmt"]:
        return order["date_paid_gmt"]  # type: ignore[no-any-return]
    if order["status"] == "completed":
        return order["date_completed_gmt"] or placed_at
    ended = state_of(order["status"]) in (OrderState.REFUNDED, OrderState.DEAD)
    return order["date_completed_gmt"] if ended else None


def _completed_at(order: Loaded, placed_at: datetime) -> Moment:
    if order["date_completed_gmt"] or order["status"] != "completed":
        return order["date_completed_gmt"]  # type: ignore[no-any-return]
    return order["date_paid_gmt"] or placed_at


def _lines(order: Loaded, products: Products) -> tuple[OrderLine, ...]:
    goods = [_goods(item, products) for item in order["line_items"]]
    shipping = [_extra(item, LineKind.SHIPPING) for item in order["shipping_lines"]]
    fees = [_extra(item, LineKind.FEE) for item in order["fee_lines"]]
    return (*goods, *shipping, *fees)


def _coupons(order: Loaded) -> tuple[CouponUse, ...]:
    return tuple(
        [CouponUse(use["code"], use["discount"], use["discount_tax"]) for use in order["coupon_lines"]]
    )


def _goods(item: Loaded, products: Products) -> OrderLine:
    return OrderLine(
        id=item["id"],
        kind=LineKind.PRODUCT,
        quantity=item["quantity"],
        subtotal=item["subtotal"],
        subtotal_tax=item["subtotal_tax"],
        total=item["total"],
        total_tax=item["total_tax"],
        product_id=item["product_id"],
        variation_id=item["variation_id"],
        sku=item["sku"],
        # A product that the shop no longer has was asked about all the same: it has no categories.
        product=None if products is None else products.get(item["product_id"], ProductFacts()),
    )


def _extra(item: Loaded, kind: LineKind) -> OrderLine:
    total, tax = item["total"], item["total_tax"]
    return OrderLine(item["id"], kind, 1, total, tax, total, tax)


def _refund_line(item: Loaded) -> RefundLine | None:
    line_id = next(
        (meta.get("value") for meta in item["meta_data"] if meta.get("key") == "_refunded_item_id"), None
    )
    if not isinstance(line_id, str | int) or not str(line_id).isdigit():
        return None
    amount = item["total"] + item["total_tax"]
    return RefundLine(str(int(line_id)), item["quantity"], -amount if amount else NOTHING)


def _buyer(customer_id: str, billing: Loaded, ip: object) -> Buyer:
    return Buyer(
        customer_id=customer_id,
        email=billing["email"],
        phone=billing["phone"],
        name=full_name(billing["first_name"], billing["last_name"]),
        region=region_of(billing),
        address=" ".join(word for name in ADDRESS if isinstance(word := billing[name], str) and word),
        ip=ip if isinstance(ip, str) else "",
    )
