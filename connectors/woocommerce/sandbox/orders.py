"""The orders of the sandbox shop: their REST API (rest/orders-*)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from connectors.woocommerce.sandbox import coupon_uses, pricing
from connectors.woocommerce.sandbox.customers import address
from connectors.woocommerce.sandbox.errors import RestError, not_in_enum
from connectors.woocommerce.sandbox.query import (
    Reply,
    Request,
    asks_only_for,
    ids_in,
    is_true,
    links_of,
    page_of,
)
from connectors.woocommerce.sandbox.refunds import refund_the_rest
from connectors.woocommerce.sandbox.state import SYMBOLS, WALL, Json, State, as_fraction
from connectors.woocommerce.sandbox.statuses import STATUSES, find_order, restore, set_status, trash
from connectors.woocommerce.sandbox.webhooks import emit

HIDDEN = ("trash", "checkout-draft", "auto-draft")
"""Not in `status=any`."""
COPIED = ("customer_id", "payment_method", "payment_method_title", "customer_note", "transaction_id")
BOUNDS = (
    ("modified_after", "date_modified", True),
    ("modified_before", "date_modified", False),
    ("after", "date_created", True),
    ("before", "date_created", False),
)
PLAIN = frozenset({"id", "status", "date_created_gmt", "date_modified_gmt"})
"""What stands in the order's own row, and dies with no plugin."""
SORT_KEYS = {"modified": "date_modified_gmt", "date": "date_created_gmt", "id": "id"}


def create(state: State, request: Request) -> Reply:
    """Make an order; a refused coupon leaves a draft behind (rest orders-create-coupon-used-up)."""
    body = request.body
    _check(state, body)
    order = _blank(state, body)
    state.orders[order["id"]] = order
    order["line_items"] = [pricing.goods_line(state, each) for each in body.get("line_items", ())]
    _use_coupons(state, order, [str(each["code"]) for each in body.get("coupon_lines", ())])
    order["shipping_lines"] = [pricing.shipping_line(state, each) for each in body.get("shipping_lines", ())]
    order["fee_lines"] = [pricing.fee_line(state, each) for each in body.get("fee_lines", ())]
    pricing.set_totals(state, order)
    emit(state, "order.created", order["id"])
    emit(state, "order.updated", order["id"])
    wanted = str(body.get("status", "pending"))
    if is_true(body.get("set_paid")):
        state.stamp(order, "date_paid")
        wanted = "processing" if wanted == "pending" else wanted
    set_status(state, order, wanted)
    coupon_uses.count_use(state, order)
    location = f"{request.base}/wp-json/wc/v3/orders/{order['id']}"
    return Reply(201, render(state, request, order), {"Location": location})


def render(state: State, request: Request, order: Json) -> Json:
    """Return an order as the REST API states it: `total` never falls, refunds stand beside it in any order."""
    if not asks_only_for(PLAIN, request.query):
        state.touch("orders", order["id"])
    refunds = [each for each in state.refunds.values() if each["parent_id"] == order["id"]]
    status, is_open = order["status"], order["status"] in ("pending", "failed", "checkout-draft")
    shown = {
        **order,
        "refunds": [_refund_summary(state, each) for each in reversed(refunds)],
        "payment_url": f"{request.base}/checkout/order-pay/{order['id']}/?pay_for_order=true&key={order['order_key']}",
        "is_editable": status in ("pending", "on-hold", "auto-draft"),
        "needs_payment": is_open and as_fraction(order["total"]) > 0,
        "needs_processing": any(line["product_id"] for line in order["line_items"]),
        "currency_symbol": SYMBOLS.get(order["currency"], order["currency"]),
    }
    links = links_of(request, "orders", order["id"])
    templates = f"{request.base}/wp-json/wc/v3/orders/{order['id']}/actions/email_templates"
    links["email_templates"] = [{"embeddable": True, "href": templates}]
    if order["customer_id"]:
        links["customer"] = [{"href": f"{request.base}/wp-json/wc/v3/customers/{order['customer_id']}"}]
    return {**shown, "_links": links}


def list_(state: State, request: Request) -> Reply:
    """List orders by status, customer, ids and time of change, newest first unless asked otherwise."""
    query = request.query
    bounds = list(_bounds(state, query))
    rows = [each for each in state.orders.values() if _is_listed(each, query, bounds)]
    key = SORT_KEYS.get(query.get("orderby", "date"), "date_created_gmt")
    rows.sort(key=lambda each: (each[key], each["id"]), reverse=query.get("order", "desc") != "asc")
    return page_of(request, rows, partial(render, state, request))


def get(state: State, request: Request, number: int) -> Reply:
    """Return one order, whatever its status."""
    return Reply(200, render(state, request, find_order(state, number)))


def update(state: State, request: Request, number: int) -> Reply:
    """Change an order; a change of nothing is a change all the same."""
    order, body = find_order(state, number), request.body
    _check(state, body)
    order |= {key: body[key] for key in COPIED if key in body}
    order["billing"] = address(body.get("billing"), old=order["billing"])
    order["shipping"] = address(body.get("shipping"), old=order["shipping"])
    order["meta_data"] = state.merge_meta(order["meta_data"], body.get("meta_data"))
    if "line_items" in body:
        _edit_lines(state, order, body["line_items"])
    if is_true(body.get("set_paid")) and order["date_paid"] is None:
        state.stamp(order, "date_paid")
    state.stamp(order, "date_modified")
    if order["status"] == "trash" and "status" in body:
        restore(state, order)
    set_status(state, order, str(body.get("status", order["status"])))
    if body.get("status") == "refunded":
        refund_the_rest(state, order)
    coupon_uses.count_use(state, order)
    emit(state, "order.updated", number)
    return Reply(200, render(state, request, order))


