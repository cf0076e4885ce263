"""The code discounts of the sandbox shop: how they are made, with the constraints that Shopify has."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any

from connectors.shopify.sandbox.discount_checks import Checks, moment_of
from connectors.shopify.sandbox.fields import Session
from connectors.shopify.sandbox.state import Json, State, gid, number_of
from connectors.shopify.sandbox.webhooks import emit

KINDS = ("DiscountCodeNode",)
MAKE = """mutation($given: DiscountCodeBasicInput!) {
  discountCodeBasicCreate(basicCodeDiscount: $given) { userErrors { field message code } } }"""


def find_by_code(state: State, code: str) -> Json | None:
    """Return the discount of a code, whatever its case."""
    folded = code.casefold()
    return next((each for each in state.discounts.values() if each["code"].casefold() == folded), None)


def lag(state: State) -> None:
    """Let `asyncUsageCount` say from now on what it says now."""
    with state.lock:
        state.usage_lags = True
        state.counted = {each["code"].casefold(): each["uses"] for each in state.discounts.values()}


def status_of(state: State, row: Json) -> str:
    """Return ACTIVE, EXPIRED or SCHEDULED."""
    now: datetime = state.now()
    if row["endsAt"] is not None and row["endsAt"] <= now:
        return "EXPIRED"
    return "SCHEDULED" if row["startsAt"] > now else "ACTIVE"


def create_basic(session: Session, _root: Any, basicCodeDiscount: Json) -> Json:  # noqa: N803
    """Make a discount of a share or an amount off."""
    checks = Checks(session.state, basicCodeDiscount, "basicCodeDiscount")
    checks.common()
    checks.basic()
    return _create(session.state, basicCodeDiscount, checks.errors, "DiscountCodeBasic")


def create_free_shipping(session: Session, _root: Any, freeShippingCodeDiscount: Json) -> Json:  # noqa: N803
    """Make a discount of free shipping."""
    checks = Checks(session.state, freeShippingCodeDiscount, "freeShippingCodeDiscount")
    checks.common()
    checks.free_shipping()
    return _create(session.state, freeShippingCodeDiscount, checks.errors, "DiscountCodeFreeShipping")


def update_basic(session: Session, _root: Any, id: str, basicCodeDiscount: Json) -> Json:  # noqa: N803
    """Change what is given of a discount; customers are added and removed."""
    return _update(session.state, id, basicCodeDiscount, "basicCodeDiscount", "DiscountCodeBasic")


def update_free_shipping(session: Session, _root: Any, id: str, freeShippingCodeDiscount: Json) -> Json:  # noqa: N803
    """Change what is given of a discount of free shipping."""
    kind = "DiscountCodeFreeShipping"
    return _update(session.state, id, freeShippingCodeDiscount, "freeShippingCodeDiscount", kind)


def deactivate(session: Session, _root: Any, id: str) -> Json:
    """End a discount now."""
    row = session.state.discounts.get(number_of(id, *KINDS) or 0)
    if row is None:
        return {"codeDiscountNode": None, "userErrors": [_missing()]}
    now = session.state.now()
    if row["endsAt"] is None or row["endsAt"] > now:
        row |= {"endsAt": now, "updatedAt": now}
        row["given"] = row["given"] | {"endsAt": now.isoformat()}
        emit(session.state, "discounts/update", lambda: _payload(session.state, row))
    return {"codeDiscountNode": row, "userErrors": []}


def delete(session: Session, _root: Any, id: str) -> Json:
    """Remove a discount for good."""
    row = session.state.discounts.pop(number_of(id, *KINDS) or 0, None)
    if row is None:
        return {"deletedCodeDiscountId": None, "userErrors": [_missing()]}
    deleted_at = session.state.local(session.state.now())
    with session.state.action():
        redeem = {"id": gid("DiscountRedeemCode", row["redeemCode"]), "code": row["code"]}
        payload = {"admin_graphql_api_id": id, "redeem_code": redeem, "updated_at": deleted_at}
        emit(session.state, "discounts/redeemcode_removed", lambda: payload)
        emit(
            session.state, "discounts/delete", lambda: {"admin_graphql_api_id": id, "deleted_at": deleted_at}
        )
    return {"deletedCodeDiscountId": id, "userErrors": []}


def _create(state: State, given: Json, errors: list[Json], kind: str) -> Json:
    if errors:
        return {"codeDiscountNode": None, "userErrors": errors}
    row = _row(state, given, kind)
    state.discounts[row["id"]] = row
    with state.action():
        emit(state, "discounts/create", lambda: _payload(state, row))
        redeem = {"id": gid("DiscountRedeemCode", row["redeemCode"]), "code": row["code"]}
        added = {"admin_graphql_api_id": gid("DiscountCodeNode", row["id"]), "redeem_code": redeem}
        emit(
            state, "discounts/redeemcode_added", lambda: added | {"updated_at": state.local(row["updatedAt"])}
        )
    return {"codeDiscountNode": row, "userErrors": []}


def _update(state: State, id: str, given: Json, argument: str, kind: str) -> Json:
    row = state.discounts.get(number_of(id, *KINDS) or 0)
    if row is None or row["kind"] != kind:
        return {"codeDiscountNode": None, "userErrors": [_missing()]}
    merged = row["given"] | given
    if "context" in given:
        merged["context"] = _context(row["given"]["context"], given["context"])
    checks = Checks(state, merged, argument, row["id"])
    checks.common()
    checks.basic() if kind == "DiscountCodeBasic" else checks.free_shipping()
    if checks.errors:
        return {"codeDiscountNode": None, "userErrors": checks.errors}
    kept = {name: row[name] for name in ("id", "redeemCode", "createdAt", "uses", "usedBy")}
    row |= _row(state, merged, kind) | kept
    emit(state, "discounts/update", lambda: _payload(state, row))
    return {"codeDiscountNode": row, "userErrors": []}


def _context(old: Json, new: Json) -> Json:
    """Return whom a discount is for after a change: `add` and `remove` count from those before."""
    change = new.get("customers")
    if change is None:
        return new
    before = (old.get("customers") or {}).get("add") or []
    gone = set(change.get("remove") or ())
    kept = [each for each in before if each not in gone]
    return {"customers": {"add": list(dict.fromkeys([*kept, *(change.get("add") or ())]))}}


def _row(state: State, given: Json, kind: str) -> Json:
    now, combines = state.now(), given.get("combinesWith") or {}
    row: Json = {"id": state.new_id(), "__typename": "DiscountCodeNode", "kind": kind}
    row["given"] = given
    row |= {"redeemCode": state.new_id(), "createdAt": now, "updatedAt": now, "uses": 0, "usedBy": []}
    row |= {"title": given["title"], "code": given["code"], "tags": sorted(given.get("tags") or ())}
    row |= {"startsAt": moment_of(given["startsAt"]), "endsAt": moment_of(given.get("endsAt"))}
    row |= {"usageLimit": given.get("usageLimit"), "recurringCycleLimit": given.get("recurringCycleLimit")}
    row["appliesOncePerCustomer"] = bool(given.get("appliesOncePerCustomer"))
    names = ("orderDiscounts", "productDiscounts", "shippingDiscounts")
    row["combinesWith"] = {name: bool(combines.get(name)) for name in names}
    customers = (given["context"].get("customers") or {}).get("add")
    row["customers"] = None if customers is None else [number_of(each) for each in customers]
    row["minimum"] = _minimum(given.get("minimumRequirement") or {})
    row |= _gets(given.get("customerGets") or {})
    most = given.get("maximumShippingPrice")
    return row | {"maximumShippingPrice": None if most is None else Fraction(str(most))}


def _minimum(given: Json) -> tuple[str, Fraction] | None:
    if given.get("subtotal"):
        return "subtotal", Fraction(str(given["subtotal"]["greaterThanOrEqualToSubtotal"]))
    if given.get("quantity"):
        return "quantity", Fraction(str(given["quantity"]["greaterThanOrEqualToQuantity"]))
    return None


def _gets(given: Json) -> Json:
    value, items = given.get("value") or {}, given.get("items") or {}
    products, collections = items.get("products") or {}, items.get("collections") or {}
    amount = value.get("discountAmount") or {}
    return {
        "percentage": None if value.get("percentage") is None else Fraction(str(value["percentage"])),
        "amount": Fraction(str(amount["amount"])) if amount else None,
        "onEachItem": bool(amount.get("appliesOnEachItem")),
        "products": [number_of(each) for each in products.get("productsToAdd") or ()],
        "variants": [number_of(each) for each in products.get("productVariantsToAdd") or ()],
        "collections": [number_of(each) for each in collections.get("add") or ()],
    }


def _payload(state: State, row: Json) -> Json:
    return {
        "admin_graphql_api_id": gid("DiscountCodeNode", row["id"]),
        "title": row["title"],
        "status": status_of(state, row),
        "created_at": state.local(row["createdAt"]),
        "updated_at": state.local(row["updatedAt"]),
    }


def _missing() -> Json:
    return {"field": ["id"], "code": "INVALID", "message": "Code discount does not exist.", "extraInfo": None}
