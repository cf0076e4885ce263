"""What of an order earns, and how it is rounded (one award through the fold)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from builders import make_line, make_order, make_program
from folding import fold, make_file, moved

from loyalty.commerce import CouponUse, LineKind, OrderLine, OrderSnapshot, ProductFacts
from loyalty.earning.base import order_parts
from loyalty.earning.campaign import Earner
from loyalty.earning.earning import award, rate

CODE = "lrabcdefghjk"


def points(order: OrderSnapshot, **earning: Any) -> int:
    """What an order earns under one program."""
    amy = Earner("customer:1:7")
    return award(rate(order, make_program(earning=earning), "regular", 1, frozenset(), amy)).points


def make_fee(total: str, tax: str = "0", id: str = "9") -> OrderLine:
    return make_line(id, total, tax=tax, kind=LineKind.FEE)


@pytest.mark.parametrize(("fees", "earned"), [(False, 100), (True, 130)])
def test_fee_earns_only_when_switched_on(fees: bool, earned: int) -> None:
    order = make_order(lines=[make_line(), make_fee("30")])
    assert points(order, base={"fees": fees}) == earned


@pytest.mark.parametrize("fees", [False, True])
def test_negative_fee_is_a_discount_whatever_the_switch_says(fees: bool) -> None:
    order = make_order(lines=[make_line(), make_fee("-30")])
    assert points(order, base={"fees": fees}) == 70


def test_negative_fee_is_no_concern_when_discounts_are_ignored() -> None:
    order = make_order(lines=[make_line(), make_fee("-30")])
    assert points(order, base={"discounts": "ignored"}) == 100


def test_negative_fee_is_spread_by_total_with_tax_over_all_lines() -> None:
    lines = [make_line("1", "100", tax="50"), make_line("2", "50", product=ProductFacts(gift_card=True))]
    assert points(make_order(lines=[*lines, make_fee("-40")])) == 70


@pytest.mark.parametrize(("tax", "earned"), [(False, 80), (True, 84)])
def test_negative_fee_takes_its_tax_with_it(tax: bool, earned: int) -> None:
    order = make_order(lines=[make_line(tax="5"), make_fee("-20", tax="-1")])
    assert points(order, base={"tax": tax}) == earned


def test_base_of_a_line_never_falls_below_nothing() -> None:
    order = make_order(total="1", lines=[make_line(), make_fee("-130")])
    assert [part.base for part in order_parts(order, make_program().earning, frozenset())] == [0]


@pytest.mark.parametrize(("total", "earned"), [("2.49", 0), ("2.50", 5), ("4.99", 5), ("5.00", 10)])
def test_whole_units_at_their_edges(total: str, earned: int) -> None:
    assert points(make_order(total=total), unit="2.50", points_per_unit="5", whole_units=True) == earned


def test_whole_units_are_counted_over_the_order_not_the_line() -> None:
    lines = [make_line("1", "60"), make_line("2", "60")]
    assert points(make_order(lines=lines), unit="100", points_per_unit="1", whole_units=True) == 1


def test_whole_units_scale_every_line_before_its_multiplier() -> None:
    rules = [{"match": {"product_ids": ["p1"]}, "multiplier": "3"}]
    lines = [make_line("1", "60"), make_line("2", "60")]
    order = make_order(lines=lines)
    assert points(order, unit="100", points_per_unit="10", whole_units=True, product_rules=rules) == 20


@pytest.mark.parametrize(
    ("rounding", "total", "earned"),
    [
        ("floor", "9.99", 9), ("floor", "10", 10),
        ("half_up", "9.49", 9), ("half_up", "9.50", 10), ("half_up", "9.51", 10),
        ("ceiling", "9", 9), ("ceiling", "9.01", 10),
    ],
)  # fmt: skip
def test_rounding_at_its_edges(rounding: str, total: str, earned: int) -> None:
    assert points(make_order(total=total), rounding=rounding) == earned


def test_lines_are_rounded_together() -> None:
    lines = [make_line(str(number), "0.40") for number in range(5)]
    assert points(make_order(lines=lines)) == 2


@pytest.mark.parametrize(
    "match", [{"product_ids": ["p1"]}, {"category_ids": ["8"]}, {"skus": ["MUG"]}, {"tags": ["new"]}]
)
def test_product_rule_names_a_line_by_any_list(match: dict[str, list[str]]) -> None:
    line = make_line(sku="MUG", product=ProductFacts(category_ids=("7", "8"), tags=("new",)))
    assert points(make_order(lines=[line]), product_rules=[{"match": match, "multiplier": "3"}]) == 300


@pytest.mark.parametrize("match", [{}, {"product_ids": ["p2"]}, {"skus": ["MUG"]}, {"tags": ["old"]}])
def test_product_rule_leaves_other_lines(match: dict[str, list[str]]) -> None:
    assert points(make_order(), product_rules=[{"match": match, "multiplier": "3"}]) == 100


def test_highest_product_rule_counts() -> None:
    rules = [{"match": {"product_ids": ["p1"]}, "multiplier": number} for number in ("2", "3", "0.5")]
    assert points(make_order(), product_rules=rules) == 300


def test_product_rule_may_lower() -> None:
    rules = [{"match": {"product_ids": ["p1"]}, "multiplier": "0.5"}]
    assert points(make_order(), product_rules=rules) == 50


def test_product_rule_names_a_variation() -> None:
    line = make_line(product_id="11", variation_id="12")
    rules = [{"match": {"product_ids": ["12"]}, "multiplier": "2"}]
    assert points(make_order(lines=[line]), product_rules=rules) == 200


def test_excluded_product_earns_nothing() -> None:
    order = make_order(lines=[make_line("1"), make_line("2", "50")])
    assert points(order, excluded={"product_ids": ["p1"]}) == 50


@pytest.mark.parametrize(("sale_items", "earned"), [(True, 100), (False, 0)])
def test_sale_item(sale_items: bool, earned: int) -> None:
    order = make_order(lines=[make_line(product=ProductFacts(on_sale=True))])
    assert points(order, base={"sale_items": sale_items}) == earned


@pytest.mark.parametrize(("total", "earned"), [("799.99", 0), ("800", 800), ("800.01", 800)])
def test_minimum_order_at_its_edge(total: str, earned: int) -> None:
    assert points(make_order(total=total), minimum_order="800") == earned


def test_minimum_order_is_compared_with_what_earns() -> None:
    order = make_order(lines=[make_line(total="790"), make_line("2", "60", kind=LineKind.SHIPPING)])
    assert points(order, minimum_order="800") == 0
    assert points(order, minimum_order="800", base={"shipping": True}) == 850


def test_laurel_coupon_leaves_the_base_in_proportion_to_the_lines_discounts() -> None:
    lines = [make_line("1", "70", subtotal="100"), make_line("2", "90", subtotal="100")]
    rules = [{"match": {"product_ids": ["p1"]}, "multiplier": "2"}]
    order = make_order(lines=lines, coupons=(CouponUse(CODE, Decimal(20), Decimal(0)),))
    earning = {"base": {"discounts": "ignored"}, "product_rules": rules}
    assert moved(fold(make_file(order, laurel_codes=[CODE]), earning=earning)) == [265]


def test_coupon_of_the_merchant_is_ignored_when_discounts_are() -> None:
    use = CouponUse("summer", Decimal(20), Decimal(0))
    order = make_order(lines=[make_line(total="80", subtotal="100")], coupons=(use,))
    assert points(order, base={"discounts": "ignored"}) == 100


def test_order_in_another_currency_earns_and_spends_nothing() -> None:
    state = fold(make_order(currency="USD"))
    assert moved(state) == []
    assert (state.orders["1:1"].net_base, state.orders["1:1"].counts) == (0, 0)


@pytest.mark.parametrize("more", [{"test": True}, {"total": Decimal(0)}])
def test_test_orders_and_orders_of_nothing_earn_nothing(more: dict[str, Any]) -> None:
    state = fold(replace(make_order(), **more), earning={"base": {"discounts": "ignored"}})
    assert (moved(state), state.orders["1:1"].counts) == ([], 0)


def test_tier_multiplies_every_part() -> None:
    tiers = [{"key": "only", "name": {"en": "Only"}, "benefits": {"multiplier": "1.5"}}]
    order = make_order(lines=[make_line(), make_line("2", "10", kind=LineKind.SHIPPING)])
    assert moved(fold(order, tiers=tiers, earning={"base": {"shipping": True}})) == [165]


def test_cap_per_order_includes_bonuses() -> None:
    campaign = {"key": "c", "from": "2026-01-01T00:00", "until": "2027-01-01T00:00", "bonus": 50}
    assert moved(fold(make_order(), campaigns=[campaign], earning={"caps": {"per_order": 120}})) == [120]


@pytest.mark.parametrize(
    ("tax", "included", "earned"), [(None, True, 105), (None, False, 100), (True, False, 105)]
)
def test_tax_as_the_shop_states_prices_unless_said(tax: bool | None, included: bool, earned: int) -> None:
    order = make_order(lines=[make_line(tax="5")], prices_include_tax=included)
    assert points(order, base={"tax": tax}) == earned
