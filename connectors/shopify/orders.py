"""An order of Shopify in our words: states, dates, buyer, coupons (RULES §3, §9); only the shop's own money counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from connectors.shopify.lines import Products, lines_of, list_coupons
from connectors.shopify.receipts import GIFT_CARD
from connectors.shopify.refunds import refunded_without_money, refunds_of
from connectors.shopify.schemas import Loaded
from loyalty import tenders
from loyalty.commerce import Buyer, OrderSnapshot, OrderState, Refund, Tender
from loyalty.values import StoreId

STATES = {
    "PAID": OrderState.LIVE,
    "PARTIALLY_REFUNDED": OrderState.LIVE,
    "REFUNDED": OrderState.REFUNDED,
    "VOIDED": OrderState.DEAD,
}
"""Every other financial status has not been paid in full: PENDING, AUTHORIZED, PARTIALLY_PAID, EXPIRED."""
PAID = frozenset({"PAID", "PARTIALLY_REFUNDED", "REFUNDED"})
RECEIVING = frozenset({"SALE", "CAPTURE"})
TENDERS = {GIFT_CARD: tenders.GIFT_CARD, "shopify_store_credit": tenders.STORE_CREDIT}
"""What pays beside money, by the gateway of the payment."""
NOTHING = Decimal(0)


def order_snapshot(
    store_id: StoreId, order: Loaded, products: Products = None, observed_at: datetime | None = None
) -> OrderSnapshot:
    """Return the snapshot of a loaded order; `products` None: the shop was not asked about them."""
    refunds = refunds_of(order)
    return OrderSnapshot(
        store_id=store_id,
        external_id=order["id"],
        number=order["name"] or order["id"],
        state=state_of(order),
        status=status_of(order),
        currency=order["currencyCode"],
        total=order["totalPriceSet"],
        prices_include_tax=order["taxesIncluded"],
        placed_at=order["createdAt"],
        modified_at=order["updatedAt"],
        paid_at=_paid_at(order, refunds),
        completed_at=_completed_at(order),
        ended_at=order["cancelledAt"],
        lines=lines_of(order, products),
        refunds=refunds,
        coupons=list_coupons(order),
        test=order["test"],
        channel=order["sourceName"],
        observed_at=observed_at,
        is_partial=observed_at is None,  # a delivery tells of no payments
        buyer=_buyer(order),
        tenders=_tenders(order),
    )


def state_of(order: Mapping[str, object]) -> OrderState:
    """Return what the status of an order, or of a sighting of one, means."""
    state = STATES.get(str(order["displayFinancialStatus"]), OrderState.OPEN)
    if order["cancelledAt"] or state is OrderState.DEAD:
        return OrderState.DEAD
    return state if order["confirmed"] else OrderState.OPEN


def status_of(order: Mapping[str, object]) -> str:
    """Return Shopify's own word for how an order stands; a cancelled one keeps its financial status apart."""
    financial = str(order["displayFinancialStatus"]).lower() or "unknown"
    return f"cancelled, {financial}" if order["cancelledAt"] else financial


def region_of(address: Loaded | None) -> str:
    """Return the country of an address with its province, where both are given: `TW` or `US-NY`."""
    country, province = (address["countryCodeV2"], address["provinceCode"]) if address else ("", "")
    return f"{country}-{province}" if country and province else country


def _paid_at(order: Loaded, refunds: tuple[Refund, ...]) -> datetime | None:
    """Return when the received sum first reached the total (RULES §3), None: it never did.

    What was taken off an unpaid order comes as a refund without money, and need not be paid. Rounding of cash and of
    currencies may leave a paid order short by cents: then its last payment counts.
    """
    if state_of(order) is OrderState.OPEN:
        return None
    is_paid = order["displayFinancialStatus"] in PAID
    if not order["totalPriceSet"]:
        return order["processedAt"] if is_paid else None
    payments = _payments(order)
    received = NOTHING
    for at, amount in payments:
        received += amount
        if received >= order["totalPriceSet"] - refunded_without_money(order, refunds, at):
            return at
    if not is_paid:
        return None
    return payments[-1][0] if payments else order["processedAt"]


def _payments(order: Loaded) -> list[tuple[datetime, Decimal]]:
    """Return when money came in, and how much; of a delivery, which tells of none, nothing."""
    return sorted(
        (each["processedAt"] or each["createdAt"] or order["processedAt"], each["amountSet"])
        for each in order["transactions"]
        if each["kind"] in RECEIVING and each["status"] == "SUCCESS"
    )


def _tenders(order: Loaded) -> tuple[Tender, ...]:
    """Return what each gift card, and store credit, paid of an order; of a delivery, which tells of none, nothing."""
    paid: dict[tuple[str, str], Decimal] = {}
    for each in order["transactions"]:
        kind = TENDERS.get(each["gateway"])
        if kind and each["kind"] in RECEIVING and each["status"] == "SUCCESS":
            card = each["receiptJson"] if kind == tenders.GIFT_CARD else ""
            paid[kind, card] = paid.get((kind, card), NOTHING) + each["amountSet"]
    return tuple(Tender(kind, amount, card) for (kind, card), amount in sorted(paid.items()) if amount)


def _completed_at(order: Loaded) -> datetime | None:
    """Return when the last parcel of a fulfilled order left; an order without anything to send is complete at once."""
    if order["displayFulfillmentStatus"] == "FULFILLMENT_NOT_REQUIRED":
        return order["processedAt"]  # type: ignore[no-any-return]
    if order["displayFulfillmentStatus"] != "FULFILLED":
        return None
    sent = [each["createdAt"] for each in order["fulfillments"] if each["status"] == "SUCCESS"]
    last: datetime = max(sent, default=order["processedAt"])
    return last


def _buyer(order: Loaded) -> Buyer:
    address = order["billingAddress"] or order["shippingAddress"]
    return Buyer(
        customer_id=order["customer"],
        email=order["email"],
        phone=order["phone"] or (address["phone"] if address else ""),
        name=address["name"] if address else "",
        region=region_of(address),
        address=_street(address),
        ip=order["clientIp"],
    )


def _street(address: Loaded | None) -> str:
    words = (address["address1"], address["city"], address["zip"]) if address else ()
    return " ".join(word for word in words if word)
