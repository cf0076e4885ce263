"""Lists, searches, cursors, tags, metafields, gifts and bulk operations of the sandbox Shopify."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from shopify_sandbox import Clock, ask, gid, post, refusals

from connectors.shopify.sandbox import ShopifySandbox
from connectors.shopify.sandbox.state import instant_text

PAGE = """query($after: String, $query: String, $reverse: Boolean) {
  orders(first: 2, after: $after, query: $query, sortKey: UPDATED_AT, reverse: $reverse) {
    nodes { name } pageInfo { hasNextPage endCursor } } }"""
NESTED = "{ orders { edges { node { id name lineItems { edges { node { id quantity } } } } } } }"
LIST = "{ orders { edges { node { refunds { refundLineItems { edges { node { id } } } } } } } }"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(clock: Clock) -> Iterator[ShopifySandbox]:
    with ShopifySandbox(now=clock) as running:
        yield running


def sell(shop: ShopifySandbox, clock: Clock, count: int) -> list[Any]:
    """Place orders an hour apart: #1001 at nine o'clock UTC, and so on."""
    mug, orders = shop.add_product()["id"], []
    for _ in range(count):
        orders.append(shop.place_order((mug, 1), email=f"p{len(orders)}@example.test"))
        clock.pass_(hours=1)
    return orders


def names(shop: ShopifySandbox, query: str) -> list[str]:
    found = ask(shop, "query($q: String) { orders(first: 50, query: $q) { nodes { name } } }", q=query)
    return [each["name"] for each in found["orders"]["nodes"]]


def pages(shop: ShopifySandbox, **variables: Any) -> Iterator[list[str]]:
    after = None
    while True:
        found = ask(shop, PAGE, after=after, **variables)["orders"]
        yield [each["name"] for each in found["nodes"]]
        if not found["pageInfo"]["hasNextPage"]:
            return
        after = found["pageInfo"]["endCursor"]


def test_pages_have_every_order_once(shop: ShopifySandbox, clock: Clock) -> None:
    sell(shop, clock, 5)
    assert list(pages(shop)) == [["#1001", "#1002"], ["#1003", "#1004"], ["#1005"]]
    assert list(pages(shop, reverse=True)) == [["#1005", "#1004"], ["#1003", "#1002"], ["#1001"]]


def test_what_changes_between_pages_moves_to_the_end_and_nothing_is_skipped(
    shop: ShopifySandbox, clock: Clock
) -> None:
    orders = sell(shop, clock, 5)
    reading = pages(shop)
    assert next(reading) == ["#1001", "#1002"]
    shop.fulfil(orders[0]["id"])
    assert list(reading) == [["#1003", "#1004"], ["#1005", "#1001"]]


def test_the_last_of_a_list_may_be_asked_for(shop: ShopifySandbox, clock: Clock) -> None:
    sell(shop, clock, 3)
    found = ask(shop, "{ orders(last: 2) { nodes { name } pageInfo { hasPreviousPage hasNextPage } } }")[
        "orders"
    ]
    assert [each["name"] for each in found["nodes"]] == ["#1002", "#1003"]
    assert found["pageInfo"] == {"hasPreviousPage": True, "hasNextPage": False}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["#1001", "#1002", "#1003"]),
        ("updated_at:>='2026-11-20T10:00:00Z'", ["#1002", "#1003"]),
        ("updated_at:>'2026-11-20T10:00:00Z'", ["#1003"]),
        ("created_at:<2026-11-20T10:00:00Z", ["#1001"]),
        ("created_at:<='2026-11-20T18:00:00+08:00'", ["#1001", "#1002"]),
        ("created_at:>='2026-11-20T09:30:00Z' AND updated_at:<'2026-11-20T10:30:00Z'", ["#1002"]),
        ("created_at:>='2026-11-20'", ["#1001", "#1002", "#1003"]),
        ("created_at:>='2026-11-21'", []),
        ("name:'#1001' OR name:'#1003'", ["#1001", "#1003"]),
        ("(name:'#1001' OR name:'#1002') AND email:p1@example.test", ["#1002"]),
        ("-name:'#1002'", ["#1001", "#1003"]),
        ("test:false", ["#1001", "#1002", "#1003"]),
        ("test:true", []),
        ("financial_status:paid", ["#1001", "#1002", "#1003"]),
    ],
)
def test_a_search_finds(shop: ShopifySandbox, clock: Clock, query: str, expected: list[str]) -> None:
    sell(shop, clock, 3)
    assert names(shop, query) == expected


