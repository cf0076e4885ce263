"""The sandbox Shopify charges, throttles and refuses as Shopify does, all within an HTTP 200."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from shopify_sandbox import OPERATIONS, START, Clock, coupon, gid, post

from connectors.shopify.sandbox import ShopifySandbox


class Seconds:
    """The bucket's own clock."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def shop(seconds: Seconds) -> Iterator[ShopifySandbox]:
    with ShopifySandbox("EUR", 2, now=lambda: START, bucket=1000, restore_rate=50) as running:
        running.bucket.clock = seconds
        yield running


def charge(shop: ShopifySandbox, query: str, variables: Any = None) -> Any:
    return post(shop, query, variables).json()["extensions"]["cost"]


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ shop { name currencyCode } }", 1),
        ("{ shop { primaryDomain { url } } }", 2),
        ("{ orders(first: 10) { nodes { id } } }", 12),
        ("{ orders(first: 10) { edges { node { id } } pageInfo { hasNextPage } } }", 12),
        ("{ orders(first: 10) { nodes { totalPriceSet { shopMoney { amount } } } } }", 32),
        ("{ orders(first: 10) { nodes { lineItems(first: 5) { nodes { id } } } } }", 82),
        ("{ orders(first: 3) { nodes { transactions(first: 4) { id } } } }", 17),
        ("{ a: shop { id } b: shop { id } }", 2),
    ],
)
def test_a_query_costs_its_objects_and_the_sizes_of_its_lists(
    shop: ShopifySandbox, query: str, cost: int
) -> None:
    assert charge(shop, query)["requestedQueryCost"] == cost


def test_a_size_may_come_as_a_variable_and_ids_count_each(shop: ShopifySandbox) -> None:
    sized = "query($n: Int!) { orders(first: $n) { nodes { id } } }"
    assert charge(shop, sized, {"n": 7})["requestedQueryCost"] == 9
    by_ids = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert charge(shop, by_ids, {"ids": [gid("Order", n) for n in range(5)]})["requestedQueryCost"] == 5


def test_the_dearest_kind_of_a_union_counts(shop: ShopifySandbox) -> None:
    parts = "... on DiscountCodeBasic { codesCount { count } combinesWith { orderDiscounts } }"
    parts += " ... on DiscountCodeFreeShipping { codesCount { count } }"
    query = f'{{ codeDiscountNodeByCode(code: "X") {{ codeDiscount {{ {parts} }} }} }}'
    assert charge(shop, query)["requestedQueryCost"] == 4


def test_each_mutation_costs_ten(shop: ShopifySandbox) -> None:
    amy = gid("Customer", shop.add_customer()["id"])
    told = charge(shop, OPERATIONS["Tags"], {"id": amy, "tags": ["a"]})
    assert (told["requestedQueryCost"], told["actualQueryCost"]) == (20, 20)


def test_what_was_not_used_is_given_back(shop: ShopifySandbox) -> None:
    shop.place_order((shop.add_product()["id"], 1))
    told = charge(shop, "{ orders(first: 100) { nodes { id } } }")
    assert (told["requestedQueryCost"], told["actualQueryCost"]) == (102, 3)
    status = {"maximumAvailable": 1000.0, "currentlyAvailable": 997, "restoreRate": 50.0}
    assert told["throttleStatus"] == status


@pytest.mark.parametrize(("size", "is_refused"), [(998, False), (999, True)])
def test_a_query_costs_a_thousand_at_most(shop: ShopifySandbox, size: int, is_refused: bool) -> None:
    lists = [
        f"l{start}: orders(first: {min(250, size - start)}) {{ nodes {{ id }} }}"
        for start in range(0, size, 250)
    ]
    extra = 2 * (len(lists) - 1)
    lists[-1] = lists[-1].replace(f"first: {size - 750})", f"first: {size - 750 - extra})")
    answer = post(shop, f"{{ {' '.join(lists)} }}")
    errors = answer.json().get("errors")
    assert answer.status_code == 200
    assert [each["extensions"]["code"] for each in errors or ()] == (
        ["MAX_COST_EXCEEDED"] if is_refused else []
    )


@pytest.mark.parametrize(("size", "codes"), [(250, []), (251, ["MAX_INPUT_SIZE_EXCEEDED"])])
def test_a_list_of_an_input_has_two_hundred_and_fifty_rows_at_most(
    shop: ShopifySandbox, size: int, codes: list[str]
) -> None:
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    told = post(shop, query, {"ids": [gid("Order", number) for number in range(size)]}).json()
    assert [each["extensions"]["code"] for each in told.get("errors", ())] == codes


