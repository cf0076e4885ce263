"""The presets are ready to publish, with the names that merchants ask for."""

from __future__ import annotations

from fractions import Fraction

import pytest
from builders import LONG_AGO, NOON, make_order
from folding import DAY, fold

from loyalty.errors import NotFound
from loyalty.programs.document import Context, build_program
from loyalty.programs.preset_choice import suggest_preset
from loyalty.programs.presets import get_preset, list_presets
from loyalty.programs.program import Program
from loyalty.programs.terms import Duration

NAMES = {
    "boyang4": ["基礎會員", "普通會員", "高級會員", "VIP會員"],
    "cards4": ["普通會員", "銀卡會員", "金卡會員", "鑽石會員"],
    "metals4": ["銅牌會員", "銀牌會員", "金牌會員", "白金會員"],
    "cards3": ["銀卡", "金卡", "白金卡"],
    "black3": ["普通會員", "金卡", "黑卡"],
    "steps4": ["閃卡", "銀卡", "金卡", "黑卡"],
    "visits3": ["新客會員", "常客會員", "熟客會員"],
}


@pytest.mark.parametrize("key", list_presets())
def test_preset_is_a_whole_program_with_its_names(key: str) -> None:
    program = build_program(get_preset(key), Context("TWD", "Asia/Taipei", 0), 1, LONG_AGO)
    assert [tier.name["zh-TW"] for tier in program.tiers] == NAMES[key]
    assert program.earning.pending_days == 7


SIMPLIFIED = {
    "cards4": ["普通会员", "银卡会员", "金卡会员", "钻石会员"],
    "metals4": ["铜牌会员", "银牌会员", "金牌会员", "白金会员"],
    "steps4": ["闪卡", "银卡", "金卡", "黑卡"],
}


@pytest.mark.parametrize("key", SIMPLIFIED)
def test_s11_s12_names_have_their_simplified_forms(key: str) -> None:
    assert [tier.name["zh-CN"] for tier in built(key).tiers] == SIMPLIFIED[key]


@pytest.mark.parametrize("key", list_presets())
def test_each_higher_tier_asks_more_gives_more_and_rewards_entry(key: str) -> None:
    program = built(key)
    multipliers = [tier.benefits.multiplier for tier in program.tiers]
    thresholds = [tier.enter.conditions[0].at_least for tier in program.tiers if tier.enter]
    assert multipliers == sorted(set(multipliers))
    assert thresholds == sorted(set(thresholds))
    assert all(program.reward(tier.benefits.entry_reward or "") for tier in program.tiers[1:])


@pytest.mark.parametrize("key", list_presets())
def test_tiers_are_held_for_a_year_and_kept_by_a_rule(key: str) -> None:
    program = built(key)
    assert program.tier_policy.validity == Duration(months=12)
    assert all(tier.enter and tier.keep for tier in program.tiers[1:])


def test_s15_all_four_steps_have_thresholds_and_a_yearly_keep_rule_and_the_first_asks_nothing() -> None:
    program = built("stevemadden-style")
    assert program == built("steps4")
    assert [tier.enter.conditions[0].at_least for tier in program.tiers if tier.enter] == [
        0,
        3000,
        12000,
        36000,
    ]
    assert all(tier.keep for tier in program.tiers)
    assert program.tiers[-1].benefits.service


def test_s15_the_year_below_the_keep_rule_loses_the_card() -> None:
    document = {name: part for name, part in get_preset("steps4").items() if name != "points_name"}
    state = fold(make_order(total="12000"), until=NOON + 400 * DAY, **document)
    assert [(period.tier_key, period.reason) for period in state.periods] == [
        ("flash", "joined"), ("gold", "reached"), ("gold", "renewed"),
    ]  # fmt: skip
    later = fold(make_order(total="12000"), until=NOON + 800 * DAY, **document)
    assert (later.tier_key, later.periods[-1].reason) == ("flash", "fell")


@pytest.mark.parametrize(
    ("orders", "basket", "key"),
    [
        ("4", "1999.99", "visits3"), ("3.99", "2000", "black3"), ("4", "2000", "cards4"), ("3.99", "1999", "cards3"),
    ],
)  # fmt: skip
def test_s7_frequency_and_basket_choose_the_preset(orders: str, basket: str, key: str) -> None:
    assert suggest_preset(Fraction(orders), Fraction(basket)).preset.key == key


def test_changing_a_printed_preset_changes_no_other() -> None:
    get_preset("cards4")["rewards"][0]["name"]["en"] = "spoilt"
    get_preset("cards4")["expiry"]["after"]["months"] = 1
    assert get_preset("cards4")["rewards"][0]["name"]["en"] == "50 off"
    assert get_preset("cards4")["expiry"]["after"] == {"months": 12}


def test_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(NotFound, match=r"boyang4.*stevemadden-style"):
        get_preset("nothing")


def built(key: str) -> Program:
    return build_program(get_preset(key), Context("TWD", "Asia/Taipei", 0), 1, LONG_AGO)
