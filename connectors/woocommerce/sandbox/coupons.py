"""The coupons of the sandbox shop: their REST API (rest/coupons-*).

A row keeps amounts as they were written; the API states two decimals of them.
"""

from __future__ import annotations

import re
from typing import Any

from connectors.woocommerce.sandbox.errors import RestError, invalid_id, invalid_param, not_in_enum
from connectors.woocommerce.sandbox.query import Reply, Request, ids_in, is_true, links_of, page_of
from connectors.woocommerce.sandbox.state import Json, State, as_fraction
from connectors.woocommerce.sandbox.webhooks import emit

TYPES = ("percent", "fixed_cart", "fixed_product")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
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
    "limit_usage_to_x_items",
)
LIMITS = ("usage_limit", "usage_limit_per_user", "limit_usage_to_x_items")
AMOUNTS = ("amount", "minimum_amount", "maximum_amount")
LISTS = ("product_ids", "product_categories")


def create(state: State, request: Request) -> Reply:
    """Make a coupon; the code must be free, whatever its case."""
    code = str(request.body.get("code", "")).lower()
    if find_by_code(state, code):
        message = "The coupon code already exists"
        raise RestError(400, "woocommerce_rest_coupon_code_already_exists", message)
    coupon: Json = {"id": 0, "code": code, "amount": "0", **BLANK}
    coupon |= {"minimum_amount": "0", "maximum_amount": "0"}
    coupon |= {"email_restrictions": [], "used_by": [], "meta_data": []}
    _apply(state, coupon, request.body)
    coupon["id"] = state.new_post_id()
    state.stamp(coupon, "date_created")
    state.stamp(coupon, "date_modified")
    state.coupons[coupon["id"]] = coupon
    emit(state, "coupon.created", coupon["id"])
    location = f"{request.base}/wp-json/wc/v3/coupons/{coupon['id']}"
    return Reply(201, render(state, request, coupon), {"Location": location})


def render(state: State, request: Request, coupon: Json) -> Json:
    """Return a coupon as the REST API states it."""
    state.touch("coupons", coupon["code"])
    return {**stated(state, coupon), "_links": links_of(request, "coupons", coupon["id"])}


def stated(state: State, coupon: Json) -> Json:
    """Return a coupon with the two decimals that the shop tells of its amounts, whatever its currency."""
    return {**coupon, **{key: state.money(coupon[key], 2) for key in AMOUNTS}}


def list_(state: State, request: Request) -> Reply:
    """List the coupons, all or of one code."""
    query = request.query
    include, code = ids_in(query, "include"), query.get("code")
    rows = [
        render(state, request, each)
        for each in reversed(state.coupons.values())
        if each["status"] == "publish"
        and (code is None or each["code"] == code.lower())
        and ("include" not in query or each["id"] in include)
    ]
    return page_of(request, rows)


def get(state: State, request: Request, number: int) -> Reply:
    """Return one coupon."""
    return Reply(200, render(state, request, _find(state, number)))


def update(state: State, request: Request, number: int) -> Reply:
    """Change a coupon."""
    coupon = _find(state, number)
    changed = {**coupon}
    _apply(state, changed, request.body)
    coupon |= changed
    state.stamp(coupon, "date_modified")
    emit(state, "coupon.updated", number)
    return Reply(200, render(state, request, coupon))


def delete(state: State, request: Request, number: int) -> Reply:
    """Put a coupon in the trash, which leaks product.deleted (woocommerce#12461), or by force remove it silently."""
    coupon = _find(state, number)
    shown = render(state, request, coupon)
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


def _apply(state: State, coupon: Json, body: Json) -> None:
    if body.get("discount_type", "percent") not in TYPES:
        raise not_in_enum("discount_type", TYPES)
    # A null changes nothing; a limit of 0 is none (v2 coupons controller).
    coupon |= {key: body[key] for key in PLAIN if body.get(key) is not None}
    coupon |= {key: coupon[key] or None for key in LIMITS}
    coupon |= {key: str(body[key]) for key in AMOUNTS if key in body}
    coupon |= {key: _ids(key, body[key]) for key in LISTS if body.get(key) is not None}
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


def _ids(key: str, given: list[Any]) -> list[int]:
    for place, each in enumerate(given):
        if not str(each).isdecimal():
            raise invalid_param(key, f"{key}[{place}] is not of type integer.", "rest_invalid_type")
    return [number for number in dict.fromkeys(int(each) for each in given) if number]


def _set_end(state: State, coupon: Json, wall: str) -> None:
    if wall:
        state.stamp(coupon, "date_expires", state.local_to_instant(wall))
    else:
        coupon |= {"date_expires": None, "date_expires_gmt": None}


def _find(state: State, number: int) -> Json:
    if number not in state.coupons:
        raise invalid_id("shop_coupon", 400 if number else 404)
    return state.coupons[number]