def test_a_search_by_id(shop: ShopifySandbox, clock: Clock) -> None:
    one, two, _ = sell(shop, clock, 3)
    assert names(shop, f"id:{two['id']}") == ["#1002"]
    assert names(shop, f"id:{one['id']} OR id:{two['id']}") == ["#1001", "#1002"]
    assert names(shop, f"id:>={two['id']}") == ["#1002", "#1003"]


def test_a_search_that_nobody_plays_is_refused_rather_than_ignored(shop: ShopifySandbox) -> None:
    told = post(shop, '{ orders(first: 1, query: "colour:red") { nodes { id } } }').json()
    assert "does not play the search field" in told["errors"][0]["message"]


def test_nodes_keep_their_order_and_are_null_where_there_is_nothing(
    shop: ShopifySandbox, clock: Clock
) -> None:
    one, two = sell(shop, clock, 2)
    ids = [gid("Order", two["id"]), gid("Order", 1), gid("Order", one["id"])]
    found = ask(shop, "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Order { name } } }", ids=ids)["nodes"]
    assert found == [{"name": "#1002"}, None, {"name": "#1001"}]


def test_a_customer_is_found_by_his_exact_address(shop: ShopifySandbox) -> None:
    shop.add_customer("amy@example.test", firstName="Amy")
    query = "query($e: String) { customerByIdentifier(identifier: {emailAddress: $e}) { firstName } }"
    assert ask(shop, query, e="AMY@example.test")["customerByIdentifier"] == {"firstName": "Amy"}
    assert ask(shop, query, e="my@example.test")["customerByIdentifier"] is None


@pytest.mark.parametrize(("length", "errors"), [(40, []), (41, [("tags", None)])])
def test_a_tag_has_forty_characters_at_most(
    shop: ShopifySandbox, length: int, errors: list[tuple[str, None]]
) -> None:
    query = "mutation($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { userErrors { field } } }"
    amy = gid("Customer", shop.add_customer()["id"])
    assert refusals(shop, query, id=amy, tags=["x" * length]) == errors


def test_tags_are_one_whatever_their_case(shop: ShopifySandbox) -> None:
    amy = shop.add_customer(tags=["VIP"])["id"]
    query = "mutation($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { userErrors { field } } }"
    ask(shop, query, id=gid("Customer", amy), tags=["vip", "new "])
    assert shop.customer(amy)["tags"] == ["VIP", "new"]
    ask(shop, query.replace("tagsAdd", "tagsRemove"), id=gid("Customer", amy), tags=["vIp"])
    assert shop.customer(amy)["tags"] == ["new"]


def field(shop: ShopifySandbox, key: str, value: str, **more: Any) -> dict[str, Any]:
    owner = gid("Customer", next(iter(shop.state.customers)))
    given = {"ownerId": owner, "namespace": "$app:loyalty", "key": key, "value": value}
    return {**given, "type": "single_line_text_field", **more}


def stored(shop: ShopifySandbox) -> dict[str, str]:
    return {row["key"]: row["value"] for row in shop.state.metafields.values()}


def test_metafields_are_set_all_or_none(shop: ShopifySandbox) -> None:
    shop.add_customer()
    bad = field(shop, "points", "many", type="number_integer")
    errors = refusals(shop, "MetafieldsSet", metafields=[field(shop, "tier", "gold"), bad])
    assert errors == [("metafields.1", "INVALID_VALUE")]
    assert stored(shop) == {}


@pytest.mark.parametrize(("count", "is_refused"), [(25, False), (26, True)])
def test_metafields_are_set_twenty_five_at_once(shop: ShopifySandbox, count: int, is_refused: bool) -> None:
    shop.add_customer()
    rows = [field(shop, f"k{number}", "x") for number in range(count)]
    errors = refusals(shop, "MetafieldsSet", metafields=rows)
    assert errors == ([("metafields", "LESS_THAN_OR_EQUAL_TO")] if is_refused else [])
    assert len(stored(shop)) == (0 if is_refused else count)


