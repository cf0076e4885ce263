"""A refund of Shopify in our words: what was given back, and of which lines (RULES §4).

Its figures stand in several places that must not be added up: shipping in its own lines and, in deliveries, again among
the adjustments; a whole pending refund again as a positive adjustment that balances it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from connectors.shopify.lines import shipping_id
from connectors.shopify.schemas import Loaded
from loyalty.commerce import Refund, RefundLine

NOTHING = Decimal(0)
MOVING = frozenset({"SUCCESS", "PENDING"})
"""A pending refund counts (RULES §4): with Shopify Payments it is the usual state for days."""
DISCREPANCY = "REFUND_DISCREPANCY"


def refunds_of(order: Loaded) -> tuple[Refund, ...]:
    """Return the refunds of an order, the oldest first; of the order its shipping lines and whether prices contain tax
    are looked at.

    The amount of one is the money that moved; where none did, what it names (an edit took a line off, an exchange);
    where it names nothing, a difference in the buyer's favour. Money beyond what a refund names first pays back what
    earlier ones took off without money, as far as that had been paid (RULES §9 (12)): Shopify removes a paid line by
    one refund, and gives its money back by another.
    """
    unpaid, found = NOTHING, []
    for refund in sorted(order["refunds"], key=lambda each: _created_at(each, order)):
        lines = tuple(_lines(refund, order))
        named = sum((line.amount for line in lines), NOTHING)
        amount = sum((each["amountSet"] for each in _money(refund) if each["status"] in MOVING), NOTHING)
        if amount:
            paid = min(unpaid, max(NOTHING, amount - named), _overpaid(order, unpaid))
            unpaid, amount = unpaid - paid, amount - paid
        else:
            unpaid, amount = unpaid + named, named or _discrepancy(refund)
        found.append(Refund(refund["id"], _created_at(refund, order), amount, lines))
    return tuple(found)


def _overpaid(order: Loaded, removed: Decimal) -> Decimal:
    """Return how much more was received than is owed without what was taken off; a delivery does not state it."""
    received = order["totalReceivedSet"]
    return removed if received is None else max(NOTHING, received - (order["totalPriceSet"] - removed))


def refunded_without_money(order: Loaded, refunds: Iterable[Refund], until: datetime) -> Decimal:
    """Return what was taken off an order up to an instant without that money moved for it."""
    without = {each["id"] for each in order["refunds"] if not _money(each)}
    found = [each.amount for each in refunds if each.id in without and each.created_at <= until]
    return sum(found, NOTHING)


def _created_at(refund: Loaded, order: Loaded) -> datetime:
    at: datetime = refund["createdAt"] or refund["processedAt"] or order["updatedAt"]
    return at


def _money(refund: Loaded) -> list[Loaded]:
    return [each for each in refund["transactions"] if each["kind"] == "REFUND"]


def _lines(refund: Loaded, order: Loaded) -> Iterable[RefundLine]:
    """Yield what is named, with tax: where prices contain it, their subtotals do too."""
    included = order["taxesIncluded"]
    for item in refund["refundLineItems"]:
        tax = NOTHING if included else item["totalTaxSet"]
        yield RefundLine(item["lineItem"], item["quantity"], item["subtotalSet"] + tax)
    for item in refund["refundShippingLines"]:
        tax = NOTHING if included else item["taxAmountSet"]
        yield RefundLine(_shipping_line(item, order), 1, item["subtotalAmountSet"] + tax)


def _shipping_line(item: Loaded, order: Loaded) -> str:
    """Return which shipping line is meant; one without an id is the only one, or none that we know."""
    known = [shipping_id(line, place) for place, line in enumerate(order.get("shippingLines", ()))]
    return item["shippingLine"] or (known[0] if len(known) == 1 else "")


def _discrepancy(refund: Loaded) -> Decimal:
    """Return what the buyer got beyond what is named; positive adjustments balance the books and are no refunds."""
    found = [
        each["amountSet"] + each["taxAmountSet"]
        for each in refund["orderAdjustments"]
        if each["reason"] == DISCREPANCY
    ]
    return -sum((each for each in found if each < NOTHING), NOTHING)
