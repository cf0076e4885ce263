"""What an order of the sandbox shop comes to: discounts, taxes, what was received and refunded, its status."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from connectors.shopify.sandbox.state import Json, State

RECEIVED = ("SALE", "CAPTURE")
NOTHING = Fraction(0)


def total(amounts: Iterable[Fraction]) -> Fraction:
    """Return a sum of amounts."""
    return sum(amounts, NOTHING)


def allocated(row: Json) -> Fraction:
    """Return what discounts take of a line or of shipping."""
    return total(each["amount"] for each in row["allocations"])


def original_of(line: Json) -> Fraction:
    """Return what a line cost before discounts."""
    return Fraction(line["price"] * line["quantity"])


def discounted_of(line: Json) -> Fraction:
    """Return what a line costs after all discounts."""
    return original_of(line) - allocated(line)


def tax_in(state: State, order: Json, amount: Fraction) -> Fraction:
    """Return the tax of an amount: within it when prices include tax, else beside it."""
    share = state.tax_share()
    if not share:
        return NOTHING
    return state.round(amount * share / (1 + share) if order["taxesIncluded"] else amount * share)


def tax_of_line(state: State, order: Json, line: Json) -> Fraction:
    """Return the tax of a whole line; gift cards bear none."""
    return tax_in(state, order, discounted_of(line)) if line["taxable"] else NOTHING


def part_of(state: State, whole: Fraction, line: Json, start: int, count: int) -> Fraction:
    """Return what some pieces of a line have of an amount, so that all pieces have all of it."""
    if not line["quantity"] or not count:
        return NOTHING
    done = state.round(whole * Fraction(start, line["quantity"]))
    return state.round(whole * Fraction(start + count, line["quantity"])) - done


def present_of(state: State, whole: Fraction, line: Json) -> Fraction:
    """Return what the pieces that are still ordered have of an amount."""
    return whole - part_of(state, whole, line, 0, line["removed"])


def shipping_of(order: Json) -> Fraction:
    """Return what shipping costs after discounts."""
    return total(each["price"] - allocated(each) for each in order["shipping"])


def subtotal_of(order: Json) -> Fraction:
    """Return the sum of the lines after discounts, before refunds."""
    return total(discounted_of(line) for line in order["lines"])


def tax_of(state: State, order: Json) -> Fraction:
    """Return the tax of an order before refunds."""
    lines = total(tax_of_line(state, order, line) for line in order["lines"])
    return lines + total(tax_in(state, order, each["price"] - allocated(each)) for each in order["shipping"])


def total_of(state: State, order: Json) -> Fraction:
    """Return the total of an order before refunds: lines, shipping, tip, and tax where prices do not have it."""
    tax = NOTHING if order["taxesIncluded"] else tax_of(state, order)
    return subtotal_of(order) + shipping_of(order) + tax + Fraction(order["tip"])


def discounts_of(order: Json) -> Fraction:
    """Return all discounts of an order."""
    return total(allocated(each) for each in (*order["lines"], *order["shipping"]))


def present_subtotal_of(state: State, order: Json) -> Fraction:
    """Return the sum of the lines that are still ordered."""
    return total(present_of(state, discounted_of(line), line) for line in order["lines"])


def present_tax_of(state: State, order: Json) -> Fraction:
    """Return the tax that is left."""
    lines = total(present_of(state, tax_of_line(state, order, line), line) for line in order["lines"])
    shipping = total(tax_in(state, order, each["price"] - allocated(each)) for each in order["shipping"])
    refunded = total(each["tax"] for refund in order["refunds"] for each in refund["shipping"])
    return lines + shipping - refunded


def present_shipping_of(order: Json) -> Fraction:
    """Return what shipping costs after its refunds."""
    return shipping_of(order) - refunded_shipping_of(order)


def present_total_of(state: State, order: Json) -> Fraction:
    """Return the total after refunds, with what refunds gave more or less than they name."""
    tax = NOTHING if order["taxesIncluded"] else present_tax_of(state, order)
    kept = present_subtotal_of(state, order) + present_shipping_of(order) + tax + Fraction(order["tip"])
    return kept + discrepancy_of(order)


def discrepancy_of(order: Json) -> Fraction:
    """Return what refunds gave less than they name; negative when they gave more."""
    return total(each["amount"] for refund in order["refunds"] for each in refund["adjustments"])


def received_of(order: Json) -> Fraction:
    """Return what was received for an order."""
    return total(
        each["amount"]
        for each in order["transactions"]
        if each["kind"] in RECEIVED and each["status"] == "SUCCESS"
    )


def refunded_of(order: Json) -> Fraction:
    """Return what was given back; a pending refund is not, yet."""
    return total(
        each["amount"]
        for each in order["transactions"]
        if each["kind"] == "REFUND" and each["status"] == "SUCCESS"
    )


def refunded_shipping_of(order: Json) -> Fraction:
    """Return what of the shipping was given back."""
    return total(each["amount"] for refund in order["refunds"] for each in refund["shipping"])


def financial_status(state: State, order: Json) -> str:
    """Return the status of an order's money, as `displayFinancialStatus` and (lower case) webhooks state it."""
    received, refunded = received_of(order), refunded_of(order)
    if received:
        if refunded >= received:
            return "REFUNDED"
        if received - refunded < present_total_of(state, order) and not refunded:
            return "PARTIALLY_PAID"
        return "PARTIALLY_REFUNDED" if refunded else "PAID"
    kinds = {each["kind"] for each in order["transactions"] if each["status"] == "SUCCESS"}
    if order["expired"]:
        return "EXPIRED"
    if "VOID" in kinds or (order["cancelledAt"] is not None and total_of(state, order)):
        return "VOIDED"
    if "AUTHORIZATION" in kinds:
        return "AUTHORIZED"
    return "PENDING" if total_of(state, order) else "PAID"