def test_metafields_compare_and_set(shop: ShopifySandbox) -> None:
    shop.add_customer()
    made = ask(shop, "MetafieldsSet", metafields=[field(shop, "tier", "gold", compareDigest=None)])
    digest = made["metafieldsSet"]["metafields"][0]["compareDigest"]
    assert (
        refusals(shop, "MetafieldsSet", metafields=[field(shop, "tier", "vip", compareDigest=digest)]) == []
    )
    stale = [field(shop, "tier", "silver", compareDigest=digest)]
    assert refusals(shop, "MetafieldsSet", metafields=stale) == [("metafields.0", "STALE_OBJECT")]
    assert stored(shop) == {"tier": "vip"}


def test_a_metafield_is_defined_once(shop: ShopifySandbox) -> None:
    given = {"name": "Points", "namespace": "$app:loyalty", "key": "points", "ownerType": "CUSTOMER"}
    given["type"] = "number_integer"
    assert refusals(shop, "MetafieldDefinitionCreate", definition=given) == []
    assert refusals(shop, "MetafieldDefinitionCreate", definition=given) == [("definition.key", "TAKEN")]


@pytest.mark.parametrize(
    ("code", "errors"),
    [
        ("loy4tke93nxq2m8p", []),
        ("LOY4TKE93NXQ2M8P", []),
        ("abcdefg", [("input.code", "TOO_SHORT")]),
        ("a" * 21, [("input.code", "TOO_LONG")]),
        ("abc-defgh", [("input.code", "INVALID")]),
        ("taken123", [("input.code", "TAKEN")]),
        ("TAKEN123", [("input.code", "TAKEN")]),
    ],
)
def test_the_code_of_a_gift_card(shop: ShopifySandbox, code: str, errors: list[tuple[str, str]]) -> None:
    money = {"initialAmount": {"amount": "10.00", "currencyCode": "TWD"}}
    assert refusals(shop, "GiftCardCreate", input={**money, "code": "taken123"}) == []
    assert refusals(shop, "GiftCardCreate", input={**money, "code": code}) == errors


def test_a_gift_card_may_be_ended(shop: ShopifySandbox) -> None:
    money = {"initialAmount": {"amount": "10.00", "currencyCode": "TWD"}}
    card = ask(shop, "GiftCardCreate", input=money)["giftCardCreate"]["giftCard"]
    assert card["enabled"] is True
    ended = ask(shop, "GiftCardDeactivate", id=card["id"])["giftCardDeactivate"]["giftCard"]
    assert ended["enabled"] is False
    assert refusals(shop, "GiftCardDeactivate", id=gid("GiftCard", 1)) == [("id", "GIFT_CARD_NOT_FOUND")]


def test_store_credit_adds_up(shop: ShopifySandbox) -> None:
    amy = gid("Customer", shop.add_customer()["id"])
    for total in ("10.0", "20.0"):
        given = {"creditAmount": {"amount": "10.00", "currencyCode": "TWD"}}
        told = ask(shop, "StoreCreditAccountCredit", id=amy, creditInput=given)["storeCreditAccountCredit"]
        assert told["storeCreditAccountTransaction"]["account"]["balance"]["amount"] == total
    nothing = {"creditAmount": {"amount": "0", "currencyCode": "TWD"}}
    errors = refusals(shop, "StoreCreditAccountCredit", id=amy, creditInput=nothing)
    assert errors == [("creditInput.creditAmount.amount", "NEGATIVE_OR_ZERO_AMOUNT")]


def run(shop: ShopifySandbox, query: str = NESTED, *, grouped: bool = False) -> Any:
    told = ask(shop, "BulkOperationRunQuery", query=query, groupObjects=grouped)
    return told["bulkOperationRunQuery"]["bulkOperation"]


