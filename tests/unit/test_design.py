"""Advice on the design of a program: just below, at and above each limit, with its figures, in three languages."""

from __future__ import annotations

from typing import Any

import pytest
from builders import make_program

from loyalty.programs.design import (
    MOST_CONDITIONS,
    MOST_RULES,
    MOST_TIERS,
    count_rules,
    list_advice,
    return_percent,
)
from loyalty.programs.lint import Notice
from loyalty.programs.presets import get_preset, list_presets

NAME = {"zh-TW": "名", "zh-CN": "名", "en": "Name"}


def tiers(*figures: str, metric: str = "spend", multipliers: Any = None, **more: Any) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = [{"key": "t0", "name": NAME}]
    for index, figure in enumerate(figures, start=1):
        enter = {"any": [{"metric": metric, "at_least": figure}]}
        multiplier = multipliers[index - 1] if multipliers else str(index + 1)
        listed.append(
            {"key": f"t{index}", "name": NAME, "enter": enter, "benefits": {"multiplier": multiplier}, **more}
        )
    return listed


def found(**parts: Any) -> list[Notice]:
    return list_advice(make_program(**{"tiers": tiers(), **parts}))


def codes(**parts: Any) -> list[tuple[str, str]]:
    return [(each.code, each.path) for each in found(**parts)]


@pytest.mark.parametrize("key", list_presets())
def test_presets_need_no_advice(key: str) -> None:
    assert list_advice(make_program(**get_preset(key))) == []


@pytest.mark.parametrize(
    ("count", "told"), [(1, False), (2, False), (3, False), (4, False), (5, True), (6, True)]
)
def test_s16_more_than_four_tiers_are_too_many(count: int, told: bool) -> None:
    ladder = tiers(*(str(10**rank) for rank in range(1, count)))
    assert (("too_many_tiers", "/tiers") in codes(tiers=ladder)) is told


def test_s16_advice_names_its_figures_and_is_no_warning() -> None:
    notice = found(tiers=tiers("10", "100", "1000", "10000"))[0]
    assert notice.severity == "advice"
    assert "5" in notice.message["zh-TW"]
    assert str(MOST_TIERS) in notice.message["en"]


def test_s17_neighbours_of_equal_benefits_are_named() -> None:
    ladder = tiers("10", "100", "1000", multipliers=["1", "2", "2"])
    assert codes(tiers=ladder) == [
        ("equal_benefits", "/tiers/1/benefits"),
        ("equal_benefits", "/tiers/3/benefits"),
    ]


@pytest.mark.parametrize(
    ("high", "told"), [("1499.99", True), ("1500", False), ("900", True), ("1500.01", False)]
)
def test_s17_gap_of_thresholds_is_at_least_half_as_much_again(high: str, told: bool) -> None:
    assert (("small_gap", "/tiers/2/enter") in codes(tiers=tiers("1000", high))) is told


def test_s17_thresholds_on_different_figures_have_no_gap() -> None:
    ladder = tiers("1000") + tiers("3", metric="orders", multipliers=["5"])[1:]
    ladder[2]["key"] = "t2"
    assert codes(tiers=ladder) == []
    assert codes(tiers=tiers("0.5", "0.6", metric="repeat_rate")) == []


def test_keep_rule_of_a_tier_without_end_is_named() -> None:
    ladder = tiers("10", keep={"any": [{"metric": "spend", "at_least": "5"}]})
    assert codes(tiers=ladder) == [("keep_without_validity", "/tiers/1/keep")]
    assert codes(tiers=ladder, tier_policy={"validity": {"months": 12}, "notice_days": [7]}) == []


def reward(points: int | None, amount: str | None, kind: str = "fixed_discount") -> dict[str, Any]:
    return {"key": "off", "kind": kind, "points": points, "amount": amount, "name": NAME}


@pytest.mark.parametrize(
    ("points", "amount", "earning", "told"),
    [
        (5000, "50", {}, False),
        (5001, "50", {}, True),
        (5000, "49.99", {}, True),
        (100, "10", {"points_per_unit": "1", "unit": "10"}, False),
        (100, "10", {"points_per_unit": "1", "unit": "10.01"}, True),
        (100, "10", {"points_per_unit": "0"}, False),
        (None, "10", {}, False),
    ],
)
def test_s90_reward_below_one_percent_of_the_spend_is_too_small(
    points: int | None, amount: str, earning: dict[str, str], told: bool
) -> None:
    given = codes(rewards=[reward(points, amount)], earning=earning)
    assert given == ([("small_return", "/rewards/0")] if told else [])


def test_s90_advice_says_the_percentage_rounded_down() -> None:
    program = make_program(rewards=[reward(3000, "20")])
    assert return_percent(program, program.rewards[0]) == pytest.approx(2 / 3)
    assert "0.66%" in list_advice(program)[0].message["en"]


def test_s90_percentages_and_gifts_have_no_return() -> None:
    assert (
        codes(rewards=[reward(5000, "1", "percent_discount"), {**reward(9, "1", "sample"), "key": "b"}]) == []
    )


def rules(count: int) -> dict[str, Any]:
    listed = [{"match": {"skus": [str(number)]}, "multiplier": "2"} for number in range(count)]
    return {"earning": {"product_rules": listed}}


