"""Says by the shape of a delivery's JSON object, not by its unsigned topic, what it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from connectors.bodies import Body


class Shape(StrEnum):
    """What a body is about."""

    ORDER = "order"
    REFUND = "refund"
    TRANSACTION = "transaction"
    EDIT = "order edit"
    CUSTOMER = "customer"
    ID = "id"
    MERGE = "customer merge"
    TAGS = "customer tags"
    DISCOUNT = "discount"
    REDACTION = "customer redaction"
    DATA_REQUEST = "data request"
    SHOP_REDACTION = "shop redaction"
    SHOP = "shop"
    SCOPES = "scopes"
    BULK = "bulk operation"


def _is(kind: str) -> Callable[[Body], bool]:
    prefix = f"gid://shopify/{kind}"
    return lambda body: str(body.get("admin_graphql_api_id", "")).startswith(prefix)


def _has(*keys: str) -> Callable[[Body], bool]:
    return lambda body: set(keys) <= body.keys()


def _only(*keys: str) -> Callable[[Body], bool]:
    return lambda body: body.keys() <= {*keys, "tax_exemptions", "admin_graphql_api_id"}


# What only the body of one kind has; read from Shopify's own samples of 2026-07. The first that fits is it.
SHAPES: Mapping[Shape, Callable[[Body], bool]] = {
    Shape.DATA_REQUEST: _has("shop_domain", "customer", "data_request"),
    Shape.REDACTION: _has("shop_domain", "customer", "orders_to_redact"),
    Shape.SHOP_REDACTION: lambda body: body.keys() == {"shop_id", "shop_domain"},
    Shape.ORDER: _has("id", "line_items", "financial_status"),
    Shape.REFUND: _has("order_id", "refund_line_items"),
    Shape.TRANSACTION: _has("order_id", "kind", "gateway"),
    Shape.EDIT: _has("order_edit"),
    Shape.MERGE: _has("admin_graphql_api_customer_kept_id"),
    Shape.TAGS: _has("customerId", "tags"),
    Shape.SCOPES: _has("previous", "current"),
    Shape.SHOP: _has("id", "myshopify_domain"),
    Shape.CUSTOMER: _has("id", "verified_email"),
    Shape.DISCOUNT: _is("Discount"),
    Shape.BULK: _is("BulkOperation/"),
    Shape.ID: lambda body: "id" in body and _only("id")(body),
}
_ORDER = frozenset({Shape.ORDER})
_CUSTOMER = frozenset({Shape.CUSTOMER})
_TAGS = frozenset({Shape.TAGS})
_DISCOUNT = frozenset({Shape.DISCOUNT})
TOPICS: Mapping[str, frozenset[Shape]] = {
    "orders/create": _ORDER,
    "orders/paid": _ORDER,
    "orders/updated": _ORDER,
    "orders/cancelled": _ORDER,
    "orders/fulfilled": _ORDER,
    "orders/partially_fulfilled": _ORDER,
    "orders/edited": frozenset({Shape.EDIT}),
    "orders/delete": frozenset({Shape.ID}),
    "refunds/create": frozenset({Shape.REFUND}),
    "order_transactions/create": frozenset({Shape.TRANSACTION}),
    "customers/create": _CUSTOMER,
    "customers/update": _CUSTOMER,
    "customers/enable": _CUSTOMER,
    "customers/disable": _CUSTOMER,
    "customers/delete": frozenset({Shape.ID, Shape.CUSTOMER}),
    "customers/merge": frozenset({Shape.MERGE}),
    "customer.tags_added": _TAGS,
    "customer.tags_removed": _TAGS,
    "discounts/update": _DISCOUNT,
    "discounts/delete": _DISCOUNT,
    "discounts/redeemcode_removed": _DISCOUNT,
    "customers/data_request": frozenset({Shape.DATA_REQUEST}),
    "customers/redact": frozenset({Shape.REDACTION}),
    "shop/redact": frozenset({Shape.SHOP_REDACTION}),
    "shop/update": frozenset({Shape.SHOP}),
    "app/uninstalled": frozenset({Shape.SHOP}),
    "app/scopes_update": frozenset({Shape.SCOPES}),
    "bulk_operations/finish": frozenset({Shape.BULK}),
}
"""Which shapes a topic may have; every other topic says nothing about points."""
