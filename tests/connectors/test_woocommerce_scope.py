"""Coupons for some products or categories, for one piece, alone or beside others."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.base import StoreAccess
from connectors.woocommerce import WooCommerceConnector
from connectors.woocommerce.coupons import coupon_content
from connectors.woocommerce.sandbox import RestError, SandboxShop
from loyalty.pushes import DisableCoupon, PushError, PushReceipt, PutCoupon

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
CODE = "lrab23cd45ef"
OFF = PutCoupon(CODE, "fixed_discount", Decimal(100), Decimal(0), None, "amy@example.test", "gift")
FREE = replace(OFF, kind="free_product", amount=Decimal(100))
AMY: dict[str, Any] = {"email": "amy@example.test"}
Push = Any


@pytest.fixture
def push(woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop) -> Push:
    woo_shop.now = lambda: NOW
    return lambda *commands: woo.push(woo_access, commands)


@pytest.fixture
def mug(woo_shop: SandboxShop) -> int:
    return int(woo_shop.add_product("Mug", 500, categories=[{"id": 7}])["id"])


@pytest.fixture
def tea(woo_shop: SandboxShop) -> int:
    return int(woo_shop.add_product("Tea", 240, categories=[{"id": 8}])["id"])


def bought(shop: SandboxShop, *items: tuple[int, int], codes: tuple[str, ...] = (CODE,)) -> list[str]:
    """What each line costs with the codes."""
    order = shop.check_out(*items, coupons=codes, **AMY)
    return [line["total"] for line in order["line_items"]]


def refusal(outcomes: list[PushReceipt | PushError]) -> tuple[bool, str]:
    (error,) = outcomes
    assert isinstance(error, PushError)
    return error.permanent, error.reason


def stored(shop: SandboxShop) -> dict[str, Any]:
    coupon = shop.coupon(CODE)
    assert coupon is not None
    return coupon


def test_fixed_discount_on_a_product_takes_its_amount_once_and_from_that_product_only(
    push: Push, woo_shop: SandboxShop, mug: int, tea: int
) -> None:
    assert isinstance(push(replace(OFF, product_ids=(str(mug),)))[0], PushReceipt)
    coupon = stored(woo_shop)
    shape = coupon["discount_type"], coupon["product_ids"], coupon["limit_usage_to_x_items"]
    assert shape == ("fixed_product", [mug], 1)
    assert bought(woo_shop, (tea, 9), (mug, 3)) == ["2160", "1400"]


def test_fixed_discount_on_a_cheaper_piece_takes_no_more_than_its_price(
    push: Push, woo_shop: SandboxShop, mug: int, tea: int
) -> None:
    push(replace(OFF, amount=Decimal(300), category_ids=("8",)))
    assert stored(woo_shop)["product_categories"] == [8]
    assert bought(woo_shop, (tea, 2), (mug, 1)) == ["240", "500"]


def test_fixed_discount_on_nothing_special_is_spread_over_the_cart(
    push: Push, woo_shop: SandboxShop, mug: int, tea: int
) -> None:
    push(OFF)
    coupon = stored(woo_shop)
    assert (coupon["discount_type"], coupon["limit_usage_to_x_items"]) == ("fixed_cart", None)
    assert bought(woo_shop, (mug, 1), (tea, 1)) == ["450", "190"]


def test_percent_discount_on_a_category_leaves_the_rest_alone(
    push: Push, woo_shop: SandboxShop, mug: int, tea: int
) -> None:
    push(replace(OFF, kind="percent_discount", amount=Decimal(10), category_ids=("7",)))
    assert stored(woo_shop)["limit_usage_to_x_items"] is None
    assert bought(woo_shop, (mug, 2), (tea, 1)) == ["900", "240"]


def test_free_product_is_one_piece_of_what_is_named(
    push: Push, woo_shop: SandboxShop, mug: int, tea: int
) -> None:
    push(replace(FREE, product_ids=(str(tea),)))
    coupon = stored(woo_shop)
    shape = coupon["discount_type"], coupon["amount"], coupon["product_ids"], coupon["limit_usage_to_x_items"]
    assert shape == ("percent", "100.00", [tea], 1)
    assert bought(woo_shop, (mug, 1), (tea, 3)) == ["500", "480"]


def test_of_several_free_products_the_dearest_in_the_cart_is_free(
    push: Push, woo_shop: SandboxShop, mug: int, tea: int
) -> None:
    push(replace(FREE, product_ids=(str(tea), str(mug))))
    assert bought(woo_shop, (tea, 2), (mug, 2)) == ["480", "500"]


@pytest.mark.parametrize("command", [FREE, OFF, replace(OFF, kind="percent_discount", amount=Decimal(5))])
def test_code_of_a_product_is_refused_without_it(
    push: Push, woo_shop: SandboxShop, mug: int, tea: int, command: PutCoupon
) -> None:
    push(replace(command, product_ids=(str(mug),)))
    with pytest.raises(RestError) as refused:
        bought(woo_shop, (tea, 1))
    words = f"Sorry, coupon &quot;{CODE}&quot; is not applicable to selected products."
    assert refused.value.body["message"] == words


def test_variation_is_meant_with_its_product(push: Push, woo_shop: SandboxShop) -> None:
    shirt = woo_shop.add_product("Shirt", 0, categories=[{"id": 9}])["id"]
    small = woo_shop.add_product("Shirt S", 400, type="variation", parent_id=shirt)["id"]
    push(replace(OFF, product_ids=(str(shirt),)))
    assert bought(woo_shop, (small, 1)) == ["300"]


def test_free_shipping_for_orders_with_a_product(
    push: Push, woo_shop: SandboxShop, mug: int, tea: int
) -> None:
    push(replace(OFF, kind="free_shipping", amount=Decimal(0), free_shipping=True, category_ids=("7",)))
    order = woo_shop.check_out((mug, 1), (tea, 1), coupons=[CODE], **AMY)
    assert (order["discount_total"], order["shipping_total"]) == ("0", "0")
    with pytest.raises(RestError):
        woo_shop.check_out((tea, 1), coupons=[CODE], **AMY)


def test_s49_minimum_subtotal_refuses_below_and_applies_at_the_threshold(
    push: Push, woo_shop: SandboxShop, mug: int, tea: int
) -> None:
    push(replace(OFF, minimum_subtotal=Decimal(740)))
    with pytest.raises(RestError) as refused:
        bought(woo_shop, (tea, 3))
    assert refused.value.body["message"] == f"The minimum spend for coupon &quot;{CODE}&quot; is 740.00."
    assert bought(woo_shop, (mug, 1), (tea, 1)) == ["450", "190"]


def test_code_that_is_combinable_is_used_beside_another(push: Push, woo_shop: SandboxShop, mug: int) -> None:
    woo_shop.add_coupon("summer", 50)
    push(replace(OFF, combinable=True))
    assert stored(woo_shop)["individual_use"] is False
    assert bought(woo_shop, (mug, 1), codes=("summer", CODE)) == ["350"]


def test_code_that_is_not_combinable_refuses_a_second_one(
    push: Push, woo_shop: SandboxShop, mug: int
) -> None:
    woo_shop.add_coupon("summer", 50)
    push(OFF)
    with pytest.raises(RestError) as refused:
        bought(woo_shop, (mug, 1), codes=(CODE, "summer"))
    words = f'"{CODE}" has already been applied and cannot be used in conjunction with other coupons.'
    assert (refused.value.body["code"], refused.value.body["message"]) == (
        "woocommerce_rest_cart_coupon_error",
        words,
    )
    assert bought(woo_shop, (mug, 1), codes=("summer", CODE)) == ["400"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"product_ids": ("gid://shopify/Product/7",)}, "gid://shopify/Product/7"),
        ({"product_ids": ("11", "MUG-1")}, "MUG-1"),
        ({"category_ids": ("-3",)}, "-3"),
        ({"category_ids": ("0",)}, "0"),
        ({"category_ids": ("1.5",)}, "1.5"),
        ({"product_ids": ("٣",)}, "٣"),
    ],
)
def test_id_that_is_no_number_is_never_sent(
    push: Push, woo_shop: SandboxShop, change: dict[str, Any], named: str
) -> None:
    outcomes = push(replace(OFF, **change))
    assert refusal(outcomes) == (True, "configuration")
    assert str(outcomes[0]) == f"WooCommerce has no product or category {named}."
    assert woo_shop.requests == []


def test_products_and_categories_at_once_are_never_sent(push: Push, woo_shop: SandboxShop) -> None:
    """The shop would ask for one of each, and then serve either."""
    assert refusal(push(replace(OFF, product_ids=("1",), category_ids=("2",)))) == (True, "configuration")
    assert woo_shop.requests == []


def test_free_product_without_a_name_would_be_the_whole_cart(push: Push, woo_shop: SandboxShop) -> None:
    assert refusal(push(replace(FREE, category_ids=("7",)))) == (True, "rejected")
    assert woo_shop.requests == []


BOUND = replace(OFF, product_ids=("21", "20"))


@pytest.mark.parametrize(
    "change",
    [
        {"product_ids": ("20",)},
        {"product_ids": ("20", "22")},
        {"product_ids": ()},
        {"product_ids": (), "category_ids": ("20",)},
        {"combinable": True},
        {"kind": "free_product"},
        {"kind": "percent_discount"},
        {"amount": Decimal(99)},
    ],
)
def test_code_of_ours_with_another_scope_is_corrected(
    push: Push, woo_shop: SandboxShop, change: dict[str, Any]
) -> None:
    push(BOUND)
    wanted = replace(BOUND, **change)
    assert isinstance(push(wanted)[0], PushReceipt)
    assert [seen.method for seen in woo_shop.requests] == ["POST", "POST", "GET", "PUT"]
    asked, coupon = coupon_content(wanted, "Asia/Taipei"), stored(woo_shop)
    assert isinstance(asked, dict)
    keys = ("discount_type", "product_ids", "product_categories", "individual_use")
    assert [coupon[key] for key in keys] == [asked[key] for key in keys]
    assert coupon["limit_usage_to_x_items"] == (asked["limit_usage_to_x_items"] or None)
    assert push(wanted) == [PushReceipt(str(coupon["id"]))]
    assert [seen.method for seen in woo_shop.requests][4:] == ["POST", "GET"]


@pytest.mark.parametrize(
    "command", [OFF, BOUND, replace(OFF, category_ids=("7",)), replace(FREE, product_ids=("1",))]
)
def test_repeat_changes_nothing(push: Push, woo_shop: SandboxShop, command: PutCoupon) -> None:
    assert push(command) == push(command)
    assert [seen.method for seen in woo_shop.requests] == ["POST", "POST", "GET"]


def test_order_of_the_ids_makes_no_other_coupon(push: Push, woo_shop: SandboxShop) -> None:
    push(BOUND)
    push(replace(BOUND, product_ids=("20", "21", "20")))
    assert [seen.method for seen in woo_shop.requests] == ["POST", "POST", "GET"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("product_ids", []),
        ("product_ids", [20]),
        ("product_categories", [3]),
        ("limit_usage_to_x_items", None),
        ("limit_usage_to_x_items", 2),
        ("discount_type", "fixed_cart"),
        ("individual_use", False),
    ],
)
def test_code_whose_scope_the_shop_changed_is_deleted(
    push: Push, woo_shop: SandboxShop, key: str, value: Any
) -> None:
    woo_shop.add_coupon(CODE)
    asked = coupon_content(BOUND, "Asia/Taipei")
    assert isinstance(asked, dict)
    answer = {**woo_shop.call("GET", "coupons/11"), **asked, key: value}
    woo_shop.fail_next(path="coupons/batch", status=200, body=json.dumps({"create": [answer]}).encode())
    assert refusal(push(BOUND)) == (True, "rejected")
    assert woo_shop.coupon(CODE) is None


def test_code_of_somebody_else_with_another_scope_is_left_alone(push: Push, woo_shop: SandboxShop) -> None:
    woo_shop.add_coupon(CODE, product_ids=[20])
    assert refusal(push(BOUND)) == (True, "rejected")
    assert stored(woo_shop)["product_ids"] == [20]


def test_disabled_code_comes_back_with_its_scope(
    push: Push, woo_shop: SandboxShop, mug: int, tea: int
) -> None:
    command = replace(OFF, product_ids=(str(mug),))
    push(command, DisableCoupon(CODE, NOW))
    assert isinstance(push(command)[0], PushReceipt)
    assert bought(woo_shop, (mug, 1), (tea, 1)) == ["400", "240"]