def test_an_empty_bucket_throttles_and_fills_with_time(shop: ShopifySandbox, seconds: Seconds) -> None:
    query = "{ orders(first: 98) { nodes { id } } }"
    shop.bucket.drain()
    answer = post(shop, query)
    assert answer.status_code == 200
    told = answer.json()
    assert told["errors"][0]["message"] == "Throttled"
    assert told["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert "data" not in told
    cost = told["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (100, None)
    assert cost["throttleStatus"]["currentlyAvailable"] == 0
    seconds.at += 1.98
    assert "errors" in post(shop, query).json()
    seconds.at += 0.02
    assert "errors" not in post(shop, query).json()


def test_a_throttled_mutation_did_nothing(shop: ShopifySandbox) -> None:
    shop.bucket.drain()
    post(shop, OPERATIONS["DiscountCodeBasicCreate"], {"basicCodeDiscount": coupon()})
    assert shop.discount("LAUREL-1") is None


def test_a_missing_scope_leaves_a_null_and_an_error_within_a_200(shop: ShopifySandbox) -> None:
    shop.grant("read_customers")
    answer = post(shop, "{ shop { name } ordersCount { count } }")
    assert answer.status_code == 200
    told = answer.json()
    assert told["data"] == {"shop": {"name": "Laurel Test"}, "ordersCount": None}
    assert [(each["path"], each["extensions"]["code"]) for each in told["errors"]] == [
        (["ordersCount"], "ACCESS_DENIED")
    ]
    assert "`read_orders` access scope" in told["errors"][0]["message"]


def test_writing_means_reading(shop: ShopifySandbox) -> None:
    shop.grant("write_orders")
    assert "errors" not in post(shop, "{ ordersCount { count } }").json()


def test_protected_data_that_is_not_granted_is_null_with_an_error(shop: ShopifySandbox) -> None:
    shop.add_customer("amy@example.test")
    shop.state.withheld = {"Customer.defaultEmailAddress"}
    told = post(shop, "{ customers(first: 1) { nodes { id defaultEmailAddress { emailAddress } } } }").json()
    assert told["data"]["customers"]["nodes"][0]["defaultEmailAddress"] is None
    assert told["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"


def test_only_two_months_of_orders_are_seen_without_the_scope_for_all() -> None:
    clock = Clock()
    with ShopifySandbox("EUR", 2, now=clock) as shop:
        mug = shop.add_product()["id"]
        old = shop.place_order((mug, 1))
        clock.pass_(days=60)
        assert _count(shop) == 1
        shop.grant("read_orders")
        assert _count(shop) == 1
        clock.pass_(seconds=1)
        assert _count(shop) == 0
        assert post(shop, OPERATIONS["Order"], {"id": gid("Order", old["id"])}).json()["data"] == {
            "order": None
        }


def _count(shop: ShopifySandbox) -> int:
    return int(post(shop, "{ ordersCount { count } }").json()["data"]["ordersCount"]["count"])


@pytest.mark.parametrize(
    ("asked", "served"),
    [("2026-10", "2026-10"), ("2026-04", "2026-04"), ("2025-10", "2026-01"), ("unstable", "unstable")],
)
def test_a_version_that_is_gone_falls_forward_to_the_oldest(
    shop: ShopifySandbox, asked: str, served: str
) -> None:
    assert post(shop, "{ shop { id } }", version=asked).headers["X-Shopify-API-Version"] == served


def test_an_unknown_key_is_a_401(shop: ShopifySandbox) -> None:
    answer = post(shop, "{ shop { id } }", token="shpat_wrong")
    assert (answer.status_code, "Invalid API key" in answer.json()["errors"]) == (401, True)


def test_a_fault_can_be_meant_for_one_mutation(shop: ShopifySandbox) -> None:
    shop.fail_next(status=502, text="discountCodeBasicCreate", after=True)
    assert post(shop, "{ shop { id } }").status_code == 200
    create = OPERATIONS["DiscountCodeBasicCreate"]
    assert post(shop, create, {"basicCodeDiscount": coupon()}).status_code == 502
    assert shop.discount("LAUREL-1") is not None
    (error,) = post(shop, create, {"basicCodeDiscount": coupon()}).json()["data"]["discountCodeBasicCreate"][
        "userErrors"
    ]
    assert error["code"] == "TAKEN"
