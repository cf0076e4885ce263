"""Which function of the sandbox shop answers which path, and what a batch is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from connectors.woocommerce.sandbox import (
    coupons,
    customers,
    orders,
    products,
    refunds,
    settings,
    shipping,
    webhooks,
)
from connectors.woocommerce.sandbox.errors import FatalError, RestError, no_route
from connectors.woocommerce.sandbox.query import Reply, Request, only_fields
from connectors.woocommerce.sandbox.state import Json, State

API = "/wp-json/wc/v3"
LARGEST_BATCH = 100
Answer = Callable[..., Reply]
RESOURCES: dict[str, Any] = {
    "orders": orders,
    "customers": customers,
    "coupons": coupons,
    "products": products,
    "webhooks": webhooks,
}
ALLOWED = "GET, POST, PUT, PATCH, DELETE"


def _resource_routes() -> list[tuple[str, str, Answer]]:
    table: list[tuple[str, str, Answer]] = []
    for name, module in RESOURCES.items():
        table += [("GET", f"{API}/{name}", module.list_), ("POST", f"{API}/{name}", module.create)]
        one = rf"{API}/{name}/(\d+)"
        table += [("GET", one, module.get), ("PUT", one, module.update), ("DELETE", one, module.delete)]
    return table


ROUTES: list[tuple[str, str, Answer]] = [
    ("GET", "/wp-json/?", settings.index),
    ("GET", f"{API}/data/currencies/current", settings.currency),
    ("GET", f"{API}/reports/orders/totals", settings.order_totals),
    ("GET", rf"{API}/settings/(\w+)", settings.list_group),
    ("GET", rf"{API}/settings/(\w+)/(\w+)", settings.get_setting),
    ("GET", f"{API}/shipping/zones", shipping.list_zones),
    ("GET", rf"{API}/shipping/zones/(\d+)/methods", shipping.list_methods),
    ("PUT", rf"{API}/shipping/zones/(\d+)/methods/(\d+)", shipping.update_method),
    ("GET", f"{API}/refunds", refunds.list_all),
    ("GET", rf"{API}/orders/(\d+)/refunds", refunds.list_),
    ("POST", rf"{API}/orders/(\d+)/refunds", refunds.create),
    ("GET", rf"{API}/orders/(\d+)/refunds/(\d+)", refunds.get),
    ("DELETE", rf"{API}/orders/(\d+)/refunds/(\d+)", refunds.delete),
    *_resource_routes(),
]
COMPILED = [(method, re.compile(pattern), answer) for method, pattern, answer in ROUTES]
BATCH = re.compile(rf"{API}/(\w+)/batch")


def answer(state: State, request: Request) -> Reply:
    """Return what the shop answers to a call; raises RestError."""
    batched = BATCH.fullmatch(request.path)
    if batched and batched[1] in RESOURCES and request.method == "POST":
        return Reply(200, _batch(state, request, RESOURCES[batched[1]]), {"Allow": "POST, PUT, PATCH"})
    matches = [
        (method, found, call) for method, rx, call in COMPILED if (found := rx.fullmatch(request.path))
    ]
    for method, found, call in matches:
        if method == request.method:
            reply = call(state, request, *[int(part) if part.isdigit() else part for part in found.groups()])
            reply.body = only_fields(request.query, reply.body)
            return reply
    raise no_route()


def allowed_on(path: str) -> str:
    """Return the Allow header of a path."""
    methods = [method for method, rx, _ in COMPILED if rx.fullmatch(path)]
    return ALLOWED if "PUT" in methods else ", ".join(methods)


def rendered(state: State, base: str, resource: str, number: int) -> Any:
    """Return what a webhook carries: the resource as the REST API gives it now, or its very error."""
    path = f"{API}/{resource}s/{number}"
    try:
        return answer(state, Request("GET", path, {}, None, base)).body
    except RestError as error:
        return error.body


def _batch(state: State, request: Request, module: Any) -> Json:
    """Carry out create, update, delete in this order; a bad item is an object with its error."""
    body = request.body
    if sum(len(body.get(action, ())) for action in ("create", "update", "delete")) > LARGEST_BATCH:
        message = "Unable to accept more than 100 items for this request."
        raise RestError(413, "woocommerce_rest_request_entity_too_large", message)
    forced = replace(request, query={"force": "true"})
    done: Json = {action: [] for action in ("create", "update", "delete") if action in body}
    for item in body.get("create", ()):
        done["create"].append(_item(module.create, state, replace(request, body=item)))
    for item in body.get("update", ()):
        done["update"].append(
            _item(module.update, state, replace(request, body=item), int(item.get("id", 0)))
        )
    for number in body.get("delete", ()):
        done["delete"].append(_item(module.delete, state, forced, int(number)))
    return done


def _item(call: Answer, state: State, request: Request, *number: int) -> Any:
    try:
        return call(state, request, *number).body
    except FatalError:
        raise
    except RestError as error:
        return {"id": number[0] if number else 0, "error": error.body}
