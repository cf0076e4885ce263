"""What the lines of an order of the sandbox shop cost: products, coupons, shipping, fees, tax, all exact."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from connectors.woocommerce.sandbox.coupons import find_by_code
from connectors.woocommerce.sandbox.discounts import Item, take_off
from connectors.woocommerce.sandbox.state import Json, State, as_fraction


def tax_share(state: State) -> Fraction:
    """Return the tax per unit of net price."""
    return as_fraction(state.options.tax_rate) / 100


def net_of(state: State, price: Fraction) -> Fraction:
    """Return a catalogue price without the tax it may include."""
    return price / (1 + tax_share(state)) if state.options.prices_include_tax else price


def goods_line(state: State, given: Json) -> Json:
    """Return a line of goods; an unknown product makes an empty line (rest error-order-invalid-product)."""
    product = state.products.get(int(given.get("variation_id") or given.get("product_id") or 0))
    quantity = int(given.get("quantity", 1))
    price = net_of(state, as_fraction(product["price"])) if product else Fraction(0)
    subtotal = as_fraction(given["subtotal"]) if "subtotal" in given else price * quantity
    total = as_fraction(given["total"]) if "total" in given else subtotal
    parent_id = int(product["parent_id"]) if product else 0
    line: Json = {
        "id": state.new_id(state.items),
        "name": product["name"] if product else "",
        "product_id": (parent_id or int(product["id"])) if product else 0,
        "variation_id": int(product["id"]) if product and parent_id else 0,
        "quantity": quantity,
        "tax_class": "",
    }
    line |= {"taxes": [], "meta_data": [], "sku": product["sku"] if product else None}
    line |= {"global_unique_id": "" if product else None, "price": 0}
    # As recorded: a product without a picture has the id "", a variation or no product the id 0.
    line["image"] = {"id": "" if product and not parent_id else 0, "src": ""}
    line["parent_name"] = state.products[parent_id]["name"] if parent_id in state.products else None
    return set_amounts(state, line, subtotal, total)


def set_amounts(state: State, line: Json, subtotal: Fraction, total: Fraction) -> Json:
    """Set what a line costs before and after coupons, net, with the tax of each beside it."""
    share = tax_share(state)
    line |= {"subtotal": state.money(subtotal), "subtotal_tax": state.money(subtotal * share)}
    line |= {"total": state.money(total), "total_tax": state.money(total * share)}
    each = total / line["quantity"] if line["quantity"] else Fraction(0)
    line["price"] = int(each) if each.denominator == 1 else float(f"{each.numerator / each.denominator:.6f}")
    return line


def shipping_line(state: State, given: Json) -> Json:
    """Return a shipping line."""
    total = as_fraction(given.get("total"))
    return {
        "id": state.new_id(state.items),
        "method_title": str(given.get("method_title", "")),
        "method_id": str(given.get("method_id", "")),
        "instance_id": "",
        "total": state.money(total),
        "total_tax": state.money(total * tax_share(state)),
        "taxes": [],
        "tax_status": "taxable",
        "meta_data": [],
    }


def fee_line(state: State, given: Json) -> Json:
    """Return a fee line, which may be negative."""
    total = as_fraction(given.get("total"))
    return {
        "id": state.new_id(state.items),
        "name": str(given.get("name", "")),
        "tax_class": "",
        "tax_status": "taxable",
        "amount": "",
        "total": state.money(total),
        "total_tax": state.money(total * tax_share(state)),
        "taxes": [],
        "meta_data": [],
    }


def use_coupon(state: State, order: Json, code: str) -> Json:
    """Take a coupon's discount from the lines of goods and return the order's coupon line."""
    coupon = find_by_code(state, code)
    assert coupon is not None
    amount, lines = as_fraction(coupon["amount"]), order["line_items"]
    net_before, tax_before = _sum(lines, "total"), _sum(lines, "total_tax")
    _take_discount(state, lines, coupon)
    info = f'[{coupon["id"]},"{coupon["code"]}",{_kind(coupon)},{_plain(amount)}]'
    meta = {"key": "coupon_info", "value": info, "display_key": "coupon_info", "display_value": info}
    return {
        "id": state.new_id(state.items),
        "code": coupon["code"],
        "discount": state.money(net_before - _sum(lines, "total")),
        "discount_tax": state.money(tax_before - _sum(lines, "total_tax")),
        "meta_data": [{"id": state.new_id(state.metas), **meta}],
        "discount_type": coupon["discount_type"],
        "nominal_amount": _plain(amount),
        "free_shipping": coupon["free_shipping"],
    }


def set_totals(state: State, order: Json) -> None:
    """Sum an order up: its total is gross, its lines are net."""
    goods, shipping, fees = order["line_items"], order["shipping_lines"], order["fee_lines"]
    cart_tax = _sum(goods, "total_tax") + _sum(fees, "total_tax")
    shipping_tax = _sum(shipping, "total_tax")
    net = _sum(goods, "total") + _sum(shipping, "total") + _sum(fees, "total")
    discount = _sum(goods, "subtotal") - _sum(goods, "total")
    discount_tax = _sum(goods, "subtotal_tax") - _sum(goods, "total_tax")
    order |= {"discount_total": state.money(discount), "discount_tax": state.money(discount_tax)}
    order |= {
        "shipping_total": state.money(_sum(shipping, "total")),
        "shipping_tax": state.money(shipping_tax),
    }
    order |= {"cart_tax": state.money(cart_tax), "total_tax": state.money(cart_tax + shipping_tax)}
    order["total"] = state.money(max(net + cart_tax + shipping_tax, Fraction(0)))


def _sum(lines: list[Json], key: str) -> Fraction:
    return sum((as_fraction(line[key]) for line in lines), Fraction(0))


def _take_discount(state: State, lines: list[Json], coupon: Json) -> None:
    """Lower the totals of the lines by what a coupon takes of them."""
    unit, gross = 10**state.options.decimals, 1 + tax_share(state)
    factor = gross if state.options.prices_include_tax else Fraction(1)
    items = [_item(line, factor * unit) for line in lines]
    take_off(state, coupon, items)
    for item in items:
        left = Fraction(item.price - item.off, unit) / factor
        set_amounts(state, item.line, as_fraction(item.line["subtotal"]), left)


def _item(line: Json, scale: Fraction) -> Item:
    price, left = (Fraction(round(as_fraction(line[key]) * scale)) for key in ("subtotal", "total"))
    return Item(line, price, price - left)


def _kind(coupon: Json) -> str:
    return "null" if coupon["discount_type"] == "fixed_cart" else f'"{coupon["discount_type"]}"'


def _plain(amount: Fraction) -> Any:
    return int(amount) if amount.denominator == 1 else float(amount)
