"""Tags in the sandbox shop: added and removed one by one, equal whatever their case, 40 characters at most."""

from __future__ import annotations

from typing import Any

from connectors.shopify.sandbox.fields import Session
from connectors.shopify.sandbox.payloads import customer_payload, order_payload
from connectors.shopify.sandbox.state import Json, State, gid, number_of
from connectors.shopify.sandbox.webhooks import emit

LONGEST = 40
MOST = 250
TABLES = {"Customer": "customers", "Order": "orders", "Product": "products", "DiscountCodeNode": "discounts"}


def add(session: Session, _root: Any, id: str, tags: list[str]) -> Json:
    """Add the tags that a thing does not have yet."""
    row = _find(session.state, id)
    if row is None:
        return _refused("id", "The resource does not exist")
    wanted = [each.strip() for each in tags if each.strip()]
    if any(len(each) > LONGEST for each in wanted):
        return _refused("tags", f"Tags is invalid: a tag may have {LONGEST} characters")
    had = {each.casefold() for each in row["tags"]}
    fresh = [each for each in wanted if each.casefold() not in had]
    if len(row["tags"]) + len(fresh) > MOST:
        return _refused("tags", f"A maximum of {MOST} tags is allowed")
    return _set(session.state, id, row, sorted([*row["tags"], *fresh]), "customer.tags_added", fresh)


def remove(session: Session, _root: Any, id: str, tags: list[str]) -> Json:
    """Remove the tags that a thing has."""
    row = _find(session.state, id)
    if row is None:
        return _refused("id", "The resource does not exist")
    folded = {each.strip().casefold() for each in tags}
    gone = [each for each in row["tags"] if each.casefold() in folded]
    kept = [each for each in row["tags"] if each not in gone]
    return _set(session.state, id, row, kept, "customer.tags_removed", gone)


def _set(state: State, id: str, row: Json, tags: list[str], topic: str, changed: list[str]) -> Json:
    if changed:
        now = state.now()
        row |= {"tags": tags, "updatedAt": now}
        with state.action():
            if number_of(id, "Customer"):
                said: Json = {"customerId": gid("Customer", row["id"]), "tags": changed}
                emit(state, topic, lambda: said | {"occurredAt": now.strftime("%Y-%m-%dT%H:%M:%S.000Z")})
                emit(state, "customers/update", lambda: customer_payload(state, row))
            elif number_of(id, "Order"):
                emit(state, "orders/updated", lambda: order_payload(state, row))
    return {"node": row, "userErrors": []}


def _find(state: State, id: str) -> Json | None:
    kind = id.removeprefix("gid://shopify/").partition("/")[0]
    if kind not in TABLES:
        return None
    table: dict[int, Json] = getattr(state, TABLES[kind])
    return table.get(number_of(id) or 0)


def _refused(place: str, message: str) -> Json:
    return {"node": None, "userErrors": [{"field": [place], "message": message}]}
