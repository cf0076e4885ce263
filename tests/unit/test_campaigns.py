"""Campaigns: windows, stacking, scope, conditions, bonuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from builders import NOON, make_line, make_order, make_refund
from folding import HOUR, fold, moved, standing

from loyalty.commerce import LineKind, OrderState

ALWAYS = {"key": "c", "from": "2026-01-01T00:00", "until": "2027-01-01T00:00"}
GOLD = [
    {"key": "regular", "name": {"en": "Regular"}},
    {"key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "100"}]}},
]


def campaign(**more: Any) -> dict[str, Any]:
    return {**ALWAYS, **more}


@pytest.mark.parametrize(
    ("zone", "paid", "earned"),
    [
        ("Asia/Taipei", "2026-11-30T15:59:59+00:00", 100),
        ("Asia/Taipei", "2026-11-30T16:00:00+00:00", 200),
        ("Asia/Taipei", "2026-12-07T15:59:59+00:00", 200),
        ("Asia/Taipei", "2026-12-07T16:00:00+00:00", 100),
        ("America/New_York", "2026-12-01T04:59:59+00:00", 100),
        ("America/New_York", "2026-12-01T05:00:00+00:00", 200),
        ("Pacific/Auckland", "2026-12-07T10:59:59+00:00", 200),
        ("Pacific/Auckland", "2026-12-07T11:00:00+00:00", 100),
    ],
)
def test_window_is_half_open_in_the_zone_of_the_account(zone: str, paid: str, earned: int) -> None:
    week = {"key": "c", "from": "2026-12-01T00:00", "until": "2026-12-08T00:00", "multiplier": "2"}
    order = make_order(at=datetime.fromisoformat(paid))
    assert moved(fold(order, campaigns=[week], time_zone=zone, until=order.placed_at)) == [earned]


@pytest.mark.parametrize(
    ("campaigns", "earned"),
    [
        ([("2", "best"), ("3", "best")], 300),
        ([("0.5", "best")], 100),
        ([("2", "best"), ("1.5", "add")], 250),
        ([("2", "add"), ("1.5", "add")], 250),
        ([("0.5", "add")], 50),
        ([("0", "add"), ("0", "add")], 0),
        ([("3", "best"), ("0", "add")], 200),
    ],
)
def test_stacking(campaigns: list[tuple[str, str]], earned: int) -> None:
    listed = [
        campaign(key=f"c{number}", multiplier=multiplier, stacking=stacking)
        for number, (multiplier, stacking) in enumerate(campaigns)
    ]
    assert sum(moved(fold(make_order(), campaigns=listed))) == earned


def test_campaign_multiplies_with_rule_and_tier() -> None:
    tiers = [{"key": "only", "name": {"en": "Only"}, "benefits": {"multiplier": "1.5"}}]
    rules = [{"match": {"product_ids": ["p1"]}, "multiplier": "3"}]
    state = fold(
        make_order(), campaigns=[campaign(multiplier="2")], tiers=tiers, earning={"product_rules": rules}
    )
    assert moved(state) == [900]


@pytest.mark.parametrize(
    ("scope", "earned"), [({}, 220), ({"product_ids": ["p1"]}, 210), ({"skus": ["X"]}, 110)]
)
def test_scoped_campaign_multiplies_only_its_lines(scope: dict[str, Any], earned: int) -> None:
    order = make_order(lines=[make_line("1"), make_line("2", "10", kind=LineKind.SHIPPING)])
    listed = [campaign(multiplier="2", scope=scope)]
    assert moved(fold(order, campaigns=listed, earning={"base": {"shipping": True}})) == [earned]


def test_campaign_of_a_tier_means_its_members_at_payment() -> None:
    orders = make_order("1"), make_order("2", at=NOON + HOUR)
    listed = [campaign(multiplier="2", scope={"tiers": ["gold"]})]
    assert standing(fold(*orders, tiers=GOLD, campaigns=listed)) == [100, 200]


def test_all_lists_of_a_scope_must_hold() -> None:
    listed = [campaign(multiplier="2", scope={"tiers": ["gold"], "product_ids": ["p1"]})]
    assert moved(fold(make_order(), tiers=GOLD, campaigns=listed)) == [100]


@pytest.mark.parametrize(
    ("condition", "earned"),
    [
        ({"first_order": True}, [200, 100, 100]),
        ({"nth_order": 2}, [100, 200, 100]),
        ({"nth_order": 4}, [100] * 3),
    ],
)
def test_campaign_of_the_nth_order(condition: dict[str, Any], earned: list[int]) -> None:
    orders = [make_order(str(number), at=NOON + number * HOUR) for number in range(3)]
    assert standing(fold(*orders, campaigns=[campaign(multiplier="2", **condition)])) == earned


def test_cancelled_order_is_not_the_first() -> None:
    dead = make_order("1", state=OrderState.DEAD, modified_at=NOON + 2 * HOUR)
    state = fold(
        dead, make_order("2", at=NOON + HOUR), campaigns=[campaign(multiplier="2", first_order=True)]
    )
    assert standing(state) == [0, 200]


@pytest.mark.parametrize(("total", "earned"), [("499.99", 499), ("500", 1000), ("500.01", 1000)])
def test_minimum_of_a_campaign_at_its_edge(total: str, earned: int) -> None:
    listed = [campaign(multiplier="2", minimum_order="500")]
    assert moved(fold(make_order(total=total), campaigns=listed)) == [earned]


def test_minimum_of_a_campaign_is_judged_before_refunds() -> None:
    order = make_order(total="500", refunds=(make_refund(amount="1"),))
    assert moved(fold(order, campaigns=[campaign(multiplier="2", minimum_order="500")])) == [1000, -2]


@pytest.mark.parametrize(("refund", "left"), [("1", 99 + 49), ("50", 50 + 25), ("99", 1), ("100", 0)])
def test_bonus_shrinks_with_refunds_rounded_down(refund: str, left: int) -> None:
    order = make_order(refunds=(make_refund(amount=refund),))
    assert sum(moved(fold(order, campaigns=[campaign(bonus=50)]))) == left


def test_bonus_shrinks_by_the_base_of_the_whole_order() -> None:
    order = make_order(lines=[make_line("1"), make_line("2")], refunds=(make_refund(lines={"2": "100"}),))
    assert moved(fold(order, campaigns=[campaign(bonus=50, scope={"product_ids": ["p1"]})])) == [250, -125]


@pytest.mark.parametrize(("product", "earned"), [("p1", 150), ("p2", 100)])
def test_bonus_needs_a_line_in_scope(product: str, earned: int) -> None:
    listed = [campaign(bonus=50, scope={"product_ids": [product]})]
    assert moved(fold(make_order(), campaigns=listed)) == [earned]


def test_bonus_is_not_given_for_a_line_that_earns_nothing() -> None:
    order = make_order(lines=[make_line("1"), make_line("2")])
    listed = [campaign(bonus=50, scope={"product_ids": ["p1"]})]
    assert moved(fold(order, campaigns=listed, earning={"excluded": {"product_ids": ["p1"]}})) == [100]


def test_bonus_is_not_multiplied() -> None:
    listed = [campaign(bonus=50, multiplier="2")]
    assert moved(fold(make_order(), campaigns=listed)) == [250]


@pytest.mark.parametrize(("counts", "counted"), [(False, 100), (True, 250)])
def test_campaign_counts_toward_the_tier_only_when_marked(counts: bool, counted: int) -> None:
    listed = [campaign(bonus=50, multiplier="2", counts_toward_tier=counts)]
    assert fold(make_order(), campaigns=listed).orders["1:1"].counted == counted


def test_campaign_is_judged_at_the_payment_not_the_completion() -> None:
    order = make_order(
        at=datetime(2026, 12, 7, 15, 59, 59, tzinfo=UTC), completed_at=datetime(2026, 12, 20, tzinfo=UTC)
    )
    week = campaign(multiplier="2", until="2026-12-08T00:00")
    until = datetime(2026, 12, 30, tzinfo=UTC)
    assert moved(fold(order, campaigns=[week], earning={"award_on": "completed"}, until=until)) == [200]
