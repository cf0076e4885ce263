"""Failures of other systems that need no database: wrong sums, wrong refunds, wrong tiers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from builders import (
    NOON,
    make_line,
    make_mixed_order,
    make_order,
    make_program,
    make_refund,
    make_woo_order,
    woo_body,
)
from folding import (
    DAY,
    HOUR,
    balance,
    fold,
    make_command,
    make_file,
    make_two_versions,
    moved,
    movements_of,
    net,
    standing,
)

from connectors.base import RawMessage
from connectors.woocommerce.parse import parse
from loyalty.commerce import CouponUse, LineKind, OrderState, ProductFacts
from loyalty.engine.state import MemberState
from loyalty.engine.tiering import metrics_at
from loyalty.programs.terms import Metric
from loyalty.tiers.progress import progress_to_next
from loyalty.values import StoreId, new_id

CODE = "lrabcdefghjk"
TRIPLE = {"earning": {"product_rules": [{"match": {"product_ids": ["p1"]}, "multiplier": "3"}]}}
TIERS = [
    {"key": "regular", "name": {"en": "Regular"}},
    {"key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "points", "at_least": 100}]}},
    {"key": "black", "name": {"en": "Black"}, "enter": {"any": [{"metric": "points", "at_least": 500}]}},
]


def test_u01_refund_takes_what_the_rule_of_the_award_gave() -> None:
    versions = make_two_versions({}, {"earning": {"points_per_unit": "2"}})
    state = fold(make_order(total="50", refunds=(make_refund(amount="50"),)), versions=versions)
    assert [(each.points, each.version) for each in movements_of(state, "reversal")] == [(-50, 1)]


def test_u02_refund_reverses_from_its_own_lot_after_the_rule_was_deleted() -> None:
    state = fold(make_order(refunds=(make_refund(),)), versions=make_two_versions(TRIPLE, {}))
    assert moved(state) == [300, -300]
    assert state.wallet.consumed == {("order:1:1:award", "order:1:1:refund:501"): 300}


@pytest.mark.parametrize(
    "exclude",
    [
        {"guests": False},
        {"exclude": {"email_domains": ["example.test"]}},
        {"exclude": {"roles": ["customer"]}},
        {"mode": "explicit"},
    ],
)
def test_u02_refund_reverses_after_the_rules_excluded_the_buyer(exclude: dict[str, Any]) -> None:
    versions = make_two_versions({}, {"enrolment": exclude})
    state = MemberState("email:amy", guest=True, role="customer", email_domain="example.test")
    assert net(fold(make_order(refunds=(make_refund(),)), versions=versions, member=state)) == 0


@pytest.mark.parametrize("paid_back", [True, False])
def test_u03_refund_reverses_whatever_way_the_money_went_back(paid_back: bool) -> None:
    refund = {
        "id": 501, "date_created_gmt": "2026-03-11T04:00:00", "amount": "1000", "refunded_payment": paid_back,
        "line_items": [], "shipping_lines": [], "fee_lines": [],
    }  # fmt: skip
    body = woo_body({"id": "25", "order": make_woo_order(), "refunds": [refund]})
    facts = parse(StoreId(new_id()), RawMessage("fetch", "fetch.order", body, NOON), with_products=False)
    assert isinstance(facts, tuple)
    assert moved(fold(*facts)) == [1000, -1000]


@pytest.mark.parametrize(("refunded", "left"), [(0, 100), (1, 67), (2, 34), (3, 0)])
def test_u04_each_refunded_line_takes_its_share(refunded: int, left: int) -> None:
    lines = [make_line("1", "33.30"), make_line("2", "33.30"), make_line("3", "34.20")]
    refunds = tuple(
        make_refund(f"50{line.id}", str(line.total), lines={line.id: str(line.total)})
        for line in lines[:refunded]
    )
    assert net(fold(make_order(lines=lines, refunds=refunds))) == left


def test_u18_line_that_an_edit_removed_earns_no_more() -> None:
    order = make_order(lines=[make_line("1"), make_line("2", "50")])
    assert net(fold(order)) == 150
    assert net(fold(replace(order, lines=order.lines[:1], total=Decimal(100)))) == 100


def test_u18_deleted_order_is_reversed_wholly() -> None:
    assert moved(fold(make_file(make_order(), deleted_at=NOON + HOUR))) == [100, -100]


@pytest.mark.parametrize(("earns", "points"), [(False, [100, 0]), (True, [160, -60])])
def test_u21_refund_of_shipping_reverses_only_what_shipping_earned(earns: bool, points: list[int]) -> None:
    shipping = make_line("2", "60", kind=LineKind.SHIPPING)
    order = make_order(
        lines=[make_line("1"), shipping], refunds=(make_refund(amount="60", lines={"2": "60"}),)
    )
    state = fold(order, earning={"base": {"shipping": earns}})
    assert moved(state) == [each for each in points if each]


def test_u31_paying_one_order_moves_no_points_of_another() -> None:
    waiting = make_order("1", state=OrderState.OPEN, paid_at=None)
    held = make_order("2", status="on-hold", paid_at=None)
    paid = make_order("3", at=NOON + DAY)
    assert {each.order_key for each in fold(waiting, held, paid).movements} == {"1:3"}


@pytest.mark.parametrize(
    ("total", "per_unit", "points"),
    [
        ("0.29", "100", 29),
        ("268.28", "100", 26828),
        ("3030", "0.03", 90),
        ("1.1", "1.1", 1),
        ("0.1", "30", 3),
    ],
)
def test_u51_points_are_exact(total: str, per_unit: str, points: int) -> None:
    assert moved(fold(make_order(total=total), earning={"points_per_unit": per_unit})) == [points]


@pytest.mark.parametrize(
    ("tax", "deducted", "shipping", "gift_cards", "tips"), list(product([False, True], repeat=5))
)
def test_u55_base_has_a_switch_for_each_part(
    tax: bool, deducted: bool, shipping: bool, gift_cards: bool, tips: bool
) -> None:
    goods = {(False, True): 80, (True, True): 88, (False, False): 100, (True, False): 110}[tax, deducted]
    expected = goods + shipping * (8 if tax else 7) + gift_cards * 50 + tips * 3
    discounts = "deducted" if deducted else "ignored"
    base = {"tax": tax, "shipping": shipping, "discounts": discounts, "gift_cards": gift_cards, "tips": tips}
    assert moved(fold(make_mixed_order(), earning={"base": base})) == [expected]


@pytest.mark.parametrize("discounts", ["deducted", "ignored"])
def test_u56_what_a_reward_paid_earns_nothing(discounts: str) -> None:
    use = CouponUse(CODE.upper(), Decimal(20), Decimal(0))
    order = make_order(lines=[make_line(total="80", subtotal="100")], coupons=(use,))
    state = fold(make_file(order, laurel_codes=[CODE]), earning={"base": {"discounts": discounts}})
    assert net(state) == 80


@pytest.mark.parametrize(("switched_on", "points"), [(False, 0), (True, 50)])
def test_u56_bought_gift_card_earns_only_when_switched_on(switched_on: bool, points: int) -> None:
    card = make_line(total="50", product=ProductFacts(gift_card=True))
    assert net(fold(make_order(lines=[card]), earning={"base": {"gift_cards": switched_on}})) == points


def test_u56_shop_is_asked_which_products_are_gift_cards() -> None:
    assert make_program().needs_products(sells_gift_cards=True)
    assert not make_program().needs_products(sells_gift_cards=False)


def test_u57_order_that_redeems_earns_on_what_was_paid() -> None:
    use = CouponUse(CODE, Decimal(20), Decimal(0))
    order = make_order(lines=[make_line(total="80", subtotal="100")], coupons=(use,))
    assert net(fold(make_file(order, laurel_codes=[CODE]))) == 80


def test_u58_orders_of_a_split_cart_are_rounded_each_by_itself() -> None:
    first, second = make_line("1", "10.50"), make_line("2", "20.50")
    parts = fold(make_order("1", lines=[first]), make_order("2", lines=[second]))
    whole = fold(make_order("3", lines=[first, second]))
    assert (standing(parts), standing(whole)) == ([10, 20], [31])
    assert sum(file.net_base for file in parts.orders.values()) == whole.orders["1:3"].net_base


def test_u61_ten_points_per_unit_on_a_thousand() -> None:
    assert moved(fold(make_order(total="1000"), earning={"points_per_unit": "10"})) == [10_000]


def test_u64_tier_stays_when_all_points_are_redeemed() -> None:
    state = fold(make_order(total="120"), commands=[make_command(-120)], tiers=TIERS)
    assert (state.tier_key, balance(state).available) == ("gold", 0)


def test_u66_progress_counts_what_was_earned_not_the_balance() -> None:
    program = make_program(tiers=TIERS)
    bonus = make_command(300, number=2, at=NOON + 3 * HOUR)
    state = fold(make_order(total="120"), commands=[make_command(-110), bonus], tiers=TIERS)
    progress = progress_to_next(program, "gold", metrics_at(state, program, NOON + DAY))
    assert [(part.metric, part.amount) for part in progress.missing] == [(Metric.POINTS, 380)]
