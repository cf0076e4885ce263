"""The presets are ready to publish, with the names that merchants ask for."""

from __future__ import annotations

import pytest
from builders import LONG_AGO

from loyalty.errors import NotFound
from loyalty.programs.document import Context, build_program
from loyalty.programs.presets import get_preset, list_presets

NAMES = {
    "boyang4": ["基礎會員", "普通會員", "高級會員", "VIP會員"],
    "cards4": ["普通會員", "銀卡會員", "金卡會員", "鑽石會員"],
    "metals4": ["銅牌會員", "銀牌會員", "金牌會員", "白金會員"],
    "cards3": ["銀卡", "金卡", "白金卡"],
    "black3": ["普通會員", "金卡", "黑卡"],
    "steps4": ["閃卡", "銀卡", "金卡", "黑卡"],
}


@pytest.mark.parametrize("key", list_presets())
def test_preset_is_a_whole_program_with_its_names(key: str) -> None:
    program = build_program(get_preset(key), Context("TWD", "Asia/Taipei", 0), 1, LONG_AGO)
    assert [tier.name["zh-TW"] for tier in program.tiers] == NAMES[key]
    assert program.earning.pending_days == 7


@pytest.mark.parametrize("key", list_presets())
def test_each_higher_tier_asks_more_gives_more_and_rewards_entry(key: str) -> None:
    program = build_program(get_preset(key), Context("TWD", "Asia/Taipei", 0), 1, LONG_AGO)
    multipliers = [tier.benefits.multiplier for tier in program.tiers]
    thresholds = [tier.enter.conditions[0].at_least for tier in program.tiers if tier.enter]
    assert multipliers == sorted(set(multipliers))
    assert thresholds == sorted(set(thresholds))
    assert all(program.reward(tier.benefits.entry_reward or "") for tier in program.tiers[1:])


def test_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(NotFound, match="boyang4"):
        get_preset("nothing")
