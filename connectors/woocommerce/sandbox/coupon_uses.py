"""Whether orders and carts of the sandbox shop may use a code, and how uses are counted (class-wc-discounts.php)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from connectors.woocommerce.sandbox.coupons import find_by_code
from connectors.woocommerce.sandbox.discounts import categories_of, ids_of
from connectors.woocommerce.sandbox.errors import RestError
from connectors.woocommerce.sandbox.state import Json, State, as_fraction, instant_of

UNUSED_STATUSES = ("cancelled", "failed", "trash", "checkout-draft")
"""Orders in these do not count as a use; unpaid pending ones do."""


def why_refused(state: State, code: str, order: Json) -> str:
    """Return why an order may not use a code, in the shop's words; empty when it may."""
    coupon, quoted = find_by_code(state, code), f"&quot;{code}&quot;"
    if coupon is None:
        return f"Coupon {quoted} cannot be applied because it does not exist."
    if any(line["code"] == coupon["code"] for line in order["coupon_lines"]):
        return "Coupon code already applied!"
    if coupon["date_expires"] and state.now() > instant_of(coupon, "date_expires"):
        return f"Coupon {quoted} has expired."
    if _is_used_up(coupon, order) and not _slips_through(state, coupon):
        return f"Usage limit for coupon {quoted} has been reached."
    if coupon["email_restrictions"] and order["billing"]["email"].lower() not in coupon["email_restrictions"]:
        return f"Please enter a valid email at checkout to use coupon code {quoted}."
    if _subtotal(order) < as_fraction(coupon["minimum_amount"]):
        return f"The minimum spend for coupon {quoted} is {state.money(coupon['minimum_amount'], 2)}."
    if not _has_what_is_asked_for(state, coupon, order):
        return f"Sorry, coupon {quoted} is not applicable to selected products."
    return ""


def enter_codes(state: State, codes: Sequence[str]) -> list[str]:
    """Return which codes stay in a cart when a buyer enters them one after the other: one for individual use puts those
    before it out, and keeps those after it out (StoreApi/Utilities/CartController.php); raises RestError.
    """
    entered: list[str] = []
    for code in (each.lower() for each in codes):
        if code in entered:
            raise _cart_error(f'Coupon code "{code}" has already been applied.')
        first = next((each for each in entered if _is_alone(state, each)), None)
        if first is not None:
            raise _cart_error(
                f'"{first}" has already been applied and cannot be used in conjunction with other coupons.'
            )
        entered = [code] if _is_alone(state, code) else [*entered, code]
    return entered


def count_use(state: State, order: Json) -> None:
    """Bring the uses of coupons in line with the order's status; a refund gives none back."""
    for coupon_id, who in state.coupon_uses.pop(order["id"], []):
        if coupon_id in state.coupons and who in state.coupons[coupon_id]["used_by"]:
            state.coupons[coupon_id]["used_by"].remove(who)
            state.coupons[coupon_id]["usage_count"] -= 1
    if order["status"] in UNUSED_STATUSES:
        return
    for line in order["coupon_lines"]:
        coupon = find_by_code(state, line["code"])
        if coupon is not None:
            coupon["used_by"].append(user_of(order))
            coupon["usage_count"] += 1
            state.coupon_uses.setdefault(order["id"], []).append((coupon["id"], user_of(order)))


def user_of(order: Json) -> str:
    """Return in whose name an order uses a coupon: the customer's id, or a guest's e-mail."""
    return str(order["customer_id"] or order["billing"]["email"])


def _is_used_up(coupon: Json, order: Json) -> bool:
    limits = (
        (coupon["usage_limit"], coupon["usage_count"]),
        (coupon["usage_limit_per_user"], coupon["used_by"].count(user_of(order))),
    )
    return any(limit and uses >= limit for limit, uses in limits)


def _slips_through(state: State, coupon: Json) -> bool:
    """Return whether an order is one of those that were checked before another's use was counted; each is so once."""
    left = state.early_checks.get(coupon["code"], 0)
    state.early_checks[coupon["code"]] = max(0, left - 1)
    return left > 0


def _subtotal(order: Json) -> Fraction:
    """Return what the goods cost before coupons, as their prices are stated: with tax, or without."""
    keys = ("subtotal", "subtotal_tax") if order["prices_include_tax"] else ("subtotal",)
    return sum((as_fraction(line[key]) for line in order["line_items"] for key in keys), start=Fraction(0))


def _has_what_is_asked_for(state: State, coupon: Json, order: Json) -> bool:
    """Return whether the order has one of the products, and one of the categories, where a coupon names any."""
    lines = order["line_items"]
    products, categories = set(coupon["product_ids"]), set(coupon["product_categories"])
    has_product = not products or any(products & ids_of(line) for line in lines)
    return has_product and (not categories or any(categories & categories_of(state, line) for line in lines))


def _is_alone(state: State, code: str) -> bool:
    coupon = find_by_code(state, code)
    return coupon is not None and bool(coupon["individual_use"])


def _cart_error(message: str) -> RestError:
    return RestError(400, "woocommerce_rest_cart_coupon_error", message)
