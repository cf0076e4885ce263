"""Who may redeem what, just before, at and after each limit, and what variable discounts cost (RULES §7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from builders import NOON, TIERS, make_program

from loyalty.errors import Invalid
from loyalty.programs.catalogue import Reward
from loyalty.programs.program import Program
from loyalty.rewards.eligibility import Refusal, Situation, least_price, period_start, price, refusals

TICK = timedelta.resolution
LADDER = [*TIERS, {"key": "gold", "name": {"en": "Gold"}}, {"key": "black", "name": {"en": "Black"}}]
OPENS = datetime(2026, 3, 10, 4, tzinfo=UTC)
CLOSES = datetime(2026, 3, 20, 4, tzinfo=UTC)


def make_reward(**parts: Any) -> tuple[Reward, Program]:
    """A discount of 6 for 60 points, unless said otherwise, and its program of three tiers."""
    values = {"key": "off", "kind": "fixed_discount", "points": 60, "amount": "6"} | parts
    program = make_program(tiers=LADDER, rewards=[values])
    return program.rewards[0], program


def judge(parts: dict[str, Any], **situation: Any) -> list[str]:
    """The codes of what speaks against a reward for a member with 100 points in the first tier."""
    reward, program = make_reward(**parts)
    values = {
        "tier_key": "regular",
        "available": 100,
        "uses": 0,
        "taken": 0,
        "now": NOON,
        "points": reward.points or 0,
    }
    return [each.code for each in refusals(reward, program, Situation(**{**values, **situation}))]


def test_reward_within_all_limits_is_not_refused() -> None:
    limits = {
        "from": "2026-03-10T12:00",
        "until": "2026-03-20T12:00",
        "tiers": ["regular"],
        "stock": 1,
        "per_member": 1,
    }
    assert judge({**limits, "minimum_balance": 100, "points": 100}, now=OPENS) == []


@pytest.mark.parametrize(
    ("parts", "codes"),
    [
        ({"points": None}, ["not_redeemable"]),
        ({"archived": True}, ["archived"]),
        ({"points": 0}, []),
        ({"kind": "gift_card"}, []),
    ],
)
def test_only_what_has_a_price_and_is_not_archived_is_redeemed(
    parts: dict[str, Any], codes: list[str]
) -> None:
    assert judge(parts) == codes


def test_what_no_connected_shop_keeps_is_not_offered() -> None:
    assert judge({"kind": "gift_card"}, is_offered=False) == ["not_offered"]


@pytest.mark.parametrize(
    ("now", "codes"),
    [
        (OPENS - TICK, ["not_begun"]),
        (OPENS, []),
        (OPENS + TICK, []),
        (CLOSES - TICK, []),
        (CLOSES, ["over"]),
        (CLOSES + TICK, ["over"]),
    ],
)
def test_dates_are_half_open(now: datetime, codes: list[str]) -> None:
    assert judge({"from": "2026-03-10T12:00", "until": "2026-03-20T12:00"}, now=now) == codes


@pytest.mark.parametrize(
    ("limits", "tier", "codes"),
    [
        ({"tiers": ["gold"]}, "regular", ["tier"]),
        ({"tiers": ["gold"]}, "gold", []),
        ({"tiers": ["gold"]}, "black", ["tier"]),
        ({"from_tier": "gold"}, "regular", ["tier"]),
        ({"from_tier": "gold"}, "gold", []),
        ({"from_tier": "gold"}, "black", []),
        ({"from_tier": "gold"}, None, ["tier"]),
        ({}, None, []),
    ],
)
def test_tier_of_a_reward(limits: dict[str, Any], tier: str | None, codes: list[str]) -> None:
    assert judge(limits, tier_key=tier) == codes


@pytest.mark.parametrize(("taken", "codes"), [(2, []), (3, ["out_of_stock"]), (4, ["out_of_stock"])])
def test_stock(taken: int, codes: list[str]) -> None:
    assert judge({"stock": 3}, taken=taken) == codes


@pytest.mark.parametrize(("uses", "codes"), [(1, []), (2, ["used_up"]), (3, ["used_up"])])
def test_uses_of_a_member(uses: int, codes: list[str]) -> None:
    assert judge({"per_member": {"uses": 2, "period": "month"}}, uses=uses) == codes


def test_nothing_in_stock_is_refused_from_the_start() -> None:
    assert judge({"stock": 0, "per_member": 1}, uses=1) == ["out_of_stock", "used_up"]


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        (299, [Refusal("minimum_balance", 1)]),
        (300, []),
        (59, [Refusal("minimum_balance", 241), Refusal("not_enough_points", 1)]),
        (-5, [Refusal("minimum_balance", 305), Refusal("not_enough_points", 65)]),
    ],
)
def test_s87_balance_below_the_minimum_says_what_is_missing(available: int, expected: list[Refusal]) -> None:
    reward, program = make_reward(minimum_balance=300)
    assert list(refusals(reward, program, Situation("regular", available, 0, 0, NOON, 60))) == expected


@pytest.mark.parametrize(
    ("available", "missing"), [(76, [Refusal("not_enough_points", 1)]), (77, []), (78, [])]
)
def test_the_price_of_a_variable_discount_is_what_it_would_cost(
    available: int, missing: list[Refusal]
) -> None:
    reward, program = make_reward(kind="variable_discount", points=1, amount="0.05")
    assert list(refusals(reward, program, Situation("regular", available, 0, 0, NOON, 77))) == missing


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ({"kind": "fixed_discount"}, ["discount_share"]),
        ({"kind": "percent_discount"}, ["discount_share"]),
        ({"kind": "free_product", "amount": None, "products": {"product_ids": ["1"]}}, ["discount_share"]),
        ({"kind": "variable_discount"}, ["discount_share"]),
        ({"kind": "free_shipping", "amount": None}, []),
        ({"kind": "service", "amount": None}, []),
    ],
)
def test_s65_too_many_discounts_bar_discounts_only(kind: dict[str, Any], codes: list[str]) -> None:
    assert judge(kind, is_blocked=True) == codes
    assert judge(kind, is_blocked=False) == []


def test_whoever_owes_points_may_have_what_costs_none() -> None:
    assert judge({"points": 0}, available=-20) == []


def test_every_reason_is_named() -> None:
    parts = {"archived": True, "until": "2026-03-10T12:00", "tiers": ["gold"], "stock": 0, "per_member": 1}
    codes = ["archived", "over", "out_of_stock", "tier", "used_up", "not_enough_points"]
    assert judge(parts, available=0, uses=1) == codes


@pytest.mark.parametrize(
    ("period", "now", "start"),
    [
        ("day", "2026-03-09T16:00", "2026-03-09T16:00"),
        ("day", "2026-03-10T15:59", "2026-03-09T16:00"),
        ("day", "2026-03-10T16:00", "2026-03-10T16:00"),
        ("week", "2026-03-08T15:59", "2026-03-01T16:00"),
        ("week", "2026-03-08T16:00", "2026-03-08T16:00"),
        ("week", "2026-03-15T15:59", "2026-03-08T16:00"),
        ("month", "2026-02-28T15:59", "2026-01-31T16:00"),
        ("month", "2026-02-28T16:00", "2026-02-28T16:00"),
        ("month", "2026-03-31T15:59", "2026-02-28T16:00"),
        ("year", "2025-12-31T15:59", "2024-12-31T16:00"),
        ("year", "2025-12-31T16:00", "2025-12-31T16:00"),
        ("year", "2026-12-31T15:59", "2025-12-31T16:00"),
    ],
)
def test_period_begins_on_the_accounts_calendar(period: str, now: str, start: str) -> None:
    """Midnight in Taipei is 16:00 UTC; 9 March 2026 is a Monday."""
    instant, expected = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (now, start))
    assert period_start(period, instant, "Asia/Taipei") == expected


def test_a_day_of_23_hours_begins_at_its_own_midnight() -> None:
    assert period_start("day", datetime(2026, 3, 29, 12, tzinfo=UTC), "Europe/Berlin") == datetime(
        2026, 3, 28, 23, tzinfo=UTC
    )


def test_lifetime_never_began() -> None:
    assert period_start("lifetime", NOON, "Asia/Taipei") is None


def variable(points: int = 1, amount: str = "0.05", **more: Any) -> Reward:
    """A discount of 0.05 for each point, unless said otherwise."""
    return make_reward(kind="variable_discount", points=points, amount=amount, **more)[0]


@pytest.mark.parametrize(
    ("reward", "decimals", "points", "money"),
    [
        (variable(), 2, 77, "3.85"),
        (variable(), 0, 77, "3"),
        (variable(), 0, 20, "1"),
        (variable(3, "1"), 2, 1, "0.33"),
        (variable(3, "1"), 2, 2, "0.66"),
        (variable(3, "1"), 2, 3, "1.00"),
        (variable(1, "0.03"), 2, 3030, "90.90"),
        (variable(100, "5", min=100, max=500, step=100), 2, 100, "5.00"),
        (variable(100, "5", min=100, max=500, step=100), 2, 500, "25.00"),
    ],
)
def test_u52_points_are_worth_their_money_rounded_down(
    reward: Reward, decimals: int, points: int, money: str
) -> None:
    assert price(reward, decimals, points=points, amount=None) == (points, Decimal(money))


@pytest.mark.parametrize(
    ("reward", "money", "points"),
    [
        (variable(), "3.84", 77),
        (variable(), "3.85", 77),
        (variable(), "3.86", 78),
        (variable(3, "1"), "0.33", 1),
        (variable(3, "1"), "0.34", 2),
        (variable(100, "5", step=100), "5.00", 100),
        (variable(100, "5", step=100), "5.01", 200),
        (variable(100, "5", min=100, step=100), "0.01", 100),
        (variable(100, "5", max=500, step=100), "25", 500),
    ],
)
def test_an_exact_amount_costs_the_next_step_that_pays_it(reward: Reward, money: str, points: int) -> None:
    assert price(reward, 2, points=None, amount=Decimal(money)) == (points, Decimal(money))
    assert price(reward, 2, points=points, amount=None)[1] >= Decimal(money)


@pytest.mark.parametrize(
    ("reward", "decimals", "points"),
    [
        (variable(), 2, 1),
        (variable(), 0, 20),
        (variable(step=15), 0, 30),
        (variable(min=100), 0, 100),
        (variable(3, "1"), 2, 1),
        (make_reward(points=60)[0], 2, 60),
        (make_reward(points=None)[0], 2, 0),
    ],
)
def test_the_fewest_points_that_buy_something(reward: Reward, decimals: int, points: int) -> None:
    assert least_price(reward, decimals) == points
    if reward.kind == "variable_discount":
        assert price(reward, decimals, points=points, amount=None)[1] > 0


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"points": 99}, "/points"),
        ({"points": 501}, "/points"),
        ({"points": 150}, "/points"),
        ({"points": 0}, "/points"),
        ({"points": -100}, "/points"),
        ({}, "/points"),
        ({"points": 100, "amount": "5"}, "/points"),
        ({"amount": "25.01"}, "/amount"),
        ({"amount": "5.001"}, "/amount"),
        ({"amount": "0"}, "/amount"),
        ({"amount": "-5"}, "/amount"),
        ({"amount": "NaN"}, "/amount"),
        ({"amount": "Infinity"}, "/amount"),
    ],
)
def test_what_does_not_fit_names_its_field(given: dict[str, Any], path: str) -> None:
    reward = variable(100, "5", min=100, max=500, step=100)
    amount = Decimal(given["amount"]) if "amount" in given else None
    with pytest.raises(Invalid) as refused:
        price(reward, 2, points=given.get("points"), amount=amount)
    assert list(refused.value.attributes["fields"]) == [path]  # type: ignore[call-overload]


def test_amount_below_the_least_points_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        price(variable(min=100), 2, points=None, amount=Decimal("4.95"))
    assert refused.value.attributes["fields"] == {"/amount": ["Must be at least 100 points."]}
    assert price(variable(min=100), 2, points=None, amount=Decimal("5.00")) == (100, Decimal("5.00"))


def test_points_that_are_worth_no_coin_are_refused() -> None:
    with pytest.raises(Invalid) as refused:
        price(variable(), 0, points=19, amount=None)
    assert refused.value.attributes["fields"] == {"/points": ["Must be worth some money."]}
