"""The sandbox Shopify answers by Shopify's own schema: what is invalid there is invalid here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from graphql import GraphQLSchema, build_schema, validate
from graphql.validation import NoDeprecatedCustomRule
from shopify_sandbox import OPERATIONS, START, ask, coupon, gid, post

from connectors.shopify.sandbox import ShopifySandbox, prune

QUERIES = [name for name in OPERATIONS if OPERATIONS[name].startswith("query")]


@pytest.fixture(scope="module")
def full() -> GraphQLSchema:
    return prune.read_full()


@pytest.fixture
def shop() -> Iterator[ShopifySandbox]:
    with ShopifySandbox("EUR", 2, "Europe/Berlin", tax_rate="20", now=lambda: START) as running:
        yield running


def test_the_pruned_schema_is_in_step_with_the_documents(full: GraphQLSchema) -> None:
    assert prune.PRUNED.read_text(encoding="utf-8") == prune.prune(full, prune.read_documents())


def test_what_is_played_is_valid_and_not_deprecated_in_the_whole_schema(full: GraphQLSchema) -> None:
    played = prune.read_documents()[-1]
    assert [each.message for each in validate(full, played)] == []
    assert [each.message for each in validate(full, played, [NoDeprecatedCustomRule])] == []


def test_the_pruned_schema_has_no_field_that_the_whole_one_lacks(full: GraphQLSchema) -> None:
    pruned = build_schema(prune.PRUNED.read_text(encoding="utf-8"))
    for name, kind in pruned.type_map.items():
        for field, definition in getattr(kind, "fields", {}).items():
            assert str(full.type_map[name].fields[field].type) == str(definition.type)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("{ orders(first: 1) { nodes { colour } } }", "Cannot query field 'colour' on type 'Order'"),
        ("{ orders(first: 1) { nodes { totalPrice } } }", "Cannot query field 'totalPrice'"),
        ("{ orders(first: true) { nodes { id } } }", "Int cannot represent non-integer value: true"),
        ("{ orders(limit: 1) { nodes { id } } }", "Unknown argument 'limit'"),
        ("{ order { id } }", "of type 'ID!' is required"),
        ("{ shop { id }", "Syntax Error"),
    ],
)
def test_an_invalid_query_is_refused_within_a_200(shop: ShopifySandbox, query: str, words: str) -> None:
    answer = post(shop, query)
    assert answer.status_code == 200
    assert "data" not in answer.json()
    assert words in answer.json()["errors"][0]["message"]


def test_a_context_of_two_kinds_is_refused_by_the_schema(shop: ShopifySandbox) -> None:
    discount = coupon(context={"all": "ALL", "customers": {"add": []}})
    told = post(shop, OPERATIONS["DiscountCodeBasicCreate"], {"basicCodeDiscount": discount}).json()
    assert "DiscountContextInput" in told["errors"][0]["message"]
    assert shop.discount("LAUREL-1") is None


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"endsAt": "tomorrow"}, "invalid DateTime 'tomorrow'"),
        (
            {"minimumRequirement": {"subtotal": {"greaterThanOrEqualToSubtotal": "much"}}},
            "invalid Decimal 'much'",
        ),
        ({"usageLimit": "one"}, "Int cannot represent non-integer value"),
    ],
)
def test_a_value_that_is_none_is_refused(shop: ShopifySandbox, more: dict[str, str], words: str) -> None:
    told = post(shop, OPERATIONS["DiscountCodeBasicCreate"], {"basicCodeDiscount": coupon(**more)}).json()
    assert words in told["errors"][0]["message"]
    assert shop.discount("LAUREL-1") is None


def test_a_value_in_the_text_is_judged_like_a_variable(shop: ShopifySandbox) -> None:
    query = 'mutation { giftCardCreate(input: {initialAmount: {amount: "%s", currencyCode: EUR}})'
    query += " { giftCard { balance { amount } } userErrors { code } } }"
    made = ask(shop, query % "10.50")["giftCardCreate"]["giftCard"]
    assert made == {"balance": {"amount": "10.5"}}
    assert "invalid Decimal" in post(shop, query % "ten").json()["errors"][0]["message"]


def test_a_list_without_a_size_is_refused(shop: ShopifySandbox) -> None:
    told = post(shop, "{ orders { nodes { id } } }").json()
    assert told["errors"][0]["message"] == "you must provide one of first or last"


def test_every_question_is_answered_with_all_its_fields(shop: ShopifySandbox) -> None:
    """The default resolver refuses a field that no row and no table has, so this also finds what is not played."""
    mug, amy = shop.add_product("Mug", 40, tags=["cups"]), shop.add_customer(firstName="Amy", phone="+886900")
    ask(shop, "DiscountCodeBasicCreate", basicCodeDiscount=coupon())
    order = shop.check_out((mug["id"], 2), customer=amy["id"], shipping=5, codes=["LAUREL-1"])
    refund = shop.refund(order["id"], [(order["line_items"][0]["id"], 1)], shipping=5, amount=10)
    shop.fulfil(order["id"])
    card = ask(shop, "GiftCardCreate", input={"initialAmount": {"amount": "10.00", "currencyCode": "EUR"}})
    money = {"creditAmount": {"amount": "3.00", "currencyCode": "EUR"}}
    ask(shop, "StoreCreditAccountCredit", id=gid("Customer", amy["id"]), creditInput=money)
    field = {"ownerId": gid("Order", order["id"]), "namespace": "$app:loyalty", "key": "points"}
    ask(shop, "MetafieldsSet", metafields=[{**field, "type": "number_integer", "value": "7"}])
    bulk = ask(
        shop, "BulkOperationRunQuery", query="{ orders { edges { node { id } } } }", groupObjects=False
    )
    ids = {
        "Order": gid("Order", order["id"]),
        "Refund": gid("Refund", refund["id"]),
        "GiftCard": card["giftCardCreate"]["giftCard"]["id"],
        "BulkOperation": bulk["bulkOperationRunQuery"]["bulkOperation"]["id"],
        "Customer": gid("Customer", amy["id"]),
        "Nodes": gid("Product", mug["id"]),
    }
    variables = {"first": 1, "ids": [ids["Customer"], ids["Nodes"]], "code": "laurel-1"}
    variables |= {"identifier": {"emailAddress": "AMY@example.test"}}
    for name in QUERIES:
        data = ask(shop, name, **variables, id=ids.get(name))
        assert all(value is not None for value in data.values()), name
