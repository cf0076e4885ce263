"""The life of an order in the sandbox shop: its statuses, their dates, and the hooks they fire."""

from __future__ import annotations

from connectors.woocommerce.sandbox import coupon_uses
from connectors.woocommerce.sandbox.customers import touch
from connectors.woocommerce.sandbox.errors import invalid_id
from connectors.woocommerce.sandbox.state import Json, State
from connectors.woocommerce.sandbox.webhooks import emit

STATUSES = (
    "auto-draft",
    "pending",
    "processing",
    "on-hold",
    "completed",
    "cancelled",
    "refunded",
    "failed",
    "checkout-draft",
)


def find_order(state: State, number: int) -> Json:
    """Return an order; raises RestError 404."""
    if number not in state.orders:
        raise invalid_id("shop_order")
    return state.orders[number]


def set_status(state: State, order: Json, status: str) -> None:
    """Move an order to a status; the same status again changes nothing but fires no hook."""
    if order["status"] == status:
        return
    order["status"] = status
    if order["date_paid"] is None and _is_payment(order, status):
        state.stamp(order, "date_paid")
    if status == "completed":
        state.stamp(order, "date_completed")
        _note_paying_customer(state, order)
    emit(state, f"action.woocommerce_order_status_{status}", order["id"])


def trash(state: State, order: Json) -> None:
    """Put an order in the trash: order.deleted, no order.updated."""
    if order["status"] == "trash":
        return
    state.status_before_trash[order["id"]] = order["status"]
    order["status"] = "trash"
    state.stamp(order, "date_modified")
    coupon_uses.count_use(state, order)
    emit(state, "order.deleted", order["id"])


def restore(state: State, order: Json) -> None:
    """Take an order out of the trash with its old status, whose action fires again; no order.updated."""
    order["status"] = state.status_before_trash.pop(order["id"], "pending")
    state.stamp(order, "date_modified")
    coupon_uses.count_use(state, order)
    emit(state, "order.restored", order["id"])
    emit(state, f"action.woocommerce_order_status_{order['status']}", order["id"])


def _is_payment(order: Json, status: str) -> bool:
    """Cash on delivery is paid when completed, everything else when processed."""
    return status == "completed" or (status == "processing" and order["payment_method"] != "cod")


def _note_paying_customer(state: State, order: Json) -> None:
    customer = state.customers.get(order["customer_id"])
    if customer is not None and not customer["is_paying_customer"]:
        customer["is_paying_customer"] = True
        touch(state, customer)
