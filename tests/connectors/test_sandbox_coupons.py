"""What a code does at the sandbox's checkout, as class-wc-discounts.php and the cart of the shop do it."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.woocommerce.sandbox import RestError, SandboxShop

AMY: dict[str, Any] = {"email": "amy@example.test"}
MUG, TEA = 11, 12


def lines(shop: SandboxShop, *items: tuple[int, int], codes: tuple[str, ...] = ("off",)) -> list[str]:
    order = shop.place_order(*items, coupons=codes, **AMY)
    return [line["total"] for line in order["line_items"]]


def refused(shop: SandboxShop, *items: tuple[int, int], **more: Any) -> dict[str, Any]:
    with pytest.raises(RestError) as error:
        shop.place_order(*items, coupons=["off"], **more)
    return error.value.body


def test_fixed_cart_discount_asks_for_its_product_and_then_takes_from_the_whole_cart(
    woo_lab: SandboxShop,
) -> None:
    """Why a discount on products must not be of this type."""
    woo_lab.add_coupon("off", 100, product_ids=[MUG])
    assert lines(woo_lab, (MUG, 1), (TEA, 1)) == ["450", "190"]
    assert "not applicable" in refused(woo_lab, (TEA, 1))["message"]


@pytest.mark.parametrize(
    ("limit", "mugs", "teas"),
    [(None, "1200", "140"), (1, "1400", "240"), (2, "1300", "240"), (4, "1200", "140")],
)
def test_fixed_product_discount_is_taken_from_each_piece_up_to_its_limit(
    woo_lab: SandboxShop, limit: int | None, mugs: str, teas: str
) -> None:
    woo_lab.add_coupon("off", 100, discount_type="fixed_product", limit_usage_to_x_items=limit)
    assert lines(woo_lab, (MUG, 3), (TEA, 1)) == [mugs, teas]


@pytest.mark.parametrize(
    ("limit", "mugs", "teas"),
    [(None, "750", "120"), (1, "1250", "240"), (3, "750", "240"), (4, "750", "120")],
)
def test_percent_is_taken_from_the_dearest_pieces_up_to_its_limit(
    woo_lab: SandboxShop, limit: int | None, mugs: str, teas: str
) -> None:
    woo_lab.add_coupon("off", 50, discount_type="percent", limit_usage_to_x_items=limit)
    assert lines(woo_lab, (TEA, 1), (MUG, 3)) == [teas, mugs]


def test_amount_that_does_not_divide_is_taken_to_the_last_of_it(woo_lab: SandboxShop) -> None:
    woo_lab.add_coupon("off", 100)
    assert lines(woo_lab, (MUG, 1), (TEA, 2)) == ["466", "414"]


def test_amount_above_the_cart_leaves_nothing_to_pay(woo_lab: SandboxShop) -> None:
    woo_lab.add_coupon("off", 900)
    assert lines(woo_lab, (MUG, 1), (TEA, 1)) == ["0", "0"]


def test_cheap_piece_passes_what_it_cannot_bear_on_to_the_others(woo_lab: SandboxShop) -> None:
    woo_lab.add_coupon("off", 600)
    assert lines(woo_lab, (MUG, 1), (TEA, 1)) == ["140", "0"]


def test_amount_finer_than_the_money_of_the_shop_is_rounded_up_by_it(woo_lab: SandboxShop) -> None:
    """Why an amount must be sent in the decimals of the shop."""
    woo_lab.add_coupon("off", "12.5")
    assert lines(woo_lab, (MUG, 1)) == ["487"]


def test_second_code_takes_its_percentage_of_the_full_price(woo_lab: SandboxShop) -> None:
    woo_lab.add_coupon("off", 100)
    woo_lab.add_coupon("half", 50, discount_type="percent")
    assert lines(woo_lab, (MUG, 1), codes=("off", "half")) == ["150"]


def test_categories_of_a_variation_are_those_of_its_product(woo_lab: SandboxShop) -> None:
    woo_lab.call("PUT", "products/14", {"categories": [{"id": 5}]})
    woo_lab.add_coupon("off", 10, discount_type="percent", product_categories=[5])
    assert lines(woo_lab, (MUG, 1), (16, 1)) == ["500", "360"]
    body = refused(woo_lab, (MUG, 1))
    assert body["message"] == "Sorry, coupon &quot;off&quot; is not applicable to selected products."


def test_products_and_categories_together_ask_for_one_of_each_and_serve_either(woo_lab: SandboxShop) -> None:
    woo_lab.call("PUT", f"products/{TEA}", {"categories": [{"id": 5}]})
    woo_lab.add_coupon("off", 10, discount_type="percent", product_ids=[MUG], product_categories=[5])
    assert lines(woo_lab, (MUG, 1), (TEA, 1)) == ["450", "216"]
    assert "not applicable" in refused(woo_lab, (MUG, 1))["message"]


@pytest.mark.parametrize(("minimum", "accepted"), [("999", True), ("1000", True), ("1000.01", False)])
def test_minimum_is_compared_with_prices_as_they_are_stated(minimum: str, accepted: bool) -> None:
    with SandboxShop(prices_include_tax=True, tax_rate="5") as shop:
        mug = shop.add_product("Mug", 500)["id"]
        shop.add_coupon("off", 10, minimum_amount=minimum)
        if accepted:
            assert shop.place_order((mug, 2), coupons=["off"])["total"] == "990"
        else:
            assert "minimum spend" in refused(shop, (mug, 2))["message"]


def test_code_is_not_used_twice_on_one_order(woo_lab: SandboxShop) -> None:
    woo_lab.add_coupon("off", 100)
    with pytest.raises(RestError) as error:
        lines(woo_lab, (MUG, 1), codes=("off", "OFF"))
    assert error.value.body["message"] == "Coupon code already applied!"


ALONE: dict[str, Any] = {"individual_use": True}


@pytest.mark.parametrize(
    ("codes", "used"),
    [(("plain", "other"), ["plain", "other"]), (("plain", "alone"), ["alone"]), (("ALONE",), ["alone"])],
)
def test_cart_keeps_the_codes_that_go_together(
    woo_lab: SandboxShop, codes: tuple[str, ...], used: list[str]
) -> None:
    for code, more in (("plain", {}), ("other", {}), ("alone", ALONE)):
        woo_lab.add_coupon(code, 10, **more)
    order = woo_lab.check_out((MUG, 1), coupons=codes, **AMY)
    assert [line["code"] for line in order["coupon_lines"]] == used


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (
            ("alone", "plain"),
            '"alone" has already been applied and cannot be used in conjunction with other coupons.',
        ),
        (
            ("alone", "lonely"),
            '"alone" has already been applied and cannot be used in conjunction with other coupons.',
        ),
        (("plain", "plain"), 'Coupon code "plain" has already been applied.'),
    ],
)
def test_cart_refuses_a_code_in_the_words_of_the_shop(
    woo_lab: SandboxShop, codes: tuple[str, ...], words: str
) -> None:
    for code, more in (("plain", {}), ("alone", ALONE), ("lonely", ALONE)):
        woo_lab.add_coupon(code, 10, **more)
    with pytest.raises(RestError) as error:
        woo_lab.check_out((MUG, 1), coupons=codes, **AMY)
    assert (error.value.status, error.value.body["code"]) == (400, "woocommerce_rest_cart_coupon_error")
    assert error.value.body["message"] == words
    assert woo_lab.state.orders == {}


def test_order_made_by_rest_takes_codes_together_that_a_cart_would_not(woo_lab: SandboxShop) -> None:
    woo_lab.add_coupon("alone", 10, **ALONE)
    woo_lab.add_coupon("plain", 20)
    assert lines(woo_lab, (MUG, 1), codes=("alone", "plain")) == ["470"]


def test_parallel_orders_get_through_the_limit_of_a_code_when_they_are_let(woo_lab: SandboxShop) -> None:
    """`usage_limit: 1` with 4 parallel orders: all 4 made, usage_count 4."""
    woo_lab.add_coupon("off", 100, usage_limit=1, usage_limit_per_user=1)
    woo_lab.let_through("OFF", 3)
    orders = [woo_lab.place_order((MUG, 1), coupons=["off"], **AMY) for _ in range(4)]
    assert [order["discount_total"] for order in orders] == ["100"] * 4
    coupon = woo_lab.coupon("off")
    assert coupon is not None
    assert (coupon["usage_count"], coupon["used_by"]) == (4, ["amy@example.test"] * 4)
    body = refused(woo_lab, (MUG, 1), **AMY)
    assert body["message"] == "Usage limit for coupon &quot;off&quot; has been reached."


def test_letting_through_waits_for_a_code_that_is_used_up(woo_lab: SandboxShop) -> None:
    woo_lab.add_coupon("off", 100, usage_limit=2)
    woo_lab.let_through("off")
    assert [lines(woo_lab, (MUG, 1)) for _ in range(3)] == [["400"]] * 3
    refused(woo_lab, (MUG, 1), **AMY)


def test_id_that_is_no_number_is_refused(woo_lab: SandboxShop) -> None:
    with pytest.raises(RestError) as error:
        woo_lab.add_coupon("off", 100, product_ids=[MUG, "mug"])
    assert error.value.body["data"]["params"] == {"product_ids": "product_ids[1] is not of type integer."}


def test_scope_is_stated_as_numbers_and_a_limit_of_nothing_as_null(woo_lab: SandboxShop) -> None:
    woo_lab.add_coupon("off", 100, product_ids=["11", 11, 0], limit_usage_to_x_items=2)
    coupon = woo_lab.coupon("off")
    assert coupon is not None
    assert (coupon["product_ids"], coupon["limit_usage_to_x_items"]) == ([11], 2)
    changed = woo_lab.call("PUT", f"coupons/{coupon['id']}", {"limit_usage_to_x_items": 0, "product_ids": []})
    assert (changed["product_ids"], changed["limit_usage_to_x_items"]) == ([], None)