def test_s92_too_many_rules() -> None:
    assert codes(**rules(MOST_RULES)) == []
    assert codes(**rules(MOST_RULES + 1)) == [("too_many_rules", "/")]
    assert str(MOST_RULES + 1) in found(**rules(MOST_RULES + 1))[0].message["zh-CN"]


def campaign(key: str, until: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "from": "2019-01-01T00:00", "until": until, "multiplier": "2", "name": NAME, **more}


def test_s92_too_many_conditions() -> None:
    scope = {"tiers": ["t0"], "channels": ["pos"], "regions": ["TW"], "member_tags": ["x"], "skus": ["1"]}
    limits = {"minimum_order": "5", "nth_order": 3, "budget": 5, "per_member": 5}
    listed = [campaign(str(index), "2040-01-01T00:00", scope=scope, **limits) for index in range(3)]
    assert count_rules(make_program(tiers=tiers(), campaigns=listed)) == (3, 27)
    assert codes(campaigns=listed) == [("too_many_rules", "/")]
    assert 2 * 9 <= MOST_CONDITIONS < 27
    assert codes(campaigns=listed[:2]) == []


def test_s92_campaigns_that_are_over_do_not_count() -> None:
    over, open_ = campaign("old", "2019-12-31T00:00"), campaign("new", "2040-01-01T00:00")
    assert count_rules(make_program(campaigns=[over, open_])) == (1, 0)


def automation(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"key": "hello", "trigger": "member_joined", "actions": list(actions), "name": NAME}


POINTS = {"kind": "points", "points": 100}
TELL = {"kind": "message", "message": "hi"}
MESSAGES = {"hi": {"subject": NAME, "body": NAME}}


@pytest.mark.parametrize(
    ("actions", "told"),
    [([POINTS], True), ([POINTS, TELL], False), ([TELL], False), ([{"kind": "tag", "add": ["x"]}], False)],
)
def test_s93_gift_without_a_message_is_untold(actions: list[dict[str, Any]], told: bool) -> None:
    given = codes(automations=[automation(*actions)], messages=MESSAGES)
    assert given == ([("untold_gift", "/automations/0/actions")] if told else [])


def test_s93_reward_and_campaign_without_a_name_are_untold() -> None:
    nameless = {name: value for name, value in campaign("x", "2040-01-01T00:00").items() if name != "name"}
    given = codes(rewards=[{"key": "off", "kind": "sample"}], campaigns=[nameless])
    assert given == [("nameless", "/rewards/0/name"), ("nameless", "/campaigns/0/name")]


@pytest.mark.parametrize(("days", "told"), [([], True), ([7], False)])
def test_s93_ends_that_nobody_hears_of(days: list[int], told: bool) -> None:
    expiry = {"mode": "lot", "remind_days": days}
    policy = {"validity": {"months": 12}, "notice_days": days}
    expected = [("untold_expiry", "/expiry/remind_days"), ("untold_tier_end", "/tier_policy/notice_days")]
    assert codes(expiry=expiry, tier_policy=policy) == (expected if told else [])


def test_s154_every_text_that_lacks_a_language_is_named() -> None:
    half = {"zh-TW": "名", "zh-CN": " "}
    given = found(
        points_name=half,
        tiers=[{"key": "t0", "name": half, "benefits": {"perks": [NAME, half]}}],
        rewards=[{**reward(None, "5"), "name": half}],
        segments=[{"key": "s", "name": half, "all": [{"kind": "tag", "any_of": ["x"]}]}],
        automations=[{**automation(TELL), "name": half}],
        messages={"hi": {"subject": half, "body": NAME}},
    )
    assert [(each.code, each.path) for each in given] == [
        ("missing_language", path)
        for path in (
            "/points_name", "/tiers/0/name", "/tiers/0/benefits/perks/1", "/rewards/0/name", "/segments/0/name",
            "/automations/0/name", "/messages/hi/subject",
        )
    ]  # fmt: skip
    assert (
        given[0].message["en"]
        == "The text lacks Simplified Chinese, English; another language is shown instead."
    )


def test_every_advice_is_said_in_three_languages_without_gaps() -> None:
    ladder = tiers(
        "1", "1", "1", "1", multipliers=["1"] * 4, keep={"any": [{"metric": "spend", "at_least": "5"}]}
    )
    given = found(
        tiers=ladder, rewards=[reward(9000, "1"), {"key": "b", "kind": "sample"}], expiry={"mode": "lot"},
        automations=[automation(POINTS)], messages=MESSAGES, points_name={"en": "points"}, **rules(30),
    )  # fmt: skip
    given += found(tier_policy={"validity": {"days": 5}})
    assert {each.code for each in given} == {
        "too_many_tiers", "equal_benefits", "small_gap", "keep_without_validity", "small_return", "too_many_rules",
        "untold_gift", "nameless", "untold_expiry", "untold_tier_end", "missing_language",
    }  # fmt: skip
    for each in given:
        assert set(each.message) == {"zh-TW", "zh-CN", "en"}
        assert not any(brace in text for text in each.message.values() for brace in "{}")
        assert "「" not in each.message["zh-CN"]