def delete(state: State, request: Request, number: int) -> Reply:
    """Put an order in the trash, or by force remove it, of which only the action hook tells (woocommerce#28541)."""
    order = find_order(state, number)
    if not is_true(request.query.get("force")):
        shown = render(state, request, order)
        trash(state, order)
        return Reply(200, shown)
    shown = render(state, request, order)
    remove(state, order)
    return Reply(200, shown)


def remove(state: State, order: Json) -> None:
    """Remove an order and its refunds for good."""
    del state.orders[order["id"]]
    for refund_id in [key for key, each in state.refunds.items() if each["parent_id"] == order["id"]]:
        del state.refunds[refund_id]
    emit(state, "action.woocommerce_delete_order", order["id"])


def _check(state: State, body: Json) -> None:
    status = body.get("status", "pending")
    if status not in STATUSES and not str(status).startswith("custom-"):
        raise not_in_enum("status", STATUSES)
    customer_id = body.get("customer_id", 0)
    if customer_id and customer_id not in state.customers:
        raise RestError(400, "woocommerce_rest_invalid_customer_id", "Customer ID is invalid.")


def _blank(state: State, body: Json) -> Json:
    number = state.new_post_id()
    zeros = (
        "discount_total",
        "discount_tax",
        "shipping_total",
        "shipping_tax",
        "cart_tax",
        "total",
        "total_tax",
    )
    empty = ("transaction_id", "customer_ip_address", "customer_user_agent", "customer_note", "cart_hash")
    order: Json = {"id": number, "parent_id": 0, "status": "pending", "currency": state.options.currency}
    order |= {"version": "11.0.1", "prices_include_tax": state.options.prices_include_tax}
    order |= dict.fromkeys(zeros, state.money(0)) | dict.fromkeys(empty, "")
    order |= {"customer_id": 0, "payment_method": "", "payment_method_title": "", "created_via": "rest-api"}
    order |= {"order_key": f"wc_order_{secrets.token_hex(6)}", "number": str(number)}
    order |= {key: body[key] for key in COPIED if key in body}
    order["billing"] = address(body.get("billing"), "email", "phone")
    order["shipping"] = address(body.get("shipping"), "phone")
    order["meta_data"] = state.merge_meta([], body.get("meta_data"))
    order |= {key: [] for key in ("line_items", "tax_lines", "shipping_lines", "fee_lines", "coupon_lines")}
    order |= dict.fromkeys(("date_completed", "date_completed_gmt", "date_paid", "date_paid_gmt"))
    state.stamp(order, "date_created")
    state.stamp(order, "date_modified")
    return order


def _use_coupons(state: State, order: Json, codes: list[str]) -> None:
    for code in codes:
        refusal = coupon_uses.why_refused(state, code, order)
        if refusal:
            order["status"] = "checkout-draft"
            pricing.set_totals(state, order)
            emit(state, "order.created", order["id"])
            emit(state, "order.updated", order["id"])
            raise RestError(400, "woocommerce_rest_invalid_coupon", refusal, new_draft_order_id=order["id"])
        order["coupon_lines"].append(pricing.use_coupon(state, order, code))


def _edit_lines(state: State, order: Json, changes: list[Json]) -> None:
    """A merchant may edit the lines of any order: its total falls without a refund."""
    lines = {line["id"]: line for line in order["line_items"]}
    for change in changes:
        line = lines.get(change.get("id", 0))
        if line is None:
            line = pricing.goods_line(state, change)
            lines[line["id"]] = line
            continue
        line["quantity"] = int(change.get("quantity", line["quantity"]))
        subtotal, total = (as_fraction(change.get(key, line[key])) for key in ("subtotal", "total"))
        pricing.set_amounts(state, line, subtotal, total)
    order["line_items"] = [line for line in lines.values() if line["quantity"]]
    pricing.set_totals(state, order)


def _is_listed(order: Json, query: dict[str, str], bounds: list[tuple[str, str, bool]]) -> bool:
    statuses = query.get("status", "any").split(",")
    if order["status"] not in statuses and ("any" not in statuses or order["status"] in HIDDEN):
        return False
    if "include" in query and order["id"] not in ids_in(query, "include"):
        return False
    if "customer" in query and str(order["customer_id"]) != query["customer"]:
        return False
    return all(order[key] > bound if is_least else order[key] < bound for key, bound, is_least in bounds)


def _bounds(state: State, query: dict[str, str]) -> Iterator[tuple[str, str, bool]]:
    """Yield by which dates a list is cut: `after` is strictly greater, in whole seconds; without a zone and without
    dates_are_gmt it is the site's local time.
    """
    for name, key, is_least in BOUNDS:
        if name in query:
            yield f"{key}_gmt", _bound(state, query[name], query).strftime(WALL), is_least


def _bound(state: State, text: str, query: dict[str, str]) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    is_gmt = is_true(query.get("dates_are_gmt"))
    return moment.replace(tzinfo=UTC) if is_gmt else state.local_to_instant(text)


def _refund_summary(state: State, refund: Json) -> Json:
    lines = [*refund["line_items"], *refund["shipping_lines"], *refund["fee_lines"]]
    tax: Any = sum((as_fraction(line["total_tax"]) for line in lines), as_fraction(0))
    return {
        "id": refund["id"],
        "reason": refund["reason"],
        "total": f"-{refund['amount']}",
        "total_tax": state.money(tax),
    }
