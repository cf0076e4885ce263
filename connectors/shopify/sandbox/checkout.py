"""Whether a checkout of the sandbox shop may use codes, and what they take off (help.shopify.com/manual/discounts)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from connectors.shopify.sandbox import sums
from connectors.shopify.sandbox.discount_fields import class_of
from connectors.shopify.sandbox.discounts import find_by_code, status_of
from connectors.shopify.sandbox.state import Json, State, short_text

MOST_CODES = 5
COMBINES = {"ORDER": "orderDiscounts", "PRODUCT": "productDiscounts", "SHIPPING": "shippingDiscounts"}


class CheckoutError(Exception):
    """The checkout does not take a code; the text is what the buyer reads."""


def use_codes(state: State, order: Json, codes: Sequence[str]) -> None:
    """Take the discounts of the codes off an order and count their use; raises CheckoutError and then takes none."""
    rows: list[Json] = []
    for code in codes:
        row = _admitted(state, order, code)
        if row in rows:
            continue
        clash = next((each for each in rows if not _combine(each, row)), None)
        if clash is not None:
            raise CheckoutError(f"{row['code']} couldn't be used with your existing discounts.")
        rows.append(row)
    if sum(class_of(each) != "SHIPPING" for each in rows) > MOST_CODES:
        raise CheckoutError(f"You can use {MOST_CODES} discount codes at most.")
    # Product discounts come first, so that one on the whole order takes its share of what is left.
    for row in sorted(rows, key=lambda each: ("PRODUCT", "ORDER", "SHIPPING").index(class_of(each))):
        _take_off(state, order, row)
    for row in rows:
        row["uses"] += 1
        row["usedBy"].append(user_of(order))


def user_of(order: Json) -> str:
    """Return in whose name an order uses a code."""
    return str(order["customer"] or (order["email"] or "").casefold())


def _admitted(state: State, order: Json, code: str) -> Json:
    row = find_by_code(state, code)
    if row is None or status_of(state, row) == "SCHEDULED":
        raise CheckoutError("Enter a valid discount code")
    if status_of(state, row) == "EXPIRED":
        raise CheckoutError(f"{row['code']} discount code has expired")
    if row["customers"] is not None and order["customer"] not in row["customers"]:
        raise CheckoutError(f"{row['code']} discount code isn't available to you right now")
    is_spent = row["usageLimit"] is not None and row["uses"] >= row["usageLimit"]
    is_spent = is_spent or (row["appliesOncePerCustomer"] and user_of(order) in row["usedBy"])
    if is_spent and not _slips_through(state, row):
        raise CheckoutError(f"{row['code']} discount code has reached its usage limit")
    if not _reaches_minimum(order, row):
        raise CheckoutError(f"{row['code']} isn't valid for the items in your cart: minimum not reached")
    if class_of(row) != "SHIPPING" and not _entitled(state, order, row):
        raise CheckoutError(f"{row['code']} discount code isn't valid for the items in your cart")
    return row


def _slips_through(state: State, row: Json) -> bool:
    """Return whether a checkout is one of those that were checked before another's use was counted; each is so once."""
    code = row["code"].casefold()
    left = state.early_checks.get(code, 0)
    state.early_checks[code] = max(0, left - 1)
    return left > 0


def _combine(one: Json, other: Json) -> bool:
    """Two discounts combine when each says that it does with the other's class."""
    return bool(
        one["combinesWith"][COMBINES[class_of(other)]] and other["combinesWith"][COMBINES[class_of(one)]]
    )


def _reaches_minimum(order: Json, row: Json) -> bool:
    if row["minimum"] is None:
        return True
    kind, least = row["minimum"]
    if kind == "quantity":
        return bool(sum(each["quantity"] for each in order["lines"]) >= least)
    return bool(sums.subtotal_of(order) >= least)


def _entitled(state: State, order: Json, row: Json) -> list[Json]:
    """Return the lines to which a discount applies; never gift cards."""
    lines = [each for each in order["lines"] if not each["isGiftCard"]]
    if not (row["products"] or row["variants"] or row["collections"]):
        return lines
    collections = set(row["collections"])
    return [
        each
        for each in lines
        if each["product"] in row["products"]
        or each["variant"] in row["variants"]
        or collections & set(state.products[each["product"]]["collections"])
    ]


def _take_off(state: State, order: Json, row: Json) -> None:
    index = len(order["applications"])
    is_shipping = class_of(row) == "SHIPPING"
    lines = order["shipping"] if is_shipping else _entitled(state, order, row)
    order["applications"].append(_application(state, row, index))
    order["codes"].append(row["code"])
    taken = _free_shipping(row, lines) if is_shipping else _shares(state, row, lines)
    for line, amount in zip(lines, taken, strict=True):
        if amount:
            line["allocations"].append({"index": index, "amount": amount})


def _free_shipping(row: Json, lines: list[Json]) -> list[Fraction]:
    most = row["maximumShippingPrice"]
    return [
        line["price"] - sums.allocated(line) if most is None or line["price"] <= most else Fraction(0)
        for line in lines
    ]


def _shares(state: State, row: Json, lines: list[Json]) -> list[Fraction]:
    left = [sums.discounted_of(line) for line in lines]
    if row["percentage"] is not None:
        return [state.round(amount * row["percentage"]) for amount in left]
    if row["onEachItem"]:
        return [
            min(amount, row["amount"] * line["quantity"]) for amount, line in zip(left, lines, strict=True)
        ]
    return _spread(state, min(row["amount"], sums.total(left)), left)


def _spread(state: State, amount: Fraction, weights: list[Fraction]) -> list[Fraction]:
    """Return an amount spread over weights, to the last unit."""
    whole, done, given = sums.total(weights), Fraction(0), Fraction(0)
    shares = []
    for weight in weights:
        done += weight
        upto = state.round(amount * done / whole) if whole else Fraction(0)
        shares.append(upto - given)
        given = upto
    return shares


def _application(state: State, row: Json, index: int) -> Json:
    is_shipping = class_of(row) == "SHIPPING"
    money = {"__typename": "MoneyV2", "currencyCode": state.options.currency}
    if row["percentage"] is not None or is_shipping:
        share = float((row["percentage"] or Fraction(1)) * 100)
        value: Json = {"__typename": "PricingPercentageValue", "percentage": share}
    else:
        value = money | {"amount": short_text(row["amount"])}
    return {
        "__typename": "DiscountCodeApplication",
        "id": index,
        "index": index,
        "code": row["code"],
        "allocationMethod": "EACH" if row["onEachItem"] or is_shipping else "ACROSS",
        "targetSelection": "ALL" if class_of(row) == "ORDER" or is_shipping else "ENTITLED",
        "targetType": "SHIPPING_LINE" if is_shipping else "LINE_ITEM",
        "value": value,
    }
