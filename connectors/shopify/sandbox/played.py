"""All that the sandbox shop plays: fields by type, mutations, and which scope each needs."""

from __future__ import annotations

from typing import Any

from connectors.shopify.sandbox import bulk, discounts, giving, metafields, people, tags, webhooks
from connectors.shopify.sandbox.discount_fields import DISCOUNT_TYPES, by_code
from connectors.shopify.sandbox.fields import Fields, Session
from connectors.shopify.sandbox.giving import GIVING_TYPES
from connectors.shopify.sandbox.order_fields import ORDER_TYPES
from connectors.shopify.sandbox.people_fields import PEOPLE_TYPES, find_by_identifier, metafield
from connectors.shopify.sandbox.reading import APP, QUERIES
from connectors.shopify.sandbox.shop_shape import shop_payload
from connectors.shopify.sandbox.state import Json, State, gid
from connectors.shopify.sandbox.webhooks import WEBHOOK_TYPES


def uninstall(state: State) -> None:
    """Take the app off the shop: its tokens are dead, its subscriptions are gone; the shop tells of it."""
    webhooks.emit(state, "app/uninstalled", lambda: shop_payload(state))
    state.subscriptions.clear()
    state.installed = False


def _uninstall(session: Session, _root: Any) -> Json:
    uninstall(session.state)
    return {"app": APP, "userErrors": []}


def _order_metafield(session: Session, order: Json, key: str, namespace: str | None = None) -> Json | None:
    return metafield(session, gid("Order", order["id"]), key, namespace)


TYPES: dict[str, Fields] = {
    **ORDER_TYPES,
    **PEOPLE_TYPES,
    **DISCOUNT_TYPES,
    **GIVING_TYPES,
    **WEBHOOK_TYPES,
    **bulk.BULK_TYPES,
    "Order": {**ORDER_TYPES["Order"], "metafield": _order_metafield},
    "QueryRoot": {
        **QUERIES,
        "customerByIdentifier": find_by_identifier,
        "codeDiscountNodeByCode": by_code,
        "giftCards": giving.list_cards,
        "webhookSubscriptions": webhooks.list_,
        "bulkOperation": bulk.get,
        "bulkOperations": bulk.list_,
    },
}
MUTATIONS: Fields = {
    "appUninstall": _uninstall,
    "bulkOperationCancel": bulk.cancel,
    "bulkOperationRunQuery": bulk.run_query,
    "customerUpdate": people.update_customer,
    "discountCodeBasicCreate": discounts.create_basic,
    "discountCodeBasicUpdate": discounts.update_basic,
    "discountCodeDeactivate": discounts.deactivate,
    "discountCodeDelete": discounts.delete,
    "discountCodeFreeShippingCreate": discounts.create_free_shipping,
    "discountCodeFreeShippingUpdate": discounts.update_free_shipping,
    "giftCardCreate": giving.create_card,
    "giftCardDeactivate": giving.deactivate_card,
    "metafieldDefinitionCreate": metafields.define,
    "metafieldsDelete": metafields.delete_metafields,
    "metafieldsSet": metafields.set_metafields,
    "storeCreditAccountCredit": giving.credit,
    "tagsAdd": tags.add,
    "tagsRemove": tags.remove,
    "webhookSubscriptionCreate": webhooks.create,
    "webhookSubscriptionDelete": webhooks.delete,
    "webhookSubscriptionUpdate": webhooks.update,
}
SCOPES = {
    "QueryRoot.orders": "read_orders",
    "QueryRoot.ordersCount": "read_orders",
    "QueryRoot.order": "read_orders",
    "QueryRoot.refund": "read_orders",
    "QueryRoot.customers": "read_customers",
    "QueryRoot.customersCount": "read_customers",
    "QueryRoot.customer": "read_customers",
    "QueryRoot.customerByIdentifier": "read_customers",
    "QueryRoot.products": "read_products",
    "QueryRoot.product": "read_products",
    "QueryRoot.giftCard": "read_gift_cards",
    "QueryRoot.giftCards": "read_gift_cards",
    "QueryRoot.storeCreditAccount": "read_store_credit_accounts",
    "QueryRoot.codeDiscountNodeByCode": "read_discounts",
    "Order.customer": "read_customers",
    "LineItem.product": "read_products",
    "LineItem.variant": "read_products",
    "Customer.storeCreditAccounts": "read_store_credit_accounts",
    "StoreCreditAccount.transactions": "read_store_credit_account_transactions",
    "Mutation.customerUpdate": "write_customers",
    "Mutation.discountCodeBasicCreate": "write_discounts",
    "Mutation.discountCodeBasicUpdate": "write_discounts",
    "Mutation.discountCodeDeactivate": "write_discounts",
    "Mutation.discountCodeDelete": "write_discounts",
    "Mutation.discountCodeFreeShippingCreate": "write_discounts",
    "Mutation.discountCodeFreeShippingUpdate": "write_discounts",
    "Mutation.giftCardCreate": "write_gift_cards",
    "Mutation.giftCardDeactivate": "write_gift_cards",
    "Mutation.metafieldsDelete": "write_customers",
    "Mutation.metafieldsSet": "write_customers",
    "Mutation.storeCreditAccountCredit": "write_store_credit_account_transactions",
}
