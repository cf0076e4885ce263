"""The customers of the sandbox shop (rest/customers-*)."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any

from connectors.woocommerce.sandbox.errors import RestError, no_trash
from connectors.woocommerce.sandbox.query import (
    Reply,
    Request,
    asks_only_for,
    ids_in,
    is_true,
    links_of,
    page_of,
)
from connectors.woocommerce.sandbox.state import Json, State
from connectors.woocommerce.sandbox.webhooks import emit

ADDRESS = (
    "first_name",
    "last_name",
    "company",
    "address_1",
    "address_2",
    "city",
    "postcode",
    "country",
    "state",
)


def address(given: Any, *extra: str, old: Json | None = None) -> Json:
    """Return an address with every key it has, the given ones set."""
    known = dict.fromkeys((*ADDRESS, *extra), "") | (old or {})
    return known | {key: str(value) for key, value in (given or {}).items() if key in known}


def create(state: State, request: Request) -> Reply:
    """Make a customer; an address of another customer is refused."""
    body = request.body
    email = str(body.get("email", ""))
    _refuse_taken(state, email, 0)
    customer: Json = {"id": state.new_id(state.users, state.customers)}
    state.stamp(customer, "date_created")
    state.stamp(customer, "date_modified")
    customer |= {
        "email": email,
        "first_name": str(body.get("first_name", "")),
        "last_name": str(body.get("last_name", "")),
        "role": str(body.get("role", "customer")) or "customer",
        "username": str(body.get("username") or email.partition("@")[0]),
        "billing": address(body.get("billing"), "email", "phone"),
        "shipping": address(body.get("shipping"), "phone"),
        "is_paying_customer": False,
        "meta_data": state.merge_meta([], body.get("meta_data"), hidden_dropped=True),
    }
    if "password" not in body:
        nag = [{"key": "default_password_nag", "value": "1"}]
        customer["meta_data"] = state.merge_meta(customer["meta_data"], nag)
    state.customers[customer["id"]] = customer
    emit(state, "customer.created", customer["id"])
    emit(state, "customer.updated", customer["id"])
    return Reply(201, render(request, customer), _location(request, customer))


def render(request: Request, customer: Json) -> Json:
    """Return a customer as the REST API states him."""
    avatar = hashlib.sha256(customer["email"].strip().lower().encode()).hexdigest()
    url = f"https://secure.gravatar.com/avatar/{avatar}?s=96&d=mm&r=g"
    return {**customer, "avatar_url": url, "_links": links_of(request, "customers", customer["id"])}


def list_(state: State, request: Request) -> Reply:
    """List the customers: only the role `customer` unless asked otherwise."""
    query = request.query
    role, email, include = query.get("role", "customer"), query.get("email"), ids_in(query, "include")
    rows = [
        each
        for each in state.customers.values()
        if role in ("all", each["role"])
        and (email is None or each["email"].lower() == email.lower())
        and ("include" not in query or each["id"] in include)
    ]
    rows.sort(key=lambda each: each["id"], reverse=query.get("order", "asc") == "desc")
    return page_of(request, rows, partial(_listed, state, request))


def _listed(state: State, request: Request, customer: Json) -> Json:
    if not asks_only_for(("id",), request.query):
        state.touch("customers", customer["id"])
    return render(request, customer)


def get(state: State, request: Request, number: int) -> Reply:
    """Return one customer."""
    if number not in state.customers:
        raise RestError(404, "woocommerce_rest_invalid_id", "Invalid resource ID.")
    state.touch("customers", number)
    return Reply(200, render(request, state.customers[number]))


def update(state: State, request: Request, number: int) -> Reply:
    """Change a customer; unknown keys (tags) are ignored, a change of nothing is a change all the same."""
    customer, body = _find(state, number), request.body
    state.touch("customers", number)
    if "email" in body:
        _refuse_taken(state, str(body["email"]), number)
    customer |= {key: str(body[key]) for key in ("email", "first_name", "last_name") if key in body}
    customer["billing"] = address(body.get("billing"), old=customer["billing"])
    customer["shipping"] = address(body.get("shipping"), old=customer["shipping"])
    meta = state.merge_meta(customer["meta_data"], body.get("meta_data"), hidden_dropped=True)
    customer["meta_data"] = meta
    touch(state, customer)
    return Reply(200, render(request, customer))


def delete(state: State, request: Request, number: int) -> Reply:
    """Remove a customer for good; a subscriber goes without customer.deleted."""
    customer = _find(state, number)
    if not is_true(request.query.get("force")):
        raise no_trash("Customers")
    del state.customers[number]
    if customer["role"] == "customer":
        emit(state, "customer.deleted", number)
    shown = render(request, customer)
    del shown["_links"]["self"][0]["targetHints"]
    return Reply(200, shown)


def touch(state: State, customer: Json) -> None:
    """Note that a customer changed."""
    state.stamp(customer, "date_modified")
    emit(state, "customer.updated", customer["id"])


def _find(state: State, number: int) -> Json:
    if number not in state.customers:
        raise RestError(404, "wc_user_invalid_id", "Invalid user ID.")
    return state.customers[number]


def _refuse_taken(state: State, email: str, own: int) -> None:
    if any(each["email"].lower() == email.lower() and each["id"] != own for each in state.customers.values()):
        message = (
            f"An account is already registered with {email}. Please log in or use a different email address."
        )
        raise RestError(400, "registration-error-email-exists", message)


def _location(request: Request, customer: Json) -> dict[str, str]:
    return {"Location": f"{request.base}/wp-json/wc/v3/customers/{customer['id']}"}
