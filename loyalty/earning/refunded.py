"""What refunds leave of each part of an order; law: however a refund is split or repeated, the same is
left (RULES §4, §9 (12)-(14)).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from loyalty.commerce import OrderSnapshot, Refund
from loyalty.earning.base import Part, order_parts
from loyalty.programs.program import Earning
from loyalty.values import ONE, ZERO


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of an order: a factor for each line id, and the refunded share of its total."""

    factors: dict[str, Fraction]
    refunded_share: Fraction

    def of(self, part: Part) -> Fraction:
        """Return the base that is left of a part."""
        factor = self.factors.get(part.line.id)
        return part.base if factor is None else part.base * factor


ALL_LEFT = Left({}, ZERO)


def nothing_left(parts: Iterable[Part]) -> Left:
    """Return the state of an order that is dead or fully refunded."""
    return Left({part.line.id: ZERO for part in parts}, ONE)


def what_is_left(order: OrderSnapshot, parts: tuple[Part, ...], refunds: Iterable[Refund]) -> Left:
    """Return the share of each part that survives the refunds, all judged together."""
    counted = [refund for refund in refunds if refund.amount > 0]
    if not counted:
        return ALL_LEFT
    amounts, quantities = _named(counted)
    named = {
        part.line.id: max(ZERO, min(part.charge, amounts[part.line.id]))
        for part in parts
        if part.line.id in amounts
    }
    by_name = sum(named.values(), ZERO)
    total = max(Fraction(order.total), by_name)
    unnamed = max(ZERO, min(total, sum((Fraction(r.amount) for r in counted), ZERO)) - by_name)
    rest = ONE - min(ONE, unnamed / (total - by_name)) if total > by_name else ZERO
    factors = {part.line.id: _kept(part, named, quantities) * rest for part in parts}
    share = min(ONE, (by_name + unnamed) / total) if total else ZERO
    return Left(factors, share)


def refunded_share(order: OrderSnapshot, refunds: Iterable[Refund]) -> Fraction:
    """Return how much of what an order costs these refunds give back, from 0 to 1 (RULES §9 (13))."""
    return what_is_left(order, order_parts(order, Earning(), frozenset()), refunds).refunded_share


def _named(refunds: list[Refund]) -> tuple[dict[str, Fraction], dict[str, int]]:
    amounts: defaultdict[str, Fraction] = defaultdict(Fraction)
    quantities: defaultdict[str, int] = defaultdict(int)
    for refund in refunds:
        for line in refund.lines:
            amounts[line.line_id] += Fraction(line.amount)
            quantities[line.line_id] += line.quantity
    return amounts, quantities


def _kept(part: Part, named: dict[str, Fraction], quantities: dict[str, int]) -> Fraction:
    line = part.line
    if line.id not in named:
        return ONE
    if part.charge:
        return ONE - named[line.id] / part.charge
    return ONE - min(ONE, Fraction(max(0, quantities[line.id]), max(1, line.quantity)))
