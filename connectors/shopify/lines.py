"""The lines of an order net of tax, whether the shop's prices contain it or not, and what its codes gave.

Prices contain the tax where `taxesIncluded` is true (Admin schema, `Order.subtotalPriceSet`); nothing is rounded but
the share of the tax, to eight decimals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from connectors.shopify.schemas import Loaded
from loyalty.commerce import CouponUse, LineKind, OrderLine, ProductFacts

Products = Mapping[str, Loaded] | None
"""What the shop said of the products by their ids; None: it was not asked."""
NOTHING = Decimal(0)
DECIMALS = 8
TIP = "tip"


def lines_of(order: Loaded, products: Products) -> tuple[OrderLine, ...]:
    """Return goods, shipping and the tip of an order."""
    included, tipped = order["taxesIncluded"], _tipped(order)
    goods = [_goods(line, products, included=included) for line in order["lineItems"]]
    goods = [replace(line, kind=LineKind.TIP) if line.id in tipped else line for line in goods]
    shipping = [
        _shipping(line, shipping_id(line, place), included=included)
        for place, line in enumerate(order["shippingLines"])
    ]
    tip = order["totalTipReceivedSet"] - sum(tipped.values(), NOTHING)
    tips = [OrderLine(TIP, LineKind.TIP, 1, tip, NOTHING, tip, NOTHING)] if tip else []
    return (*goods, *shipping, *tips)


def _tipped(order: Loaded) -> dict[str, Decimal]:
    """Return the lines that are tips, with their amounts: Shopify states a tip as a line without a product, too (Admin
    schema, `TipSale.lineItem`, `Order.nonFulfillableLineItems`), where nothing but its amount tells it from a line
    that somebody typed into a draft.
    """
    tip = order["totalTipReceivedSet"]
    typed = {
        line["id"]: _after(line)
        for line in order["lineItems"]
        if tip and not line["product"] and not line["variant"] and not line["isGiftCard"]
    }
    if sum(typed.values(), NOTHING) == tip:
        return typed
    alone = next((line for line, amount in typed.items() if amount == tip), None)
    return {alone: tip} if alone else {}


def shipping_id(line: Loaded, place: int) -> str:
    """Return by what a shipping line is known; one that an app made may have no id (Admin schema, nullable)."""
    return line["id"] or f"shipping-{place}"


def list_coupons(order: Loaded) -> tuple[CouponUse, ...]:
    """Return the codes of an order with what they took off its goods, net of tax; freed shipping is no discount."""
    given: dict[str, list[Decimal]] = {}
    names = {code.casefold(): code for code in order["discountCodes"] if code}
    for code, net, tax in _allocations(order):
        names.setdefault(code.casefold(), code)
        sums = given.setdefault(code.casefold(), [NOTHING, NOTHING])
        sums[0] += net
        sums[1] += tax
    return tuple(CouponUse(names[key], *given.get(key, (NOTHING, NOTHING))) for key in names)


def _allocations(order: Loaded) -> Iterator[tuple[str, Decimal, Decimal]]:
    for line in order["lineItems"]:
        for each in line["discountAllocations"]:
            if each["discountApplication"]:
                tax = _tax_in(each["allocatedAmountSet"], line, included=order["taxesIncluded"])
                net = each["allocatedAmountSet"] - (tax if order["taxesIncluded"] else NOTHING)
                yield each["discountApplication"], net, tax


def _goods(line: Loaded, products: Products, *, included: bool) -> OrderLine:
    variant = line["variant"]
    before_tax, tax = _tax_in(line["originalTotalSet"], line, included=included), _taxes(line)
    return OrderLine(
        id=line["id"],
        kind=LineKind.PRODUCT,
        quantity=line["quantity"],
        subtotal=line["originalTotalSet"] - (before_tax if included else NOTHING),
        subtotal_tax=before_tax,
        total=_after(line) - (tax if included else NOTHING),
        total_tax=tax,
        product_id=line["product"],
        variation_id=variant["id"] if variant else "",
        sku=line["sku"],
        product=_facts(line, products),
    )


def _shipping(line: Loaded, line_id: str, *, included: bool) -> OrderLine:
    tax = _taxes(line)
    net = line["discountedPriceSet"] - (tax if included else NOTHING)
    return OrderLine(line_id, LineKind.SHIPPING, 1, net, tax, net, tax)


def _facts(line: Loaded, products: Products) -> ProductFacts | None:
    """A gift card says so by itself; a product that the shop no longer has belongs to no collection."""
    if products is None:
        return ProductFacts(gift_card=True) if line["isGiftCard"] else None
    known = products.get(line["product"])
    return ProductFacts(
        category_ids=tuple(known["collections"]) if known else (),
        tags=known["tags"] if known else (),
        gift_card=line["isGiftCard"],
        on_sale=_is_on_sale(line["variant"]),
    )


def _is_on_sale(variant: Loaded | None) -> bool:
    if variant is None or variant["price"] is None or variant["compareAtPrice"] is None:
        return False
    return bool(variant["compareAtPrice"] > variant["price"])


def _after(line: Loaded) -> Decimal:
    """Return a line's price after all discounts, which the shop states before those of the order only."""
    off = sum((each["allocatedAmountSet"] for each in line["discountAllocations"]), NOTHING)
    return line["originalTotalSet"] - off  # type: ignore[no-any-return]


def _taxes(line: Loaded) -> Decimal:
    return sum((each["priceSet"] for each in line["taxLines"]), NOTHING)


def _tax_in(amount: Decimal, line: Loaded, *, included: bool) -> Decimal:
    """Return the tax in a part of a line's price as in the whole of it; by its rates where nothing is left to pay."""
    after = _after(line)
    if after:
        return _rounded(Fraction(amount) * Fraction(_taxes(line)) / Fraction(after))
    rate = Fraction(sum((each["rate"] for each in line["taxLines"]), NOTHING))
    return _rounded(Fraction(amount) * rate / (1 + rate if included else 1))


def _rounded(value: Fraction) -> Decimal:
    return Decimal(round(value * 10**DECIMALS)).scaleb(-DECIMALS)
