"""Refunds of the sandbox shop with Shopify's accounting: named lines and shipping, payments, and what balances them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import partial

from connectors.shopify.sandbox import selling, sums
from connectors.shopify.sandbox.payloads import refund_payload
from connectors.shopify.sandbox.payments_shape import transaction_payload
from connectors.shopify.sandbox.selling import refund_line, tell_update, touch
from connectors.shopify.sandbox.state import Amount, Json, State
from connectors.shopify.sandbox.tendering import give_back
from connectors.shopify.sandbox.webhooks import emit

NOTHING = Fraction(0)


def refund(
    state: State,
    order: Json,
    lines: Sequence[tuple[int, int]] = (),
    *,
    shipping: Amount = 0,
    amount: Amount | None = None,
    pending: bool = False,
    restock: str = "RETURN",
    gateway: str | None = None,
    note: str | None = None,
) -> Json:
    """Refund (line id, quantity) pairs and some of the shipping; `amount` is the money, when it is not what these
    come to: 0 for none. A pending payment is booked against by Shopify until it settles. `gateway` as in `give_back`.
    """
    with state.action():
        row = _blank(state, order, note)
        pieces = [(_line(order, number), count) for number, count in lines]
        row["lines"] = [refund_line(state, order, line, count, restock) for line, count in pieces]
        if Fraction(shipping):
            row["shipping"] = [_shipping(state, order, Fraction(shipping))]
        money = _named(order, row) if amount is None else Fraction(amount)
        order["refunds"].append(row)
        if money:
            _pay(state, order, row, money, gateway, "PENDING" if pending else "SUCCESS")
        _balance(state, order, row)
        touch(state, order)
        emit(state, "refunds/create", lambda: refund_payload(state, order, row))
        tell_update(state, order)
        return row


def settle(state: State, order: Json, row: Json, *, is_paid: bool = True) -> None:
    """Let a pending payment of a refund succeed, or fail; Shopify tells of the transaction and of the order."""
    with state.action():
        for each in order["transactions"]:
            if each["id"] in row["transactions"] and each["status"] == "PENDING":
                each |= {"status": "SUCCESS" if is_paid else "FAILURE", "processedAt": state.now()}
                emit(state, "order_transactions/create", partial(transaction_payload, state, order, each))
        _balance(state, order, row)
        row["updatedAt"] = state.now()
        touch(state, order)
        tell_update(state, order)


def refund_all(state: State, order: Json, *, pending: bool = False, restock: str = "CANCEL") -> Json:
    """Refund everything that is left of an order, the shipping too."""
    lines = [
        (each["id"], each["quantity"] - each["removed"])
        for each in order["lines"]
        if each["quantity"] > each["removed"]
    ]
    money = sums.received_of(order) - sums.refunded_of(order)
    shipping = sums.present_shipping_of(order)
    return refund(state, order, lines, shipping=shipping, amount=money, pending=pending, restock=restock)


def cancel(state: State, order: Json, reason: str, *, refund: bool, pending: bool) -> None:
    """Cancel an order, and give back what was paid if that is wanted."""
    with state.action():
        selling.cancel(state, order, reason)
        if refund and order["transactions"] and sums.received_of(order) > sums.refunded_of(order):
            refund_all(state, order, pending=pending)


def _blank(state: State, order: Json, note: str | None) -> Json:
    now = state.now()
    row: Json = {"id": state.new_id(), "__typename": "Refund", "order": order["id"], "note": note}
    row |= dict.fromkeys(("createdAt", "processedAt", "updatedAt"), now)
    row["overpaid"] = max(NOTHING, _overpaid(state, order))
    return row | {"lines": [], "shipping": [], "adjustments": [], "transactions": []}


def _pay(state: State, order: Json, row: Json, money: Fraction, gateway: str | None, status: str) -> None:
    row["transactions"] = [each["id"] for each in give_back(state, order, money, gateway, status)]


def _line(order: Json, number: int) -> Json:
    return next(each for each in order["lines"] if each["id"] == number)


def _shipping(state: State, order: Json, amount: Fraction) -> Json:
    line = order["shipping"][0]
    row: Json = {"id": state.new_id(), "order": order["id"], "shippingLine": line["id"]}
    return row | {"amount": amount, "tax": sums.tax_in(state, order, amount)}


def _named(order: Json, row: Json) -> Fraction:
    """Return what the lines and the shipping of a refund come to, as money."""
    own = sums.total(each["subtotal"] for each in row["lines"])
    own += sums.total(each["amount"] for each in row["shipping"])
    if order["taxesIncluded"]:
        return own
    return own + sums.total(each["tax"] for each in (*row["lines"], *row["shipping"]))


def _overpaid(state: State, order: Json) -> Fraction:
    """Return what the shop owes already, of lines that an edit removed."""
    kept = sums.received_of(order) - sums.refunded_of(order)
    return kept - sums.present_total_of(state, order)


def _balance(state: State, order: Json, row: Json) -> None:
    """Book what a refund gave less (positive) or more (negative) than it names. The identity of observed payloads:
    money that moved = what is named - adjustments; a pending payment has not moved (microsoft/BCApps#9112).
    """
    paid = [each for each in order["transactions"] if each["id"] in row["transactions"]]
    is_pending = any(each["status"] == "PENDING" for each in paid)
    moved = sums.total(each["amount"] for each in paid if each["status"] == "SUCCESS")
    named = _named(order, row)
    difference = named - moved
    if difference < 0:
        difference = min(NOTHING, difference + row["overpaid"])
    reason = "PENDING_REFUND_DISCREPANCY" if is_pending else "REFUND_DISCREPANCY"
    booked: Json = {"id": state.new_id(), "order": order["id"], "amount": difference, "reason": reason}
    row["adjustments"] = [booked] if difference else []
