"""Metafields and their definitions in the sandbox shop: 25 at once, all or none, compare-and-set."""

from __future__ import annotations

import hashlib
from typing import Any

from connectors.shopify.sandbox.fields import Session
from connectors.shopify.sandbox.state import APP_ID, Json

MOST_AT_ONCE = 25
OWNERS = ("Customer", "Order", "Product", "Shop")


def namespace_of(namespace: str | None) -> str:
    """Return the real name of a namespace: `$app` is the app's own."""
    own = f"app--{APP_ID}"
    if namespace is None or namespace == "$app":
        return own
    return namespace.replace("$app:", f"{own}--", 1)


def set_metafields(session: Session, _root: Any, metafields: list[Json]) -> Json:
    """Set metafields, all of them or none."""
    errors = [
        {**error, "field": ["metafields", str(index)], "elementIndex": index}
        for index, given in enumerate(metafields)
        if (error := _refusal(session, given)) is not None
    ]
    if len(metafields) > MOST_AT_ONCE:
        message = f"Exceeded the maximum metafields input limit of {MOST_AT_ONCE}."
        errors.append(
            _error("LESS_THAN_OR_EQUAL_TO", message) | {"field": ["metafields"], "elementIndex": None}
        )
    if errors:
        return {"metafields": None, "userErrors": errors}
    return {"metafields": [_put(session, given) for given in metafields], "userErrors": []}


def delete_metafields(session: Session, _root: Any, metafields: list[Json]) -> Json:
    """Remove metafields; one that is not there is null."""
    deleted = []
    for given in metafields:
        key = (given["ownerId"], namespace_of(given["namespace"]), given["key"])
        row = session.state.metafields.pop(key, None)
        deleted.append(row and {"ownerId": key[0], "namespace": key[1], "key": key[2]})
    return {"deletedMetafields": deleted, "userErrors": []}


def define(session: Session, _root: Any, definition: Json) -> Json:
    """Define a metafield once."""
    key = (definition["ownerType"], namespace_of(definition.get("namespace")), definition["key"])
    if key in session.state.definitions:
        message = "Key is in use for Customer metafields on the namespace"
        error = {"field": ["definition", "key"], "code": "TAKEN", "message": message}
        return {"createdDefinition": None, "userErrors": [error]}
    access = definition.get("access") or {}
    row = {"id": f"gid://shopify/MetafieldDefinition/{session.state.new_id()}", "name": definition["name"]}
    row |= {"ownerType": key[0], "namespace": key[1], "key": key[2], "type": {"name": definition["type"]}}
    row["access"] = {
        "admin": access.get("admin", "MERCHANT_READ"),
        "storefront": access.get("storefront", "NONE"),
        "customerAccount": access.get("customerAccount", "NONE"),
    }
    session.state.definitions[key] = row
    return {"createdDefinition": row, "userErrors": []}


def digest_of(value: str) -> str:
    """Return the `compareDigest` of a value."""
    return hashlib.sha256(value.encode()).hexdigest()


def _refusal(session: Session, given: Json) -> Json | None:
    key = (given["ownerId"], namespace_of(given.get("namespace")), given["key"])
    row = session.state.metafields.get(key)
    if not _has_owner(session, given["ownerId"]):
        return _error("INVALID", "Owner does not exist.")
    if given["value"] == "":
        return _error("BLANK", "Value can't be blank.")
    if "type" not in given and row is None and not _definition(session, key):
        return _error("BLANK", "Type can't be blank")
    if "compareDigest" in given and given["compareDigest"] != (row and row["compareDigest"]):
        return _error("STALE_OBJECT", "The resource has been updated since it was loaded.")
    kind = given.get("type") or (row and row["type"])
    if kind == "number_integer" and not str(given["value"]).lstrip("-").isdigit():
        return _error("INVALID_VALUE", "Value must be an integer.")
    return None


def _put(session: Session, given: Json) -> Json:
    state, now = session.state, session.state.now()
    key = (given["ownerId"], namespace_of(given.get("namespace")), given["key"])
    row = state.metafields.get(key) or {"id": state.new_id(), "createdAt": now, "type": None}
    definition = _definition(session, key)
    kind = given.get("type") or row["type"] or (definition and definition["type"]["name"])
    row |= {"namespace": key[1], "key": key[2], "value": given["value"], "type": kind, "updatedAt": now}
    row["compareDigest"] = digest_of(given["value"])
    state.metafields[key] = row
    return row


def _definition(session: Session, key: tuple[str, str, str]) -> Json | None:
    kind = key[0].removeprefix("gid://shopify/").partition("/")[0].upper()
    return session.state.definitions.get((kind, key[1], key[2]))


def _has_owner(session: Session, owner: str) -> bool:
    kind, _, number = owner.removeprefix("gid://shopify/").partition("/")
    tables = {"Customer": session.state.customers, "Order": session.state.orders}
    tables["Product"] = session.state.products
    return kind == "Shop" or (number.isdigit() and int(number) in tables.get(kind, {}))


def _error(code: str, message: str) -> Json:
    return {"code": code, "message": message}
