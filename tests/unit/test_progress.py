"""What is missing to the next tier, in figures and in words."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from builders import make_program

from loyalty.programs.program import Program
from loyalty.programs.terms import Metric
from loyalty.tiers.progress import Progress, progress_to_next
from loyalty.tiers.qualification import Metrics

REGULAR = {"zh-TW": "普通會員", "zh-CN": "普通会员", "en": "Regular"}
SENIOR = {"zh-TW": "高級會員", "zh-CN": "高级会员", "en": "Senior"}
POINTS, SPEND = {"metric": "points", "at_least": 500}, {"metric": "spend", "at_least": "1000"}


def make_ladder(*conditions: dict[str, Any], word: str = "any", **context: Any) -> Program:
    senior = {"key": "senior", "name": SENIOR, "enter": {word: list(conditions)}}
    return make_program(tiers=[{"key": "regular", "name": REGULAR}, senior], **context)


def progress(program: Program, spend: str = "0", points: int = 0, orders: int = 0) -> Progress:
    return progress_to_next(program, "regular", Metrics(Fraction(spend), orders, points))


@pytest.mark.parametrize("conditions", [(POINTS, SPEND), (SPEND, POINTS)])
@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("zh-TW", "您目前是普通會員,距離升級為高級會員還差500積分/1000元消費"),
        ("zh-CN", "您目前是普通会员,距离升级为高级会员还差500积分/1000元消费"),
        ("en", "You are Regular; you are 500 points or 1000 TWD of spending away from Senior"),
    ],
)
def test_sentence_names_every_unit_that_counts(conditions: Any, language: str, sentence: str) -> None:
    assert progress(make_ladder(*conditions)).text[language] == sentence


def test_with_all_every_missing_part_is_named() -> None:
    told = progress(make_ladder(POINTS, SPEND, word="all"), spend="300")
    assert [(part.metric, part.amount) for part in told.missing] == [
        (Metric.POINTS, 500),
        (Metric.SPEND, 700),
    ]
    assert told.text["zh-TW"].endswith("還差500積分和700元消費")


def test_with_all_what_is_reached_is_not_missing() -> None:
    assert (
        progress(make_ladder(POINTS, SPEND, word="all"), spend="1000").text["zh-TW"].endswith("還差500積分")
    )


@pytest.mark.parametrize(
    ("decimals", "spend", "missing"),
    [
        (0, "999", "1"),
        (0, "999.01", "1"),
        (0, "999.99", "1"),
        (2, "999.99", "0.01"),
        (2, "999.999", "0.01"),
        (2, "0", "1000"),
    ],
)
def test_missing_money_is_never_told_too_low(decimals: int, spend: str, missing: str) -> None:
    assert progress(make_ladder(SPEND, decimals=decimals), spend=spend).missing[0].amount == Decimal(missing)


def test_spend_in_thirds_is_exact() -> None:
    assert progress(make_ladder(SPEND), spend="2999/3").missing[0].amount == 1


def test_next_tier_is_the_nearest_that_has_thresholds() -> None:
    steps = [
        {"key": "invited", "name": {"en": "I"}},
        {"key": "senior", "name": SENIOR, "enter": {"any": [POINTS]}},
    ]
    program = make_program(tiers=[{"key": "regular", "name": REGULAR}, *steps])
    told = progress(program)
    assert told.next_tier is not None
    assert told.next_tier.key == "senior"


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("zh-TW", "您目前是高級會員,已是最高等級"), ("en", "You are Senior, the highest tier")],
)
def test_top_tier_misses_nothing(language: str, sentence: str) -> None:
    told = progress_to_next(make_ladder(POINTS), "senior", Metrics())
    assert (told.next_tier, told.missing, told.text[language]) == (None, (), sentence)


def test_name_of_the_points_is_the_merchants() -> None:
    told = progress(make_ladder(POINTS, points_name={"zh-TW": "星星", "en": "stars"}))
    assert (told.text["zh-TW"], told.text["en"]) == (
        "您目前是普通會員,距離升級為高級會員還差500星星",
        "You are Regular; you are 500 stars away from Senior",
    )
