"""What happens to the customers of the sandbox shop: they come, change, merge, leave, and are forgotten."""

from __future__ import annotations

from typing import Any

from connectors.shopify.sandbox.fields import Session
from connectors.shopify.sandbox.metafields import set_metafields
from connectors.shopify.sandbox.payloads import customer_payload
from connectors.shopify.sandbox.shop_shape import SHOP_ID
from connectors.shopify.sandbox.state import Json, State, gid, number_of
from connectors.shopify.sandbox.webhooks import emit, emit_compliance

OWN = ("firstName", "lastName", "phone", "email", "note", "state", "verifiedEmail", "locale", "tags")


def customer_of_email(state: State, email: str | None) -> int | None:
    """Return the customer of an address."""
    folded = (email or "").casefold()
    fits = (
        number
        for number, each in state.customers.items()
        if folded and (each["email"] or "").casefold() == folded
    )
    return next(fits, None)


def add(state: State, email: str | None, **more: Any) -> Json:
    """Make a customer; `more` are fields of GraphQL (firstName, lastName, phone, tags, state, verifiedEmail)."""
    if customer_of_email(state, email) is not None:
        raise ValueError("Email has already been taken")
    now = state.now()
    row: Json = {"id": state.new_id(), "__typename": "Customer", "email": email, "phone": None, "note": None}
    row |= {"firstName": None, "lastName": None, "state": "DISABLED", "verifiedEmail": True, "locale": "en"}
    row |= {"tags": [], "createdAt": now, "updatedAt": now, "defaultAddress": None, **more}
    state.customers[row["id"]] = row
    emit(state, "customers/create", lambda: customer_payload(state, row))
    return row


def change(state: State, row: Json, **more: Any) -> None:
    """Change a customer."""
    row |= more | {"updatedAt": state.now()}
    emit(state, "customers/update", lambda: customer_payload(state, row))


def merge(state: State, kept: Json, lost: Json) -> None:
    """Merge a customer into another: his orders go with him, his record is gone."""
    with state.action():
        for order in state.orders.values():
            if order["customer"] == lost["id"]:
                order |= {"customer": kept["id"], "updatedAt": state.now()}
        state.former[lost["id"]] = state.customers.pop(lost["id"])
        payload: Json = {"admin_graphql_api_customer_kept_id": gid("Customer", kept["id"])}
        payload |= {"admin_graphql_api_customer_deleted_id": gid("Customer", lost["id"])}
        payload |= {"admin_graphql_api_job_id": None, "status": "completed", "errors": []}
        emit(state, "customers/merge", lambda: payload)


def delete(state: State, row: Json) -> None:
    """Remove a customer for good."""
    state.former[row["id"]] = state.customers.pop(row["id"])
    gone: Json = {"id": row["id"], "tax_exemptions": []}
    emit(state, "customers/delete", lambda: gone | {"admin_graphql_api_id": gid("Customer", row["id"])})


def redact(state: State, row: Json) -> None:
    """Ask the app to forget a customer; his record in the shop is gone or will be."""
    emit_compliance(state, "customers/redact", _about(state, row) | {"orders_to_redact": _orders(state, row)})


def request_data(state: State, row: Json) -> None:
    """Ask the app what it knows of a customer."""
    asked: Json = {"orders_requested": _orders(state, row), "data_request": {"id": state.new_id()}}
    emit_compliance(state, "customers/data_request", _about(state, row) | asked)


def redact_shop(state: State) -> None:
    """Ask the app to forget the shop, 48 hours after it was uninstalled."""
    emit_compliance(state, "shop/redact", {"shop_id": SHOP_ID, "shop_domain": state.options.domain})


def update_customer(session: Session, _root: Any, input: Json) -> Json:
    """Change a customer by the API; the tags given replace all that he has."""
    row = session.state.customers.get(number_of(input.get("id", ""), "Customer") or 0)
    if row is None:
        error = {"field": ["id"], "message": "Customer does not exist"}
        return {"customer": None, "userErrors": [error]}
    given = [{"ownerId": input["id"], **each} for each in input.get("metafields") or ()]
    errors = set_metafields(session, None, given)["userErrors"] if given else []
    if errors:
        return {"customer": None, "userErrors": errors}
    change(session.state, row, **{key: input[key] for key in OWN if key in input})
    return {"customer": row, "userErrors": []}


def address_row(state: State, country: str, province: str | None) -> Json:
    """Return an address in a country, complete as webhooks have it."""
    number = state.new_id()
    row: Json = {"id": gid("MailingAddress", number), "number": number, "firstName": "Steve"}
    row |= {"lastName": "Shipper", "name": "Steve Shipper", "company": None, "address1": "1 Market Street"}
    row |= {"address2": None, "city": "Taipei", "zip": "100", "phone": None, "country": country}
    return row | {"countryCodeV2": country, "province": province, "provinceCode": province}


def _about(state: State, row: Json) -> Json:
    customer = {"id": row["id"], "email": row["email"], "phone": row["phone"]}
    return {"shop_id": SHOP_ID, "shop_domain": state.options.domain, "customer": customer}


def _orders(state: State, row: Json) -> list[int]:
    return [each["id"] for each in state.orders.values() if each["customer"] == row["id"]]
