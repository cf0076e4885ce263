"""What of each part of an order earns and what it costs within the total;
law: exact, never below 0 (RULES §3, §9 (5)-(11)).
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from loyalty.commerce import LineKind, OrderLine, OrderSnapshot, ProductFacts
from loyalty.programs.program import Base, Earning
from loyalty.programs.terms import Discounts, Match
from loyalty.values import ONE, ZERO

NO_FACTS = ProductFacts()
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Part:
    """A line, shipping, fee or tip: `base` earns before refunds, `spread` is its share of the order's negative fees."""

    line: OrderLine
    base: Fraction
    spread: Fraction = ZERO

    @property
    def charge(self) -> Fraction:
        """Return what the part costs, with tax, within the order's total."""
        return max(ZERO, Fraction(self.line.total + self.line.total_tax) - self.spread)


def line_matches(match: Match, line: OrderLine) -> bool:
    """Return whether any list of a match names the product of the line."""
    if line.kind is not LineKind.PRODUCT:
        return False
    if (
        line.product_id in match.product_ids
        or line.variation_id in match.product_ids
        or line.sku in match.skus
    ):
        return True
    facts = line.product or NO_FACTS
    return not (match.category_ids.isdisjoint(facts.category_ids) and match.tags.isdisjoint(facts.tags))


def order_parts(
    order: OrderSnapshot, earning: Earning, laurel_codes: Set[str], own_credit: Decimal = NOTHING
) -> tuple[Part, ...]:
    """Return every part of an order that costs something or earns; negative fees are spread over the products.

    `own_credit` is how much of the order store credit paid that was ours.
    """
    with_tax = order.prices_include_tax if earning.base.tax is None else earning.base.tax
    reductions = _reductions(order, earning.base, with_tax, laurel_codes)
    parts = tuple(
        _part(line, earning, with_tax, reductions.get(line.id))
        for line in order.lines
        if not _is_discount(line)
    )
    unpaid = _share_not_paid(order, laurel_codes, own_credit)
    return tuple(replace(part, base=part.base * (ONE - unpaid)) for part in parts) if unpaid else parts


def _share_not_paid(order: OrderSnapshot, laurel_codes: Set[str], own_credit: Decimal) -> Fraction:
    """Return how much of the order, with everything that it costs, our gift cards and our credit paid."""
    ours = sum((tender.amount for tender in order.tenders if tender.code in laurel_codes), own_credit)
    return min(ONE, Fraction(ours) / Fraction(order.total)) if ours and order.total else ZERO


def _part(
    line: OrderLine, earning: Earning, with_tax: bool, reduction: tuple[Fraction, Fraction] | None
) -> Part:
    base = _amount(line, earning.base, with_tax) if _earns(line, earning) else ZERO
    if reduction is None:
        return Part(line, base)
    off_base, off_charge = reduction
    return Part(line, max(ZERO, base - off_base), off_charge)


def _amount(line: OrderLine, base: Base, with_tax: bool) -> Fraction:
    if base.discounts is Discounts.IGNORED:
        amount = line.subtotal + line.subtotal_tax if with_tax else line.subtotal
    else:
        amount = line.total + line.total_tax if with_tax else line.total
    return Fraction(amount) if amount > 0 else ZERO


def _earns(line: OrderLine, earning: Earning) -> bool:
    base = earning.base
    if line.kind is not LineKind.PRODUCT:
        return {LineKind.SHIPPING: base.shipping, LineKind.FEE: base.fees, LineKind.TIP: base.tips}[line.kind]
    facts = line.product or NO_FACTS
    if facts.gift_card and not base.gift_cards:
        return False
    if facts.on_sale and not base.sale_items:
        return False
    return not line_matches(earning.excluded, line)


def _is_discount(line: OrderLine) -> bool:
    return line.kind is LineKind.FEE and line.total < 0


def _reductions(
    order: OrderSnapshot, base: Base, with_tax: bool, laurel_codes: Set[str]
) -> dict[str, tuple[Fraction, Fraction]]:
    """Return what negative fees, and Laurel coupons whose discount is otherwise ignored, take off each
    product's base and charge.
    """
    products = [line for line in order.lines if line.kind is LineKind.PRODUCT]
    off_charge, off_base = _negative_fees(order, base, with_tax)
    by_cost = _shares({line.id: line.total + line.total_tax for line in products}) if off_charge else {}
    laurel = _laurel_discount(order, base, with_tax, laurel_codes)
    by_discount = _shares({line.id: line.subtotal - line.total for line in products}) if laurel else {}
    if not by_cost and not by_discount:
        return {}
    return {
        line.id: (
            off_base * by_cost.get(line.id, ZERO) + laurel * by_discount.get(line.id, ZERO),
            off_charge * by_cost.get(line.id, ZERO),
        )
        for line in products
    }


def _negative_fees(order: OrderSnapshot, base: Base, with_tax: bool) -> tuple[Fraction, Fraction]:
    fees = [line for line in order.lines if _is_discount(line)]
    charge = -sum((Fraction(line.total + line.total_tax) for line in fees), ZERO)
    if base.discounts is Discounts.IGNORED:
        return charge, ZERO
    return charge, charge if with_tax else -sum((Fraction(line.total) for line in fees), ZERO)


def _laurel_discount(order: OrderSnapshot, base: Base, with_tax: bool, laurel_codes: Set[str]) -> Fraction:
    if base.discounts is Discounts.DEDUCTED or not laurel_codes:
        return ZERO
    ours = [use for use in order.coupons if use.code.casefold() in laurel_codes]
    return sum(
        (Fraction(use.discount + use.discount_tax if with_tax else use.discount) for use in ours), ZERO
    )


def _shares(amounts: dict[str, Decimal]) -> dict[str, Fraction]:
    whole = sum(amounts.values(), Decimal(0))
    if whole <= 0:
        return {}
    return {key: Fraction(amount) / Fraction(whole) for key, amount in amounts.items()}


def gross_base(parts: tuple[Part, ...]) -> Fraction:
    """Return the base of the whole order before refunds."""
    return sum((part.base for part in parts), ZERO)
