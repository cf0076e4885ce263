"""Turns the statements of a till into facts, and tells repeated ones from news."""

from __future__ import annotations

import hashlib
from datetime import datetime

from connectors.base import RawMessage
from connectors.bodies import load, read_object
from connectors.till.schemas import ORDER, Loaded, State
from loyalty.commerce import (
    Buyer,
    CouponUse,
    OrderDeleted,
    OrderLine,
    OrderSnapshot,
    OrderState,
    Parsed,
    ProductFacts,
    Refund,
    RefundLine,
)
from loyalty.values import StoreId

STATES = {
    State.OPEN: OrderState.OPEN,
    State.PAID: OrderState.LIVE,
    State.COMPLETED: OrderState.LIVE,
    State.REFUNDED: OrderState.REFUNDED,
    State.CANCELLED: OrderState.DEAD,
}
EARNED_ONCE = (State.PAID, State.COMPLETED, State.REFUNDED)


def message_key(topic: str, body: bytes) -> bytes:
    """Return sha256 of topic, order and modification: a till says one thing of an order at one instant.

    Raises MalformedMessage.
    """
    order: Loaded = load(ORDER, read_object(body))
    parts = (topic, order["id"], order["modified_at"].isoformat())
    return hashlib.sha256("\0".join(parts).encode()).digest()


def parse(store_id: StoreId, message: RawMessage) -> Parsed:
    """Return how the order of a message stands, or that it is gone; raises MalformedMessage."""
    order: Loaded = load(ORDER, read_object(message.body))
    if order["state"] is State.DELETED:
        return (OrderDeleted(store_id, order["id"], order["modified_at"]),)
    return (_snapshot(store_id, order),)


def _snapshot(store_id: StoreId, order: Loaded) -> OrderSnapshot:
    paid_at = _paid_at(order)
    return OrderSnapshot(
        store_id=store_id,
        external_id=order["id"],
        number=order["number"] or order["id"],
        state=STATES[order["state"]],
        status=order["state"].value,
        currency=order["currency"],
        total=order["total"],
        prices_include_tax=order["prices_include_tax"],
        placed_at=order["placed_at"],
        modified_at=order["modified_at"],
        paid_at=paid_at,
        completed_at=_completed_at(order, paid_at),
        lines=tuple([_line(line) for line in order["lines"]]),
        refunds=tuple([_refund(order["id"], refund) for refund in order["refunds"]]),
        coupons=tuple([CouponUse(**use) for use in order["coupons"]]),
        test=order["test"],
        channel=order["channel"],
        buyer=_buyer(order["buyer"]),
    )


def _paid_at(order: Loaded) -> datetime | None:
    """What is sold at a till is paid when it is placed; of a cancelled order only the till knows whether it was."""
    given: datetime | None = order["paid_at"]
    return order["placed_at"] if given is None and order["state"] in EARNED_ONCE else given


def _completed_at(order: Loaded, paid_at: datetime | None) -> datetime | None:
    given: datetime | None = order["completed_at"]
    return paid_at if given is None and order["state"] is State.COMPLETED else given


def _line(line: Loaded) -> OrderLine:
    total, tax = line["total"], line["total_tax"]
    return OrderLine(
        id=line["id"],
        kind=line["kind"],
        quantity=line["quantity"],
        subtotal=total if line["subtotal"] is None else line["subtotal"],
        subtotal_tax=tax if line["subtotal_tax"] is None else line["subtotal_tax"],
        total=total,
        total_tax=tax,
        product_id=line["product_id"],
        variation_id=line["variation_id"],
        sku=line["sku"],
        product=_facts(line),
    )


def _facts(line: Loaded) -> ProductFacts | None:
    """Return what the till says of the product; None: it says nothing, and may do so later."""
    categories, tags, card, sale = (line[name] for name in ("category_ids", "tags", "gift_card", "on_sale"))
    if categories is None and tags is None and card is None and sale is None:
        return None
    return ProductFacts(tuple(categories or ()), tuple(tags or ()), bool(card), bool(sale))


def _refund(order_id: str, refund: Loaded) -> Refund:
    """A till counts the refunds within an order; on the member's timeline each needs a name of its own."""
    lines = tuple([RefundLine(**line) for line in refund["lines"]])
    return Refund(f"{order_id}/{refund['id']}", refund["created_at"], refund["amount"], lines)


def _buyer(buyer: Loaded | None) -> Buyer:
    if buyer is None:
        return Buyer()
    return Buyer(**{**buyer, "member": str(buyer["member"] or "")})