def lines(answer: requests.Response) -> list[Any]:
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.parametrize("grouped", [True, False])
def test_a_bulk_operation_reads_everything_and_children_name_their_parents(
    shop: ShopifySandbox, clock: Clock, grouped: bool
) -> None:
    orders = sell(shop, clock, 3)
    done = run(shop, grouped=grouped)
    assert (done["status"], done["objectCount"], done["rootObjectCount"]) == ("COMPLETED", "6", "3")
    rows = lines(requests.get(done["url"], timeout=10))
    parents = [gid("Order", each["id"]) for each in orders]
    assert [each["id"] for each in rows if "__parentId" not in each] == parents
    assert [each["__parentId"] for each in rows if "__parentId" in each] == parents
    assert all("lineItems" not in each for each in rows)
    assert ("__parentId" in rows[1]) == grouped


def test_a_file_answers_ranges(shop: ShopifySandbox, clock: Clock) -> None:
    sell(shop, clock, 2)
    done = run(shop)
    whole = requests.get(done["url"], timeout=10)
    part = requests.get(done["url"], headers={"Range": "bytes=10-"}, timeout=10)
    assert (part.status_code, part.content) == (206, whole.content[10:])
    assert part.headers["Content-Range"] == f"bytes 10-{len(whole.content) - 1}/{len(whole.content)}"
    beyond = requests.get(done["url"], headers={"Range": f"bytes={len(whole.content)}-"}, timeout=10)
    assert beyond.status_code == 416


def test_a_bulk_operation_takes_its_time_and_its_file_is_gone_after_a_week(
    shop: ShopifySandbox, clock: Clock
) -> None:
    sell(shop, clock, 1)
    shop.state.bulk_seconds = 30
    begun = run(shop)
    assert (begun["status"], begun["url"]) == ("RUNNING", None)
    clock.pass_(seconds=30)
    done = ask(shop, "BulkOperation", id=begun["id"])["bulkOperation"]
    assert done["status"] == "COMPLETED"
    clock.pass_(days=7)
    assert requests.get(done["url"], timeout=10).status_code == 200
    clock.pass_(seconds=1)
    assert requests.get(done["url"], timeout=10).status_code == 404


def test_a_bulk_operation_over_what_may_not_be_read_fails_when_it_is_over(
    shop: ShopifySandbox, clock: Clock
) -> None:
    sell(shop, clock, 1)
    shop.state.bulk_seconds = 30
    shop.grant("read_customers")
    begun = run(shop)
    assert (begun["status"], begun["errorCode"]) == ("RUNNING", None)
    clock.pass_(seconds=30)
    done = ask(shop, "BulkOperation", id=begun["id"])["bulkOperation"]
    assert (done["status"], done["errorCode"], done["url"]) == ("FAILED", "ACCESS_DENIED", None)
    assert (done["objectCount"], done["completedAt"]) == ("0", instant_text(clock()))


def test_five_bulk_operations_run_at_once(shop: ShopifySandbox, clock: Clock) -> None:
    shop.state.bulk_seconds = 30
    begun = [run(shop) for _ in range(5)]
    given = {"query": NESTED, "groupObjects": False}
    assert refusals(shop, "BulkOperationRunQuery", **given) == [("query", "OPERATION_IN_PROGRESS")]
    ask(shop, "BulkOperationCancel", id=begun[0]["id"])
    assert refusals(shop, "BulkOperationRunQuery", **given) == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("{ shop { id } }", "at least one connection"),
        ("{ orders { edges { node { colour } } } }", "Cannot query field 'colour'"),
        (LIST, "connection field within a list field"),
        ("{ orders {", "Syntax Error"),
    ],
)
def test_what_cannot_be_run_in_bulk_is_refused(shop: ShopifySandbox, query: str, words: str) -> None:
    told = ask(shop, "BulkOperationRunQuery", query=query, groupObjects=False)["bulkOperationRunQuery"]
    assert told["bulkOperation"] is None
    assert words in told["userErrors"][0]["message"]


def test_customers_that_are_merged_are_one_with_all_orders(shop: ShopifySandbox) -> None:
    amy, old = shop.add_customer("amy@example.test")["id"], shop.add_customer("old@example.test")["id"]
    order = shop.place_order((shop.add_product()["id"], 1), customer=old)
    shop.merge_customers(amy, old)
    assert shop.order(order["id"])["customer"]["id"] == amy
    assert (
        ask(shop, "query($id: ID!) { customer(id: $id) { id } }", id=gid("Customer", old))["customer"] is None
    )
