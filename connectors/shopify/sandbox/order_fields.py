"""How GraphQL states the orders of the sandbox shop, their lines, payments and refunds."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from connectors.shopify.sandbox import sums
from connectors.shopify.sandbox.fields import Fields, Resolver, Session, bag, connect, listed, own_id, plain
from connectors.shopify.sandbox.state import Json, State, gid

Sum = Callable[[State, Json], Fraction]


def find_order(state: State, number: int | None) -> Json | None:
    """Return an order by its number."""
    return state.orders.get(number) if number is not None else None


def find_refund(state: State, number: int | None) -> Json | None:
    """Return a refund by its number."""
    found = (each for order in state.orders.values() for each in order["refunds"] if each["id"] == number)
    return next(found, None)


def find_line(state: State, number: int | None) -> Json | None:
    """Return a line of any order by its number."""
    found = (each for order in state.orders.values() for each in order["lines"] if each["id"] == number)
    return next(found, None)


def fulfillment_status(order: Json) -> str:
    """Return whether everything has left: `displayFulfillmentStatus`."""
    if not order["fulfillments"]:
        return "UNFULFILLED"
    return "FULFILLED" if order["fulfillments"][-1]["is_all"] else "PARTIALLY_FULFILLED"


def tax_lines(session: Session, order: Json, tax: Fraction) -> list[Json]:
    """Return the one tax of the shop, or none."""
    share = session.state.tax_share()
    if not share:
        return []
    rate = float(session.state.options.tax_rate)
    price = bag(session, order, tax)
    return [{"title": "VAT", "rate": float(share), "ratePercentage": rate, "priceSet": price}]


def _summed(read: Sum) -> Resolver:
    return lambda session, order: bag(session, order, read(session.state, order))


def _of_order(session: Session, row: Json) -> Json:
    return session.state.orders[row["order"]]


def _amount(name: str) -> Resolver:
    """Return what states an amount of a row that knows its order."""
    return lambda session, row: bag(session, _of_order(session, row), row[name])


def _of_line(read: Callable[[Json], Fraction]) -> Resolver:
    return lambda session, line: bag(session, _of_order(session, line), read(line))


def _each(amount: Fraction, line: Json) -> Fraction:
    return amount / line["quantity"] if line["quantity"] else Fraction(0)


def _allocations(session: Session, row: Json) -> list[Json]:
    order = _of_order(session, row)
    return [
        {
            "allocatedAmountSet": bag(session, order, each["amount"]),
            "discountApplication": order["applications"][each["index"]],
        }
        for each in row["allocations"]
    ]


def _line_tax(session: Session, line: Json) -> list[Json]:
    order = _of_order(session, line)
    if not line["taxable"]:
        return []
    return tax_lines(session, order, sums.tax_of_line(session.state, order, line))


def _shipping_tax(session: Session, row: Json) -> list[Json]:
    order = _of_order(session, row)
    return tax_lines(session, order, sums.tax_in(session.state, order, row["price"] - sums.allocated(row)))


def _customer(session: Session, row: Json) -> Json | None:
    return session.state.customers.get(row["customer"]) if row["customer"] else None


def _pages(name: str) -> Resolver:
    return lambda session, row, **page: connect(session, row[name], **page)


def _shipping_lines(session: Session, order: Json, includeRemovals: bool = False, **page: Any) -> Json:  # noqa: N803
    rows = [each for each in order["shipping"] if includeRemovals or not each["isRemoved"]]
    return connect(session, rows, **page)


def _discounted(session: Session, line: Json, withCodeDiscounts: bool = False) -> Json:  # noqa: N803
    """Code discounts are left out by default, and so is what spreads over the whole order (schema text)."""
    order = _of_order(session, line)
    taken = sums.allocated(line) if withCodeDiscounts else Fraction(0)
    return bag(session, order, sums.original_of(line) - taken)


def _refunded(session: Session, refund: Json) -> Json:
    """Pending transactions are not in the sum (observed; microsoft/BCApps#9112)."""
    rows = _payments(session, refund)
    return bag(
        session, _of_order(session, refund), sums.total(each["amount"] for each in rows if _is_done(each))
    )


def _payments(session: Session, refund: Json) -> list[Json]:
    order = _of_order(session, refund)
    return [each for each in order["transactions"] if each["id"] in refund["transactions"]]


def _is_done(transaction: Json) -> bool:
    return bool(transaction["status"] == "SUCCESS")


def _refund_price(session: Session, row: Json) -> Json:
    order = _of_order(session, row)
    line = next(each for each in order["lines"] if each["id"] == row["line"])
    return bag(session, order, line["price"])


def _line_of(session: Session, row: Json) -> Json:
    return next(each for each in _of_order(session, row)["lines"] if each["id"] == row["line"])


def _shipping_line_of(session: Session, row: Json) -> Json:
    return next(each for each in _of_order(session, row)["shipping"] if each["id"] == row["shippingLine"])


ORDER: Fields = {
    "id": own_id("Order"),
    "legacyResourceId": plain("id"),
    "app": lambda _session, order: {"id": gid("App", 580111), "name": order["channel"]},
    "customer": _customer,
    "closed": lambda _session, order: order["closedAt"] is not None,
    "fullyPaid": lambda session, order: sums.received_of(order) >= sums.total_of(session.state, order),
    "unpaid": lambda _session, order: not sums.received_of(order),
    "displayFinancialStatus": lambda session, order: sums.financial_status(session.state, order),
    "displayFulfillmentStatus": lambda _session, order: fulfillment_status(order),
    "returnStatus": lambda _session, _order: "NO_RETURN",
    "discountCode": lambda _session, order: next(iter(order["codes"]), None),
    "discountCodes": plain("codes"),
    "discountApplications": lambda session, order, **page: connect(
        session, order["applications"], lambda row: row["index"], **page
    ),
    "lineItems": _pages("lines"),
    "shippingLine": lambda _session, order: next(iter(order["shipping"]), None),
    "shippingLines": _shipping_lines,
    "fulfillments": lambda _session, order, first=None, query=None: listed(order["fulfillments"], first),
    "transactions": lambda _session, order, first=None, **_: listed(order["transactions"], first),
    "transactionsCount": lambda _session, order: {"count": len(order["transactions"]), "precision": "EXACT"},
    "refunds": lambda _session, order, first=None: listed(order["refunds"], first),
    "paymentGatewayNames": lambda _session, order: sorted(
        {each["gateway"] for each in order["transactions"]}
    ),
    "subtotalLineItemsQuantity": lambda _session, order: sum(each["quantity"] for each in order["lines"]),
    "currentSubtotalLineItemsQuantity": lambda _session, order: sum(
        each["quantity"] - each["removed"] for each in order["lines"]
    ),
    "taxLines": lambda session, order: tax_lines(session, order, sums.tax_of(session.state, order)),
    "currentTaxLines": lambda session, order: tax_lines(
        session, order, sums.present_tax_of(session.state, order)
    ),
    "subtotalPriceSet": _summed(lambda _state, order: sums.subtotal_of(order)),
    "totalPriceSet": _summed(sums.total_of),
    "originalTotalPriceSet": _summed(lambda _state, order: order["originalTotal"]),
    "totalTaxSet": _summed(sums.tax_of),
    "totalShippingPriceSet": _summed(
        lambda _state, order: sums.total(each["price"] for each in order["shipping"])
    ),
    "totalTipReceivedSet": _summed(lambda _state, order: order["tip"]),
    "totalDiscountsSet": _summed(lambda _state, order: sums.discounts_of(order)),
    "currentSubtotalPriceSet": _summed(sums.present_subtotal_of),
    "currentTotalPriceSet": _summed(sums.present_total_of),
    "currentTotalTaxSet": _summed(sums.present_tax_of),
    "currentTotalDiscountsSet": _summed(
        lambda state, order: sums.total(
            sums.present_of(state, sums.allocated(each), each) for each in order["lines"]
        )
    ),
    "currentShippingPriceSet": _summed(lambda _state, order: sums.present_shipping_of(order)),
    "totalReceivedSet": _summed(lambda _state, order: sums.received_of(order)),
    "totalRefundedSet": _summed(lambda _state, order: sums.refunded_of(order)),
    "totalRefundedShippingSet": _summed(lambda _state, order: sums.refunded_shipping_of(order)),
    "totalOutstandingSet": _summed(
        lambda state, order: (
            sums.present_total_of(state, order) - sums.received_of(order) + sums.refunded_of(order)
        )
    ),
    "refundDiscrepancySet": _summed(lambda _state, order: sums.discrepancy_of(order)),
    "netPaymentSet": _summed(lambda _state, order: sums.received_of(order) - sums.refunded_of(order)),
}
LINE: Fields = {
    "id": own_id("LineItem"),
    "name": plain("title"),
    "currentQuantity": lambda _session, line: line["quantity"] - line["removed"],
    "refundableQuantity": lambda _session, line: line["quantity"] - line["removed"],
    "product": lambda session, line: session.state.products.get(line["product"]),
    "variant": lambda session, line: session.state.products.get(line["product"], {}).get("variant"),
    "originalUnitPriceSet": _amount("price"),
    "originalTotalSet": _of_line(sums.original_of),
    "discountedTotalSet": _discounted,
    "discountedUnitPriceSet": _amount("price"),
    "discountedUnitPriceAfterAllDiscountsSet": _of_line(lambda line: _each(sums.discounted_of(line), line)),
    "totalDiscountSet": _of_line(sums.allocated),
    "discountAllocations": _allocations,
    "taxLines": lambda session, line, first=None: listed(_line_tax(session, line), first),
}
SHIPPING: Fields = {
    "id": own_id("ShippingLine"),
    "originalPriceSet": _amount("price"),
    "discountedPriceSet": _of_line(lambda row: row["price"] - sums.allocated(row)),
    "currentDiscountedPriceSet": _of_line(lambda row: row["price"] - sums.allocated(row)),
    "discountAllocations": _allocations,
    "taxLines": _shipping_tax,
}
TRANSACTION: Fields = {
    "id": own_id("OrderTransaction"),
    "amountSet": _amount("amount"),
    "order": _of_order,
    "formattedGateway": plain("gateway"),
    # A text, as is seen of it, though its type is JSON.
    "receiptJson": lambda _session, row: json.dumps(row["receipt"]),
    "manualPaymentGateway": lambda _session, row: row["gateway"] == "manual",
    "parentTransaction": lambda session, row: next(
        (each for each in _of_order(session, row)["transactions"] if each["id"] == row["parent"]), None
    ),
}
FULFILLMENT: Fields = {
    "id": own_id("Fulfillment"),
    "legacyResourceId": plain("id"),
    "name": lambda _session, row: f"#{row['id']}",
}
REFUND: Fields = {
    "id": own_id("Refund"),
    "legacyResourceId": plain("id"),
    "order": _of_order,
    "return": lambda _session, _refund: None,
    "totalRefundedSet": _refunded,
    "refundLineItems": _pages("lines"),
    "refundShippingLines": _pages("shipping"),
    "orderAdjustments": _pages("adjustments"),
    "transactions": lambda session, refund, **page: connect(session, _payments(session, refund), **page),
}
REFUND_LINE: Fields = {
    "id": own_id("RefundLineItem"),
    "lineItem": _line_of,
    "restocked": lambda _session, row: row["restockType"] in ("RETURN", "CANCEL"),
    "priceSet": _refund_price,
    "subtotalSet": _amount("subtotal"),
    "totalTaxSet": _amount("tax"),
}
REFUND_SHIPPING: Fields = {
    "id": own_id("RefundShippingLine"),
    "shippingLine": _shipping_line_of,
    "subtotalAmountSet": _amount("amount"),
    "taxAmountSet": _amount("tax"),
}
ADJUSTMENT: Fields = {
    "id": own_id("OrderAdjustment"),
    "amountSet": _amount("amount"),
    "taxAmountSet": lambda session, row: bag(session, _of_order(session, row), Fraction(0)),
}
ORDER_TYPES: dict[str, Fields] = {
    "Order": ORDER,
    "LineItem": LINE,
    "ShippingLine": SHIPPING,
    "OrderTransaction": TRANSACTION,
    "Fulfillment": FULFILLMENT,
    "Refund": REFUND,
    "RefundLineItem": REFUND_LINE,
    "RefundShippingLine": REFUND_SHIPPING,
    "OrderAdjustment": ADJUSTMENT,
}
