"""What a coupon takes off each line of an order, in the smallest money of the shop (class-wc-discounts.php)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from connectors.woocommerce.sandbox.state import Json, State, as_fraction

HALF = Fraction(1, 2)
OF_PRODUCTS = ("fixed_product", "percent")
"""Types that take their discount from the products they name; the others only ask for one of them."""


@dataclass(slots=True)
class Item:
    """A line whose `price` is that of all its pieces before coupons, and `off` what coupons take of it."""

    line: Json
    price: Fraction
    off: Fraction

    @property
    def pieces(self) -> int:
        """Return how many pieces it has."""
        return int(self.line["quantity"])

    def left(self) -> int:
        """Return what still costs something."""
        return abs((self.price - self.off + HALF).__floor__())


def fits(state: State, coupon: Json, line: Json) -> bool:
    """Return whether a line's product is among those that a coupon names, by itself or by a category; it names all
    when it names none. The sandbox has no categories within categories.
    """
    if not coupon["product_ids"] and not coupon["product_categories"]:
        return True
    return bool(
        ids_of(line) & set(coupon["product_ids"])
        or categories_of(state, line) & set(coupon["product_categories"])
    )


def ids_of(line: Json) -> set[int]:
    """Return the ids under which a coupon may name a line's product: its own, and that of the whole product."""
    return {line["product_id"], line["variation_id"]} - {0}


def categories_of(state: State, line: Json) -> set[int]:
    """Return the categories of a line's product; a variation has those of the whole product."""
    product = state.products.get(line["product_id"], {})
    return {int(each["id"]) for each in product.get("categories", ())}


def take_off(state: State, coupon: Json, items: Sequence[Item]) -> None:
    """Let a coupon take its discount from the items, those with the dearest pieces first (rest/usd-orders-get)."""
    ordered = sorted(items, key=lambda item: -Fraction(item.price, item.pieces or 1))
    of_products = coupon["discount_type"] in OF_PRODUCTS
    meant = [
        item
        for item in ordered
        if item.left() and item.pieces > 0 and (not of_products or fits(state, coupon, item.line))
    ]
    limit, amount = coupon["limit_usage_to_x_items"] or 0, as_fraction(coupon["amount"])
    if coupon["discount_type"] == "percent":
        _take_percent(meant, amount / 100, limit)
    elif coupon["discount_type"] == "fixed_product":
        _take_from_pieces(meant, amount * 10**state.options.decimals, limit)
    else:
        _take_from_cart(meant, amount * 10**state.options.decimals, limit)


def _take_percent(items: Sequence[Item], share: Fraction, limit: int) -> None:
    """Round down for each line; what the sum is short of goes to the lines one by one."""
    used, base, taken = 0, Fraction(0), 0
    for item in items:
        pieces = _pieces_meant(item, limit, used)
        price = Fraction((item.price + HALF).__floor__(), item.pieces) * pieces
        off = min(item.left(), (price * share).__floor__())
        item.off += off
        used, base, taken = used + pieces, base + price, taken + off
    _take_rest(items, (base * share - HALF).__ceil__() - taken)


def _take_from_pieces(items: Sequence[Item], amount: Fraction, limit: int) -> Fraction:
    """Take the amount from each piece; with a limit from so many pieces, and of each not more than it costs."""
    used, taken = 0, Fraction(0)
    for item in items:
        pieces = _pieces_meant(item, limit, used)
        each = min(amount, Fraction(item.price, item.pieces)) if limit else amount
        off = min(Fraction(item.left()), each * pieces)
        item.off += off
        used, taken = used + pieces, taken + off
    return taken


def _take_from_cart(items: Sequence[Item], amount: Fraction, limit: int) -> None:
    """Take the same of every piece as long as something is left of the amount and of the items."""
    open_items = [item for item in items if item.left()]
    pieces = sum(item.pieces for item in open_items)
    if not pieces or amount <= 0:
        return
    each = (amount / pieces).__floor__()
    if not each:
        _take_rest(open_items, amount)
        return
    taken = _take_from_pieces(open_items, Fraction(each), limit)
    if 0 < taken < amount:
        _take_from_cart(open_items, amount - taken, limit)


def _take_rest(items: Sequence[Item], amount: Fraction | int) -> None:
    """Take one at a time, as often as a line has pieces, until the amount is reached."""
    taken = 0
    for item in items:
        for _ in range(item.pieces):
            if taken >= amount:
                return
            off = min(item.left(), 1)
            item.off += off
            taken += off


def _pieces_meant(item: Item, limit: int, used: int) -> int:
    return max(0, min(limit - used, item.pieces)) if limit else item.pieces
