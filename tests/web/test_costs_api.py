"""What rewards cost in each tier beside what the tier brings in (S64), and what discounts take (S65), by API."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from loyalty.accounts.service import next_command_number
from loyalty.engine.apply import carry_out
from loyalty.engine.commands import Ending, EndRedemption, RedeemReward
from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, make_caller, place_order
from workers.measuring import judge_discounts
from workers.runtime import Runtime

PAID = datetime(2026, 3, 10, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MARCH = {"from": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"}
TIERS = [
    {"key": "regular", "name": {"en": "Regular"}},
    {"key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "1000"}]}},
]
WELCOME = {"key": "welcome", "trigger": "member_joined", "actions": [{"kind": "coupon", "reward": "gift"}]}


def document(gift: dict[str, Any] | None = None, **limits: Any) -> dict[str, Any]:
    """Points at 10 for 1; a gift of 100 off for joining, and a talk that costs the shop 33.5."""
    rewards = [
        {"key": "gift", "kind": "fixed_discount", "points": 1000, "amount": "100", **(gift or {})},
        {"key": "talk", "kind": "service", "points": 100, "unit_cost": "33.5"},
        {"key": "call", "kind": "service", "points": 100},
    ]
    return make_document(tiers=TIERS, rewards=rewards, automations=[WELCOME], limits=limits)


@pytest.fixture
def shop(runtime: Runtime, request: pytest.FixtureRequest) -> Shop:
    limits = {"gross_margin_percent": "40", "discount_share": {"percent": "5", "action": "block"}}
    return make_shop(runtime, document(getattr(request, "param", None), **limits))


@pytest.fixture
def member(runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller) -> str:
    """A member who rose to gold by an order of 1,000, then used his gift on one that cost 900 with it."""
    place_order(runtime, client, shop)
    (coupon,) = caller.get("/coupons").get_json()["data"]
    used = [{"code": coupon["code"], "discount": "100", "discount_tax": "0"}]
    place_order(
        runtime, client, shop, id=26, total="900", coupon_lines=used, date_paid_gmt="2026-03-11T04:00:00"
    )
    return str(caller.get("/members").get_json()["data"][0]["id"])


def redeem(runtime: Runtime, shop: Shop, member: str, reward: str, at: datetime) -> int:
    with runtime.database.transaction(shop.account) as connection:
        number = next_command_number(connection)
        command = RedeemReward(number, at, reward, "service", 100, "", 0, None, "redeemed", "test")
        book = runtime.book(connection, shop.account, set())
        carry_out(connection, book, uuid.UUID(member), command, at + DAY)
    return number


def costs(caller: Caller, **query: str) -> dict[str, Any]:
    answer = caller.get("/reports/costs", **{**MARCH, **query})
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return {**found, "tiers": {row.pop("tier"): row for row in found["tiers"]}}


def test_s64_cost_of_each_tier_stands_beside_its_margin(
    runtime: Runtime, shop: Shop, caller: Caller, member: str
) -> None:
    redeem(runtime, shop, member, "talk", PAID + 2 * DAY)
    found = costs(caller)
    assert (found["currency"], found["gross_margin_percent"], found["point_worth"]) == ("TWD", "40", "0.1")
    assert found["tiers"]["regular"] == {
        "name": {"zh-TW": "Regular", "zh-CN": "Regular", "en": "Regular"}, "orders": 1, "revenue": "1000",
        "redemptions": 0, "unit_costs": "0", "discounts": "0", "cost": "0", "points": 1000, "points_worth": "100",
        "margin": "400", "cost_of_revenue": "0.0000", "cost_of_margin": "0.0000",
    }  # fmt: skip
    gold = {name: found["tiers"]["gold"][name] for name in found["total"]}
    assert gold == {
        "orders": 1, "revenue": "900", "redemptions": 1, "unit_costs": "33", "discounts": "100", "cost": "133",
        "points": 900, "points_worth": "90", "margin": "360", "cost_of_revenue": "0.1483",
        "cost_of_margin": "0.3708",
    }  # fmt: skip
    assert found["total"] == {
        "orders": 2, "revenue": "1900", "redemptions": 1, "unit_costs": "33", "discounts": "100", "cost": "133",
        "points": 1900, "points_worth": "190", "margin": "760", "cost_of_revenue": "0.0702",
        "cost_of_margin": "0.1756",
    }  # fmt: skip


@pytest.mark.parametrize("shop", [{"unit_cost": "60"}], indirect=True)
def test_what_a_reward_costs_replaces_what_its_code_took_off(shop: Shop, caller: Caller, member: str) -> None:
    gold = costs(caller)["tiers"]["gold"]
    assert (gold["discounts"], gold["unit_costs"], gold["cost"]) == ("100", "60", "60")


@pytest.mark.parametrize("shop", [{"unit_cost": "0"}], indirect=True)
def test_a_cost_of_nothing_is_a_cost(shop: Shop, caller: Caller, member: str) -> None:
    gold = costs(caller)["tiers"]["gold"]
    assert (gold["discounts"], gold["unit_costs"], gold["cost"]) == ("100", "0", "0")


@pytest.mark.parametrize(("status", "orders", "money"), [("cancelled", 0, "0"), ("refunded", 0, "0")])
def test_what_is_given_back_costs_and_brings_in_nothing(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str, status: str, orders: int,
    money: str,
) -> None:  # fmt: skip
    (coupon,) = caller.get("/coupons").get_json()["data"]
    used = [{"code": coupon["code"], "discount": "100", "discount_tax": "0"}]
    place_order(
        runtime, client, shop, id=26, total="900", coupon_lines=used, status=status,
        date_paid_gmt="2026-03-11T04:00:00", date_modified_gmt="2026-03-12T04:00:00",
    )  # fmt: skip
    gold = costs(caller)["tiers"]["gold"]
    shown = {name: gold[name] for name in ("orders", "revenue", "discounts", "cost", "points")}
    assert shown == {"orders": orders, "revenue": money, "discounts": money, "cost": money, "points": 0}


def test_cancelled_redemption_costs_nothing(
    runtime: Runtime, shop: Shop, caller: Caller, member: str
) -> None:
    number = redeem(runtime, shop, member, "talk", PAID + 2 * DAY)
    with runtime.database.transaction(shop.account) as connection:
        end = EndRedemption(
            next_command_number(connection), PAID + 3 * DAY, number, Ending.CANCELLED, "no", "test"
        )
        carry_out(
            connection, runtime.book(connection, shop.account, set()), uuid.UUID(member), end, PAID + 4 * DAY
        )
    gold = costs(caller)["tiers"]["gold"]
    assert (gold["redemptions"], gold["unit_costs"]) == (0, "0")


@pytest.mark.parametrize(
    ("at", "tier"),
    [(PAID - HOUR, "regular"), (PAID, "gold"), (PAID + HOUR, "gold")],
)
def test_redemption_counts_in_the_tier_of_its_moment(
    runtime: Runtime, shop: Shop, caller: Caller, member: str, at: datetime, tier: str
) -> None:
    """The order of noon lifted him; before it he had no tier, which counts as the first."""
    redeem(runtime, shop, member, "call", at)
    found = costs(caller)["tiers"]
    assert {key: row["redemptions"] for key, row in found.items()} == {
        **dict.fromkeys(found, 0),
        tier: 1,
    }


@pytest.mark.parametrize(
    ("query", "orders"),
    [
        ({"from": "2026-03-10T04:00:00Z", "until": "2026-03-11T04:00:00Z"}, 1),
        ({"from": "2026-03-10T04:00:01Z", "until": "2026-03-11T04:00:00Z"}, 0),
        ({"from": "2026-03-10T04:00:01Z", "until": "2026-03-11T04:00:01Z"}, 1),
        ({"from": "2026-03-10T12:00:00+08:00", "until": "2026-03-12T00:00:00+08:00"}, 2),
    ],
)
def test_costs_are_of_a_half_open_time(
    caller: Caller, member: str, query: dict[str, str], orders: int
) -> None:
    found = costs(caller, **query)
    assert found["total"]["orders"] == orders
    assert found["total"]["points"] == {0: 0, 1: found["total"]["points"], 2: 1900}[orders]


def test_without_times_it_is_the_last_thirty_days(caller: Caller, member: str) -> None:
    found = caller.get("/reports/costs").get_json()
    length = datetime.fromisoformat(found["until"]) - datetime.fromisoformat(found["from"])
    assert length == 30 * DAY


def test_points_by_hand_count_and_spent_ones_do_not(
    runtime: Runtime, shop: Shop, caller: Caller, member: str
) -> None:
    adjusted = caller.post(f"/members/{member}/adjustments", {"points": 50, "reason": "sorry"})
    assert adjusted.status_code == 201
    redeem(runtime, shop, member, "call", PAID + 2 * DAY)
    found = costs(caller, until="2100-01-01T00:00:00Z")
    assert {key: row["points"] for key, row in found["tiers"].items()} == {"regular": 1000, "gold": 950}


def test_without_margin_and_limit_there_is_nothing_to_compare_with(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    bare = make_shop(runtime, make_document())
    found = make_caller(runtime, client, bare).get("/reports/costs", **MARCH).get_json()
    nothing = {"margin": None, "cost_of_margin": None, "cost_of_revenue": None, "points_worth": None}
    assert {name: found["total"][name] for name in nothing} == nothing
    assert (found["gross_margin_percent"], found["point_worth"], found["discount_share"]) == (None,) * 3


def test_points_are_worth_what_a_variable_discount_gives_where_there_is_no_fixed_one(
    runtime: Runtime, client: FlaskClient
) -> None:
    any_ = {"key": "any", "kind": "variable_discount", "points": 20, "amount": "1"}
    bare = make_shop(runtime, make_document(rewards=[any_]))
    assert make_caller(runtime, client, bare).get("/reports/costs").get_json()["point_worth"] == "0.05"


def test_s65_share_of_discounts_is_shown_as_it_was_judged(
    runtime: Runtime, shop: Shop, caller: Caller, member: str
) -> None:
    empty = costs(caller)["discount_share"]
    assert (empty["judged_at"], empty["share"], empty["above"], empty["blocked"]) == (
        None,
        None,
        False,
        False,
    )
    assert judge_discounts(runtime, shop.account, PAID + 2 * DAY) == 1
    shown = costs(caller)["discount_share"]
    assert shown == {
        "percent": "5", "days": 30, "action": "block", "judged_at": "2026-03-12T04:00:00Z", "discounts": "100",
        "revenue": "1900", "share": "0.0526", "above": False, "blocked": False,
    }, "the judgement of March blocks nobody any more"  # fmt: skip
    judge_discounts(runtime, shop.account)
    assert costs(caller)["discount_share"]["discounts"] == "0"


def test_times_that_are_none_are_refused(caller: Caller, shop: Shop) -> None:
    for query in ({"from": "yesterday"}, {"from": MARCH["until"], "until": MARCH["until"]}, {"since": "x"}):
        assert caller.get("/reports/costs", **query).status_code == 422


def test_an_account_without_a_program_has_no_costs(runtime: Runtime, client: FlaskClient) -> None:
    bare = make_caller(runtime, client, make_shop(runtime))
    assert bare.get("/reports/costs").status_code == 409


def test_a_stranger_sees_nothing_of_it(caller: Caller, stranger: Caller, member: str) -> None:
    found = costs(stranger)
    assert (found["total"]["orders"], found["total"]["points"], found["total"]["revenue"]) == (0, 0, "0")
