"""Campaigns and product rules that can mean the same order: named where they can, silent where they cannot."""

from __future__ import annotations

from typing import Any

import pytest
from builders import make_document

from loyalty.programs.conflicts import conflicts
from loyalty.programs.document import check_document
from loyalty.programs.lint import lint


def campaign(key: str, **parts: Any) -> dict[str, Any]:
    times = {"from": "2026-03-01T00:00", "until": "2026-04-01T00:00"}
    given = {} if "bonus" in parts else {"multiplier": "2"}
    return {"key": key, **times, **given, **parts}


def told(**document: Any) -> list[tuple[str, str]]:
    found = conflicts(check_document(make_document(**document)))
    return [(path, text["en"]) for path, text in found]


def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    both = [told(campaigns=[campaign("a", **a), campaign("b", **b)]) for a, b in ((one, other), (other, one))]
    assert len(both[0]) == len(both[1]) <= 1, "the order of two campaigns does not matter"
    return bool(both[0])


@pytest.mark.parametrize(
    ("one", "other", "end"),
    [
        ({}, {}, "the higher multiplier counts."),
        ({"stacking": "add"}, {}, "both count."),
        ({"stacking": "add"}, {"stacking": "add"}, "both count."),
        ({"bonus": 50}, {"bonus": 60}, "both count."),
        ({"bonus": 50}, {}, "both count."),
        ({"bonus": 50, "multiplier": "3"}, {}, "the higher multiplier counts, and every bonus."),
        ({"bonus": 50, "multiplier": "3", "stacking": "add"}, {}, "both count."),
    ],
)
def test_u68_two_campaigns_are_named_with_what_their_stacking_makes_of_them(
    one: dict[str, Any], other: dict[str, Any], end: str
) -> None:
    for first, second in ((one, other), (other, one)):
        expected = f"The campaign b may apply to the same order as a: {end}"
        found = told(campaigns=[campaign("a", **first), campaign("b", **second)])
        assert found == [("/campaigns/1", expected)]


@pytest.mark.parametrize(
    ("start", "end", "met"),
    [
        ("2026-02-01T00:00", "2026-03-01T00:00", False),
        ("2026-02-01T00:00", "2026-03-01T00:01", True),
        ("2026-03-31T23:59", "2026-05-01T00:00", True),
        ("2026-04-01T00:00", "2026-05-01T00:00", False),
        ("2026-03-10T00:00", "2026-03-11T00:00", True),
    ],
)
def test_u68_campaigns_meet_only_where_their_times_do(start: str, end: str, met: bool) -> None:
    assert overlap({}, {"from": start, "until": end}) == met


@pytest.mark.parametrize(
    ("one", "other", "met"),
    [
        ({"weekdays": [1, 2]}, {"weekdays": [3]}, False),
        ({"weekdays": [1, 2]}, {"weekdays": [2]}, True),
        ({"weekdays": [1]}, {"month_days": [8]}, True),
        ({"months": [3]}, {"months": [4]}, False),
        ({"weekdays": [1], "months": [3]}, {"weekdays": [1], "months": [4]}, False),
        ({"month_days": [8]}, {"month_days": [18]}, False),
        ({"month_days": [27]}, {"month_days": [31]}, False),
        ({"month_days": [28]}, {"month_days": [31]}, True),
        ({"month_days": [30]}, {"month_days": [31]}, True),
    ],
)
def test_u68_member_days_that_never_fall_together_do_not_meet(
    one: dict[str, Any], other: dict[str, Any], met: bool
) -> None:
    assert overlap({"recurs": one}, {"recurs": other}) == met
    assert overlap({"recurs": one}, {})


