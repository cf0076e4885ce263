"""The refunds of the sandbox shop (rest/refunds-*): by amount, by lines, and the one that a status makes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from connectors.woocommerce.sandbox.errors import RestError, invalid_id, no_trash
from connectors.woocommerce.sandbox.query import Reply, Request, is_true, page_of
from connectors.woocommerce.sandbox.state import Json, State, as_fraction
from connectors.woocommerce.sandbox.statuses import find_order, set_status
from connectors.woocommerce.sandbox.webhooks import emit

KINDS = ("line_items", "shipping_lines", "fee_lines")


def create(state: State, request: Request, number: int) -> Reply:
    """Refund an order; what exceeds the rest is a 500 whose `data` is a number (rest refunds-create-too-much)."""
    order, body = find_order(state, number), request.body
    lines = [each for each in body.get("line_items", ()) if each]
    named = sum((as_fraction(each.get("refund_total")) + _tax(each) for each in lines), Fraction(0))
    amount = as_fraction(body["amount"]) if "amount" in body else named
    if amount < 0 or amount > remaining(state, order):
        error = RestError(500, "woocommerce_rest_cannot_create_order_refund", "Invalid refund amount.")
        error.body["data"] = 500
        raise error
    refund = add_refund(state, order, amount, str(body.get("reason", "")), lines)
    location = f"{request.base}/wp-json/wc/v3/orders/(?P<order_id>[\\d]+)/refunds/{refund['id']}"
    return Reply(201, render(request, refund), {"Location": location})


def render(request: Request, refund: Json, *, with_parent: bool = False) -> Json:
    """Return a refund as the REST API states it."""
    shown = {key: value for key, value in refund.items() if with_parent or key != "parent_id"}
    base = f"{request.base}/wp-json/wc/v3/orders/{refund['parent_id']}"
    own = {"href": f"{base}/refunds/{refund['id']}", "targetHints": {"allow": ["GET", "DELETE"]}}
    links = {"self": [own], "collection": [{"href": f"{base}/refunds"}], "up": [{"href": base}]}
    return {**shown, "_links": links}


def list_(state: State, request: Request, number: int) -> Reply:
    """List the refunds of an order, newest first."""
    find_order(state, number)
    state.touch("refunds", number)
    rows = [each for each in state.refunds.values() if each["parent_id"] == number]
    return page_of(request, [render(request, each) for each in _newest_first(rows)])


def list_all(state: State, request: Request) -> Reply:
    """List the refunds of all orders."""
    rows = _newest_first(list(state.refunds.values()))
    return page_of(request, [render(request, each, with_parent=True) for each in rows])


def get(state: State, request: Request, number: int, refund_id: int) -> Reply:
    """Return one refund."""
    return Reply(200, render(request, _find(state, number, refund_id)))


def delete(state: State, request: Request, number: int, refund_id: int) -> Reply:
    """Delete a refund: nothing is sent and the order's date_modified does not move."""
    refund = _find(state, number, refund_id)
    if not is_true(request.query.get("force")):
        raise no_trash("Refunds")
    del state.refunds[refund_id]
    return Reply(200, render(request, refund))


def add_refund(state: State, order: Json, amount: Fraction, reason: str, lines: list[Json]) -> Json:
    """Record a refund, set the order to refunded when nothing remains, and fire the hooks."""
    kind = "full" if amount and amount == remaining(state, order) else "partial"
    refund: Json = {"id": state.new_post_id(), "parent_id": order["id"]}
    state.stamp(refund, "date_created")
    refund |= {"amount": state.money(amount), "reason": reason, "refunded_by": 1, "refunded_payment": False}
    refund["meta_data"] = state.merge_meta([], [{"key": "_refund_type", "value": kind}])
    refund |= {key: _lines(state, order[key], lines) for key in KINDS} | {"tax_lines": []}
    state.refunds[refund["id"]] = refund
    state.stamp(order, "date_modified")
    if as_fraction(order["total"]) > 0 and remaining(state, order) == 0:
        set_status(state, order, "refunded")
    emit(state, "order.updated", order["id"])
    emit(state, "action.woocommerce_refund_created", refund["id"])
    emit(state, "action.woocommerce_order_refunded", order["id"])
    return refund


def refund_the_rest(state: State, order: Json) -> None:
    """Record what the status `refunded` stands for (rest orders-put-refunded)."""
    rest = remaining(state, order)
    if rest > 0:
        add_refund(state, order, rest, "Order fully refunded.", [])


def remaining(state: State, order: Json) -> Fraction:
    """Return what of an order is not refunded yet."""
    given = [each["amount"] for each in state.refunds.values() if each["parent_id"] == order["id"]]
    return as_fraction(order["total"]) - sum((as_fraction(each) for each in given), Fraction(0))


def _lines(state: State, ordered: list[Json], given: list[Json]) -> list[Json]:
    known = {line["id"]: line for line in ordered}
    return [_line(state, known[each["id"]], each) for each in given if each.get("id") in known]


def _line(state: State, ordered: Json, given: Json) -> Json:
    total, tax = state.money(-as_fraction(given.get("refund_total"))), state.money(-_tax(given))
    line: Json = {**ordered, "id": state.new_id(state.items), "total": total, "total_tax": tax}
    if "quantity" in ordered:
        line |= {"quantity": -int(given.get("quantity", 0)), "subtotal": total, "subtotal_tax": tax}
    value = str(ordered["id"])
    meta = {
        "key": "_refunded_item_id",
        "value": value,
        "display_key": "_refunded_item_id",
        "display_value": value,
    }
    line["meta_data"] = [{"id": state.new_id(state.metas), **meta}]
    return line


def _tax(given: Json) -> Any:
    return sum((as_fraction(each.get("refund_total")) for each in given.get("refund_tax", ())), Fraction(0))


def _newest_first(rows: list[Json]) -> list[Json]:
    return sorted(rows, key=lambda each: (each["date_created_gmt"], each["id"]), reverse=True)


def _find(state: State, number: int, refund_id: int) -> Json:
    find_order(state, number)
    refund = state.refunds.get(refund_id)
    if refund is None or refund["parent_id"] != number:
        raise invalid_id("shop_order_refund")
    return refund
