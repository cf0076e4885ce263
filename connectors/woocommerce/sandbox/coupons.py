"""The coupons of the sandbox shop: their REST API, and whether an order may use one (rest/coupons-*)."""

from __future__ import annotations

import re
from typing import Any

from connectors.woocommerce.sandbox.errors import RestError, invalid_id, not_in_enum
from connectors.woocommerce.sandbox.query import Reply, Request, ids_in, is_true, links_of, page_of
from connectors.woocommerce.sandbox.state import Json, State, as_fraction, instant_of
from connectors.woocommerce.sandbox.webhooks import emit

TYPES = ("percent", "fixed_cart", "fixed_product")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
UNUSED_STATUSES = ("cancelled", "failed", "trash", "checkout-draft")
"""Orders in these do not count as a use; unpaid pending ones do."""
BLANK: Json = {
    "status": "publish",
    "discount_type": "fixed_cart",
    "description": "",
    "date_expires": None,
    "date_expires_gmt": None,
    "usage_count": 0,
    "individual_use": False,
    "product_ids": [],
    "excluded_product_ids": [],
    "usage_limit": None,
    "usage_limit_per_user": None,
    "limit_usage_to_x_items": None,
    "free_shipping": False,
    "product_categories": [],
    "excluded_product_categories": [],
    "exclude_sale_items": False,
}
PLAIN = (
    "discount_type",
    "description",
    "individual_use",
    "usage_limit",
    "usage_limit_per_user",
    "free_shipping",
)


def create(state: State, request: Request) -> Reply:
    """Make a coupon; the code must be free, whatever its case."""
    code = str(request.body.get("code", "")).lower()
    if find_by_code(state, code):
        message = "The coupon code already exists"
        raise RestError(400, "woocommerce_rest_coupon_code_already_exists", message)
    coupon: Json = {"id": 0, "code": code, "amount": "0.00", **BLANK}
    coupon |= {"minimum_amount": "0.00", "maximum_amount": "0.00"}
    coupon |= {"email_restrictions": [], "used_by": [], "meta_data": []}
    _apply(state, coupon, request.body)
    coupon["id"] = state.new_post_id()
    state.stamp(coupon, "date_created")
    state.stamp(coupon, "date_modified")
    state.coupons[coupon["id"]] = coupon
    emit(state, "coupon.created", coupon["id"])
    location = f"{request.base}/wp-json/wc/v3/coupons/{coupon['id']}"
    return Reply(201, render(request, coupon), {"Location": location})


def render(request: Request, coupon: Json) -> Json:
    """Return a coupon as the REST API states it."""
    return {**coupon, "_links": links_of(request, "coupons", coupon["id"])}


def list_(state: State, request: Request) -> Reply:
    """List the coupons, all or of one code."""
    query = request.query
    include, code = ids_in(query, "include"), query.get("code")
    rows = [
        render(request, each)
        for each in reversed(state.coupons.values())
        if each["status"] == "publish"
        and (code is None or each["code"] == code.lower())
        and ("include" not in query or each["id"] in include)
    ]
    return page_of(request, rows)


def get(state: State, request: Request, number: int) -> Reply:
    """Return one coupon."""
    return Reply(200, render(request, _find(state, number)))


def update(state: State, request: Request, number: int) -> Reply:
    """Change a coupon."""
    coupon = _find(state, number)
    changed = {**coupon}
    _apply(state, changed, request.body)
    coupon |= changed
    state.stamp(coupon, "date_modified")
    emit(state, "coupon.updated", number)
    return Reply(200, render(request, coupon))


def delete(state: State, request: Request, number: int) -> Reply:
    """Put a coupon in the trash, which leaks product.deleted (woocommerce#12461), or by force remove it silently."""
    coupon = _find(state, number)
    shown = render(request, coupon)
    if is_true(request.query.get("force")):
        del state.coupons[number]
        return Reply(200, shown)
    coupon["status"] = "trash"
    emit(state, "coupon.deleted", number)
    emit(state, "product.deleted", number)
    return Reply(200, shown)


def find_by_code(state: State, code: str) -> Json | None:
    """Return the live coupon of a code."""
    live = (each for each in state.coupons.values() if each["status"] == "publish")
    return next((each for each in live if each["code"] == code.lower()), None)


def why_refused(state: State, code: str, order: Json, subtotal: Any) -> str:
    """Return why an order may not use a code, in the shop's words; empty when it may."""
    coupon, quoted = find_by_code(state, code), f"&quot;{code}&quot;"
    if coupon is None:
        return f"Coupon {quoted} cannot be applied because it does not exist."
    if coupon["date_expires"] and state.now() > instant_of(coupon, "date_expires"):
        return f"Coupon {quoted} has expired."
    used_up = coupon["usage_limit"] and coupon["usage_count"] >= coupon["usage_limit"]
    own_uses = coupon["used_by"].count(user_of(order))
    if used_up or (coupon["usage_limit_per_user"] and own_uses >= coupon["usage_limit_per_user"]):
        return f"Usage limit for coupon {quoted} has been reached."
    if coupon["email_restrictions"] and order["billing"]["email"].lower() not in coupon["email_restrictions"]:
        return f"Please enter a valid email at checkout to use coupon code {quoted}."
    if subtotal < as_fraction(coupon["minimum_amount"]):
        return f"The minimum spend for coupon {quoted} is {coupon['minimum_amount']}."
    return ""


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


def _apply(state: State, coupon: Json, body: Json) -> None:
    if body.get("discount_type", "percent") not in TYPES:
        raise not_in_enum("discount_type", TYPES)
    # A null changes nothing; a limit of 0 is none (v2 coupons controller).
    coupon |= {key: body[key] for key in PLAIN if body.get(key) is not None}
    coupon |= {key: coupon[key] or None for key in ("usage_limit", "usage_limit_per_user")}
    coupon |= {
        key: state.money(body[key], 2)
        for key in ("amount", "minimum_amount", "maximum_amount")
        if key in body
    }
    amount = as_fraction(coupon["amount"])
    if amount < 0 or (coupon["discount_type"] == "percent" and amount > 100):
        raise RestError(400, "coupon_invalid_amount", "Invalid discount amount.")
    if "email_restrictions" in body:
        # What is no e-mail is dropped without a word, and the coupon then serves everybody.
        given = [str(each).lower() for each in body["email_restrictions"]]
        coupon["email_restrictions"] = [each for each in given if EMAIL.fullmatch(each)]
    if body.get("date_expires") is not None:
        _set_end(state, coupon, body["date_expires"])
    coupon["meta_data"] = state.merge_meta(coupon["meta_data"], body.get("meta_data"))


def _set_end(state: State, coupon: Json, wall: str) -> None:
    if wall:
        state.stamp(coupon, "date_expires", state.local_to_instant(wall))
    else:
        coupon |= {"date_expires": None, "date_expires_gmt": None}


def _find(state: State, number: int) -> Json:
    if number not in state.coupons:
        raise invalid_id("shop_coupon", 400 if number else 404)
    return state.coupons[number]