@pytest.mark.parametrize(
    ("one", "other", "met"),
    [
        ({"tiers": ["regular"]}, {"tiers": ["gold"]}, False),
        ({"tiers": ["regular", "gold"]}, {"tiers": ["gold"]}, True),
        ({"tiers": ["gold"]}, {}, True),
        ({"channels": ["pos"]}, {"channels": ["checkout"]}, False),
        ({"channels": ["pos"]}, {"channels": ["checkout", "pos"]}, True),
        ({"regions": ["US"]}, {"regions": ["TW"]}, False),
        ({"regions": ["US"]}, {"regions": ["US-NY"]}, True),
        ({"regions": ["US-CA"]}, {"regions": ["US-NY"]}, False),
        ({"regions": ["US-N"]}, {"regions": ["US-NY"]}, False),
        ({"regions": ["TW", "US-NY"]}, {"regions": ["JP", "US"]}, True),
        ({"product_ids": ["1"]}, {"product_ids": ["2"]}, False),
        ({"product_ids": ["1", "2"]}, {"product_ids": ["2"]}, True),
        ({"skus": ["a"]}, {"skus": ["b"]}, False),
        ({"product_ids": ["1"]}, {"skus": ["b"]}, True),
        ({"product_ids": ["1"]}, {}, True),
        ({"category_ids": ["1"]}, {"category_ids": ["2"]}, True),
        ({"tags": ["new"]}, {"tags": ["old"]}, True),
        ({"product_ids": ["1"], "tags": ["new"]}, {"product_ids": ["2"]}, True),
        ({"member_tags": ["vip"]}, {"member_tags": ["press"]}, True),
        ({"tiers": ["gold"], "product_ids": ["1"]}, {"tiers": ["gold"], "product_ids": ["2"]}, False),
        ({"segments": ["s"]}, {}, True),
        ({"segments": ["s"]}, {"segments": ["t"]}, True),
    ],
)
def test_u68_scopes_that_are_disjoint_do_not_meet(
    one: dict[str, Any], other: dict[str, Any], met: bool
) -> None:
    gold = {"key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "9"}]}}
    tiers = [{"key": "regular", "name": {"en": "Regular"}}, gold]
    for first, second in ((one, other), (other, one)):
        campaigns = [campaign("a", scope=first), campaign("b", scope=second)]
        buyers = [{"kind": "metric", "metric": "orders", "at_least": 1}]
        segments = [{"key": key, "all": buyers} for key in "st"]
        assert bool(told(campaigns=campaigns, tiers=tiers, segments=segments)) == met


@pytest.mark.parametrize(
    ("one", "other", "met"),
    [
        ({"first_order": True}, {"nth_order": 3}, False),
        ({"first_order": True}, {"nth_order": 1}, True),
        ({"nth_order": 2}, {"nth_order": 3}, False),
        ({"nth_order": 2}, {}, True),
        ({"minimum_order": "500"}, {"minimum_order": "900"}, True),
    ],
)
def test_u68_campaigns_for_different_orders_of_a_member_do_not_meet(
    one: dict[str, Any], other: dict[str, Any], met: bool
) -> None:
    assert overlap(one, other) == met


def test_u68_each_campaign_names_all_before_it_once() -> None:
    campaigns = [campaign("a"), campaign("b"), campaign("c", stacking="add"), campaign("d")]
    assert [text for _, text in told(campaigns=campaigns)] == [
        "The campaign b may apply to the same order as a: the higher multiplier counts.",
        "The campaign c may apply to the same order as a, b: both count.",
        "The campaign d may apply to the same order as a, b: the higher multiplier counts.",
        "The campaign d may apply to the same order as c: both count.",
    ]


@pytest.mark.parametrize(
    ("one", "other", "met"),
    [
        ({"product_ids": ["1"]}, {"product_ids": ["2"]}, False),
        ({"product_ids": ["1"]}, {"product_ids": ["1"]}, True),
        ({"product_ids": ["1"]}, {"category_ids": ["1"]}, True),
        ({}, {"product_ids": ["1"]}, False),
        ({}, {}, False),
    ],
)
def test_u68_product_rules_for_one_product_are_named_with_what_counts(
    one: dict[str, Any], other: dict[str, Any], met: bool
) -> None:
    rules = [{"match": one, "multiplier": "2"}, {"match": other, "multiplier": "3"}]
    text = "Product rule 2 may mean the same product as product rule 1: the higher multiplier counts."
    assert told(earning={"product_rules": rules}) == [("/earning/product_rules/1", text)] * met


def test_u68_a_product_rule_and_a_tier_multiply_a_campaign_without_a_word() -> None:
    tiers = [{"key": "regular", "name": {"en": "Regular"}, "benefits": {"multiplier": "2"}}]
    rules = [{"match": {"product_ids": ["1"]}, "multiplier": "2"}]
    assert told(tiers=tiers, earning={"product_rules": rules}, campaigns=[campaign("a")]) == []


def test_u68_conflicts_come_after_what_does_nothing_yet_and_in_three_languages() -> None:
    tiers = [{"key": "regular", "name": {"en": "Regular"}, "benefits": {"entry_reward": "talk"}}]
    rewards = [{"key": "talk", "kind": "external"}]
    document = make_document(campaigns=[campaign("a"), campaign("b")], tiers=tiers, rewards=rewards)
    notices = lint(check_document(document))
    assert [notice.path for notice in notices] == ["/tiers/0/benefits/entry_reward", "/campaigns/1"]
    assert notices[1].message["zh-TW"] == "活動 b 與 a 可能適用於同一筆訂單:倍數取較高者。"
    assert notices[1].message["zh-CN"] == "活动 b 与 a 可能适用于同一笔订单:倍数取较高者。"
