"""What the sandbox Shopify sends has the very fields of the documentation samples, of the same kinds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from shopify_sandbox import PAYLOADS, START, ask, coupon, gid

from connectors.shopify.sandbox import ShopifySandbox


@pytest.fixture
def shop() -> Iterator[ShopifySandbox]:
    with ShopifySandbox("EUR", 2, "Europe/Berlin", now=lambda: START) as running:
        yield running


def sample(name: str) -> Any:
    return json.loads((PAYLOADS / "webhooks" / f"{name}.json").read_text(encoding="utf-8"))


def listen(shop: ShopifySandbox, *topics: str) -> None:
    for topic in topics:
        given = {"uri": f"http://127.0.0.1:9/{topic}"}
        ask(shop, "WebhookSubscriptionCreate", topic=topic, webhookSubscription=given)


def sent(shop: ShopifySandbox, topic: str) -> Any:
    bodies = [each.body for each in shop.state.queue if each.headers["X-Shopify-Topic"] == topic]
    return json.loads(bodies[-1])


def kind_of(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, int | float) else type(value).__name__


def differences(told: Any, given: Any, place: str = "") -> list[str]:
    """Name the fields that one has and the other lacks, and those of another kind; of lists the first rows."""
    if isinstance(told, dict) and isinstance(given, dict):
        found = [f"{place}.{key}" for key in told.keys() ^ given.keys()]
        for key in told.keys() & given.keys():
            found += differences(told[key], given[key], f"{place}.{key}")
        return found
    if isinstance(told, list) and isinstance(given, list):
        return differences(told[0], given[0], f"{place}[]") if told and given else []
    kinds = {kind_of(told), kind_of(given)}
    return [] if len(kinds) == 1 or "NoneType" in kinds else [f"{place}: {kinds}"]


def sell(shop: ShopifySandbox) -> Any:
    """An order as the derived story has it: two pieces and one, ten percent off, shipping."""
    pan, brush = shop.add_product("Cast iron pan", 40), shop.add_product("Oil brush", 25)
    mira = shop.add_customer("mira@example.com", firstName="Mira", lastName="Ito")
    ask(shop, "DiscountCodeBasicCreate", basicCodeDiscount=coupon("LOY-7F3K-9Q2M"))
    items = ((pan["id"], 2), (brush["id"], 1))
    return shop.check_out(*items, customer=mira["id"], shipping=5, codes=["LOY-7F3K-9Q2M"])


def test_an_order_has_the_fields_of_the_sample(shop: ShopifySandbox) -> None:
    given = sample("derived/orders_paid")
    del given["customer"]["default_address"]  # our customers have none
    assert differences(sell(shop), given) == []


def test_a_refund_has_the_fields_of_the_sample(shop: ShopifySandbox) -> None:
    order = sell(shop)
    lines = [(each["id"], each["quantity"]) for each in order["line_items"]]
    refund = shop.refund(order["id"], lines, shipping=5)
    assert differences(refund, sample("derived/refunds_create_full_with_shipping")) == []


def test_a_customer_has_the_fields_of_the_sample(shop: ShopifySandbox) -> None:
    listen(shop, "CUSTOMERS_CREATE")
    shop.add_customer("bob@biller.test", firstName="Bob")
    given = sample("customers_create")
    del given["default_address"]
    assert differences(sent(shop, "customers/create"), given) == []


def _tag(shop: ShopifySandbox, order: Any) -> None:
    shop.ask('mutation($id: ID!) { tagsAdd(id: $id, tags: ["a"]) { node { id } } }', {"id": _customer(order)})


def _untag(shop: ShopifySandbox, order: Any) -> None:
    _tag(shop, order)
    query = 'mutation($id: ID!) { tagsRemove(id: $id, tags: ["a"]) { node { id } } }'
    shop.ask(query, {"id": _customer(order)})


def _customer(order: Any) -> str:
    return gid("Customer", order["customer"]["id"])


def _drop_discount(shop: ShopifySandbox, _order: Any) -> None:
    number = next(iter(shop.state.discounts))
    ask(shop, "DiscountCodeDelete", id=gid("DiscountCodeNode", number))


CAUSES: dict[str, tuple[str, str, Callable[[ShopifySandbox, Any], Any]]] = {
    "orders_edited": (
        "ORDERS_EDITED",
        "orders/edited",
        lambda shop, order: shop.edit(
            order["id"],
            add=[(order["line_items"][1]["product_id"], 1)],
            remove=[(order["line_items"][0]["id"], 1)],
        ),
    ),
    "orders_delete": ("ORDERS_DELETE", "orders/delete", lambda shop, order: shop.delete(order["id"])),
    "order_transactions_create": (
        "ORDER_TRANSACTIONS_CREATE",
        "order_transactions/create",
        lambda shop, order: shop.refund(order["id"], amount=1),
    ),
    "customer_tags_added": ("CUSTOMER_TAGS_ADDED", "customer.tags_added", _tag),
    "customer_tags_removed": ("CUSTOMER_TAGS_REMOVED", "customer.tags_removed", _untag),
    "customers_delete": (
        "CUSTOMERS_DELETE",
        "customers/delete",
        lambda shop, order: shop.delete_customer(order["customer"]["id"]),
    ),
    "customers_merge": (
        "CUSTOMERS_MERGE",
        "customers/merge",
        lambda shop, order: shop.merge_customers(
            order["customer"]["id"], shop.add_customer("other@example.test")["id"]
        ),
    ),
    "discounts_create": (
        "DISCOUNTS_CREATE",
        "discounts/create",
        lambda shop, _order: ask(shop, "DiscountCodeBasicCreate", basicCodeDiscount=coupon("NEW")),
    ),
    "discounts_redeemcode_added": (
        "DISCOUNTS_REDEEMCODE_ADDED",
        "discounts/redeemcode_added",
        lambda shop, _order: ask(shop, "DiscountCodeBasicCreate", basicCodeDiscount=coupon("NEW")),
    ),
    "discounts_redeemcode_removed": (
        "DISCOUNTS_REDEEMCODE_REMOVED",
        "discounts/redeemcode_removed",
        _drop_discount,
    ),
    "discounts_delete": ("DISCOUNTS_DELETE", "discounts/delete", _drop_discount),
    "bulk_operations_finish": (
        "BULK_OPERATIONS_FINISH",
        "bulk_operations/finish",
        lambda shop, _order: ask(
            shop, "BulkOperationRunQuery", query="{ orders { edges { node { id } } } }", groupObjects=False
        ),
    ),
    "app_uninstalled": ("APP_UNINSTALLED", "app/uninstalled", lambda shop, _order: shop.uninstall()),
}


@pytest.mark.parametrize("name", CAUSES)
def test_a_delivery_has_the_fields_of_the_sample(shop: ShopifySandbox, name: str) -> None:
    constant, topic, cause = CAUSES[name]
    order = sell(shop)
    listen(shop, constant)
    cause(shop, order)
    assert differences(sent(shop, topic), sample(name)) == []


@pytest.mark.parametrize(
    ("name", "topic", "cause"),
    [
        ("customers_data_request", "customers/data_request", "request_data"),
        ("customers_redact", "customers/redact", "redact_customer"),
        ("shop_redact", "shop/redact", "redact_shop"),
    ],
)
def test_a_compliance_topic_comes_without_a_subscription(
    shop: ShopifySandbox, name: str, topic: str, cause: str
) -> None:
    order = sell(shop)
    shop.state.compliance_url = "http://127.0.0.1:9/webhooks/shopify"
    who = () if cause == "redact_shop" else (order["customer"]["id"],)
    getattr(shop, cause)(*who)
    assert differences(sent(shop, topic), sample(name)) == []
    assert ask(shop, "WebhookSubscriptions", first=10)["webhookSubscriptions"]["nodes"] == []


def test_a_gift_card_line_and_a_guest_look_as_in_the_samples(shop: ShopifySandbox) -> None:
    card = shop.add_product("Gift card 50", 50, gift_card=True)
    order = shop.place_order((card["id"], 1), email="guest@example.test", test=True)
    assert order["line_items"][0]["gift_card"] is True
    assert order["test"] is True
    assert order["customer"] is None
    assert differences(order, sample("derived/orders_paid_no_customer")) == []
