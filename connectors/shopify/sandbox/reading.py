"""The questions that the sandbox shop answers: orders, customers, products, nodes, the shop itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from graphql import GraphQLError

from connectors.shopify.sandbox import sums
from connectors.shopify.sandbox.fields import Fields, Session, connect
from connectors.shopify.sandbox.order_fields import find_line, find_order, find_refund, fulfillment_status
from connectors.shopify.sandbox.search import Read, matcher
from connectors.shopify.sandbox.state import APP_ID, Json, State, gid, number_of

RECENT = timedelta(days=60)
ORDER_SORTS = {"CREATED_AT": "createdAt", "UPDATED_AT": "updatedAt", "PROCESSED_AT": "processedAt"}
PAGE = ("first", "last", "after", "before", "reverse")
Finder = Callable[[State, int], Any]


def _order_search(session: Session) -> dict[str, Read]:
    state = session.state
    return {
        "id": lambda row: row["id"],
        "name": lambda row: row["name"],
        "created_at": lambda row: row["createdAt"],
        "updated_at": lambda row: row["updatedAt"],
        "processed_at": lambda row: row["processedAt"],
        "test": lambda row: str(row["test"]).lower(),
        "status": lambda row: "cancelled" if row["cancelledAt"] else "closed" if row["closedAt"] else "open",
        "financial_status": lambda row: sums.financial_status(state, row),
        "fulfillment_status": fulfillment_status,
        "customer_id": lambda row: row["customer"] or 0,
        "email": lambda row: row["email"] or "",
        "tag": lambda row: row["tags"],
        "source_name": lambda row: row["sourceName"],
        # Only the first code is seen (facts of the platform, section 6).
        "discount_code": lambda row: next(iter(row["codes"]), ""),
    }


CUSTOMER_SEARCH: Mapping[str, Read] = {
    "id": lambda row: row["id"],
    "email": lambda row: row["email"] or "",
    "phone": lambda row: row["phone"] or "",
    "tag": lambda row: row["tags"],
    "customer_date": lambda row: row["createdAt"],
    "created_at": lambda row: row["createdAt"],
    "updated_at": lambda row: row["updatedAt"],
    "state": lambda row: row["state"],
}
PRODUCT_SEARCH: Mapping[str, Read] = {
    "id": lambda row: row["id"],
    "title": lambda row: row["title"],
    "tag": lambda row: row["tags"],
    "gift_card": lambda row: str(row["isGiftCard"]).lower(),
}


def seen_orders(session: Session, query: str | None) -> list[Json]:
    """Return the orders of a search; without read_all_orders only those of the last 60 days."""
    fits = matcher(query, _order_search(session), session.state.options.time_zone)
    return [each for each in session.state.orders.values() if _is_seen(session, each) and fits(each)]


def _is_seen(session: Session, order: Json) -> bool:
    return "read_all_orders" in session.scopes or order["createdAt"] >= session.state.now() - RECENT


def _orders(session: Session, _root: Any, query: str | None = None, sortKey: str = "", **page: Any) -> Json:  # noqa: N803
    rows = seen_orders(session, query)
    return connect(session, rows, _sorting(sortKey, ORDER_SORTS, "PROCESSED_AT"), **_cut(page))


def _order(session: Session, _root: Any, id: str) -> Json | None:
    order = find_order(session.state, _number(id, "Order"))
    return order if order is not None and _is_seen(session, order) else None


def _customers(
    session: Session,
    _root: Any,
    query: str | None = None,
    sortKey: str = "",  # noqa: N803
    **page: Any,
) -> Json:
    sorts = {"CREATED_AT": "createdAt", "UPDATED_AT": "updatedAt"}
    return connect(session, _found_customers(session, query), _sorting(sortKey, sorts, "ID"), **_cut(page))


def _found_customers(session: Session, query: str | None) -> list[Json]:
    fits = matcher(query, CUSTOMER_SEARCH, session.state.options.time_zone)
    return [each for each in session.state.customers.values() if fits(each)]


def _products(session: Session, _root: Any, query: str | None = None, **page: Any) -> Json:
    fits = matcher(query, PRODUCT_SEARCH, session.state.options.time_zone)
    return connect(session, [each for each in session.state.products.values() if fits(each)], **_cut(page))


def _count(rows: list[Json], limit: int | None) -> Json:
    if limit is not None and len(rows) > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": len(rows), "precision": "EXACT"}


FINDERS: dict[str, Finder] = {
    "Order": find_order,
    "Refund": find_refund,
    "LineItem": find_line,
    "Customer": lambda state, number: state.customers.get(number),
    "Product": lambda state, number: state.products.get(number),
    "DiscountCodeNode": lambda state, number: state.discounts.get(number),
    "GiftCard": lambda state, number: state.gift_cards.get(number),
    "StoreCreditAccount": lambda state, number: state.credit_accounts.get(number),
}
READS = {
    "Order": "read_orders",
    "Refund": "read_orders",
    "LineItem": "read_orders",
    "Customer": "read_customers",
    "GiftCard": "read_gift_cards",
    "StoreCreditAccount": "read_store_credit_accounts",
}


def _node(session: Session, _root: Any, id: str) -> Json | None:
    kind = id.removeprefix("gid://shopify/").partition("/")[0]
    if kind not in FINDERS:
        raise GraphQLError(f"The sandbox plays no node of the kind {kind!r}.")
    if kind in READS and not session.may(READS[kind]):
        raise GraphQLError("Access denied for node field.", extensions={"code": "ACCESS_DENIED"})
    number = _number(id, kind)
    if number in session.state.failing:
        raise RuntimeError(f"the shop fails at {kind} {number}")
    row = FINDERS[kind](session.state, number)
    if row is None or (kind == "Order" and not _is_seen(session, row)):
        return None
    return {**row, "__typename": kind}


def _nodes(session: Session, _root: Any, ids: list[str]) -> list[Json | None]:
    return [_node(session, None, each) for each in ids]


def _number(id: str, *kinds: str) -> int:
    number = number_of(id, *kinds)
    if number is None:
        raise GraphQLError(f"Invalid global id '{id}'", extensions={"code": "argumentLiteralsIncompatible"})
    return number


def _sorting(key: str, known: Mapping[str, str], default: str) -> Callable[[Json], Any]:
    name = known.get(key or default, "id")
    return lambda row: row[name]


def _cut(page: Json) -> Json:
    return {name: page[name] for name in PAGE if name in page}


def _shop(session: Session, _root: Any) -> Json:
    options = session.state.options
    url = session.state.base
    shown = "${{amount}}" if options.decimals else "${{amount_no_decimals}}"
    return {
        "id": gid("Shop", 548380009),
        "name": "Laurel Test",
        "myshopifyDomain": options.domain,
        "email": "owner@laurel-test.example",
        "contactEmail": "owner@laurel-test.example",
        "currencyCode": options.currency,
        "currencyFormats": {"moneyFormat": shown},
        "enabledPresentmentCurrencies": [options.currency],
        "ianaTimezone": options.time_zone,
        "taxesIncluded": options.taxes_included,
        "plan": {"publicDisplayName": "Basic", "partnerDevelopment": True, "shopifyPlus": False},
        "primaryDomain": {"id": gid("Domain", 1), "url": url, "host": url.rpartition("/")[2]},
    }


APP: Json = {"id": gid("App", APP_ID), "handle": "laurel", "title": "Laurel"}


def _installation(session: Session, _root: Any) -> Json:
    scopes = [{"handle": each} for each in sorted(session.scopes)]
    return {"id": gid("AppInstallation", 1), "app": APP, "accessScopes": scopes}


def _versions(session: Session, _root: Any) -> list[Json]:
    stable = [{"handle": each, "displayName": each, "supported": True} for each in session.state.versions]
    return [*stable, {"handle": "unstable", "displayName": "unstable", "supported": False}]


QUERIES: Fields = {
    "orders": _orders,
    "order": _order,
    "ordersCount": lambda session, _root, query=None, limit=10000, **_: _count(
        seen_orders(session, query), limit
    ),
    "refund": lambda session, _root, id: find_refund(session.state, _number(id, "Refund")),
    "customers": _customers,
    "customersCount": lambda session, _root, query=None, limit=10000, **_: _count(
        _found_customers(session, query), limit
    ),
    "customer": lambda session, _root, id: session.state.customers.get(_number(id, "Customer")),
    "products": _products,
    "product": lambda session, _root, id: session.state.products.get(_number(id, "Product")),
    "giftCard": lambda session, _root, id: session.state.gift_cards.get(_number(id, "GiftCard")),
    "storeCreditAccount": lambda session, _root, id: session.state.credit_accounts.get(
        _number(id, "StoreCreditAccount")
    ),
    "node": _node,
    "nodes": _nodes,
    "shop": _shop,
    "currentAppInstallation": _installation,
    "publicApiVersions": _versions,
}
