"""How GraphQL states the code discounts of the sandbox shop."""

from __future__ import annotations

from typing import Any

from connectors.shopify.sandbox.discounts import find_by_code, status_of
from connectors.shopify.sandbox.fields import Fields, Session, amount_of, connect, own_id
from connectors.shopify.sandbox.state import Json, gid


def by_code(session: Session, _root: Any, code: str) -> Json | None:
    """Return the discount of a code."""
    return find_by_code(session.state, code)


def uses_told(session: Session, row: Json) -> int:
    """Return `asyncUsageCount`, which may lag behind the checkouts."""
    if session.state.usage_lags:
        return session.state.counted.get(row["code"].casefold(), 0)
    return int(row["uses"])


def class_of(row: Json) -> str:
    """Return ORDER, PRODUCT or SHIPPING: to what kind of discount a row belongs."""
    if row["kind"] == "DiscountCodeFreeShipping":
        return "SHIPPING"
    return (
        "PRODUCT"
        if row["products"] or row["variants"] or row["collections"] or row["onEachItem"]
        else "ORDER"
    )


def _discount(_session: Session, row: Json) -> Json:
    return row | {"__typename": row["kind"]}


def _codes(session: Session, row: Json, **page: Any) -> Json:
    code = {"id": row["redeemCode"], "code": row["code"], "asyncUsageCount": uses_told(session, row)}
    cut = {name: page[name] for name in ("first", "last", "after", "before", "reverse") if name in page}
    return connect(session, [code], **cut)


def _context(session: Session, row: Json) -> Json:
    if row["customers"] is None:
        return {"__typename": "DiscountBuyerSelectionAll", "all": "ALL"}
    customers = [
        session.state.customers[each] for each in row["customers"] if each in session.state.customers
    ]
    return {"__typename": "DiscountCustomers", "customers": customers}


def _minimum(session: Session, row: Json) -> Json | None:
    if row["minimum"] is None:
        return None
    kind, least = row["minimum"]
    if kind == "quantity":
        return {"__typename": "DiscountMinimumQuantity", "greaterThanOrEqualToQuantity": int(least)}
    money = amount_of(session, least)
    return {"__typename": "DiscountMinimumSubtotal", "greaterThanOrEqualToSubtotal": money}


def _gets(session: Session, row: Json) -> Json:
    if row["percentage"] is not None:
        value: Json = {"__typename": "DiscountPercentage", "percentage": float(row["percentage"])}
    else:
        money = amount_of(session, row["amount"])
        value = {"__typename": "DiscountAmount", "amount": money, "appliesOnEachItem": row["onEachItem"]}
    sold = {"appliesOnOneTimePurchase": True, "appliesOnSubscription": False}
    return {"items": _items(row), "value": value, **sold}


def _items(row: Json) -> Json:
    if row["products"] or row["variants"]:
        return row | {"__typename": "DiscountProducts"}
    if row["collections"]:
        return row | {"__typename": "DiscountCollections"}
    return {"__typename": "AllDiscountItems", "allItems": True}


def _rows(table: str, name: str) -> Any:
    def read(session: Session, row: Json, **page: Any) -> Json:
        rows = getattr(session.state, table)
        return connect(session, [rows[each] for each in row[name] if each in rows], **page)

    return read


def _variants(session: Session, row: Json, **page: Any) -> Json:
    variants = (each["variant"] for each in session.state.products.values())
    return connect(session, [each for each in variants if each["id"] in row["variants"]], **page)


def _most(session: Session, row: Json) -> Json | None:
    most = row["maximumShippingPrice"]
    return None if most is None else amount_of(session, most)


COMMON: Fields = {
    "status": lambda session, row: status_of(session.state, row),
    "asyncUsageCount": uses_told,
    "codesCount": lambda _session, _row: {"count": 1, "precision": "EXACT"},
    "codes": _codes,
    "context": _context,
    "minimumRequirement": _minimum,
    "discountClasses": lambda _session, row: [class_of(row)],
    "summary": lambda _session, row: row["title"],
    "shortSummary": lambda _session, row: row["title"],
}
DISCOUNT_TYPES: dict[str, Fields] = {
    "DiscountCodeNode": {"id": own_id("DiscountCodeNode"), "codeDiscount": _discount},
    "DiscountCodeBasic": {**COMMON, "customerGets": _gets},
    "DiscountCodeFreeShipping": {
        **COMMON,
        "maximumShippingPrice": _most,
        "destinationSelection": lambda _session, _row: {
            "__typename": "DiscountCountryAll",
            "allCountries": True,
        },
        "appliesOnOneTimePurchase": lambda _session, _row: True,
        "appliesOnSubscription": lambda _session, _row: False,
    },
    "DiscountRedeemCode": {"id": lambda _session, row: gid("DiscountRedeemCode", row["id"])},
    "DiscountProducts": {"products": _rows("products", "products"), "productVariants": _variants},
    "DiscountCollections": {"collections": _rows("collections", "collections")},
}
