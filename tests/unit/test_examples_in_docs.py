"""The examples that the docs show to merchants are programs that can be published."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from builders import make_document, make_program

from loyalty.programs.catalogue import ONLY_AT, REWARD_KINDS
from loyalty.programs.document import check_document
from loyalty.programs.lint import lint
from loyalty.programs.lint_rewards import list_reward_warnings
from loyalty.programs.rules_page import rules_in_words

DOCS = Path(__file__).resolve().parents[2] / "docs"
TIERS = [{"key": key, "name": {"en": key}} for key in ("regular", "gold")]


def examples(page: str) -> list[dict[str, Any]]:
    """Every block of JSON of a page."""
    blocks = re.findall(
        r"^```json\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return [json.loads(block) for block in blocks]


REWARDS = examples("rewards.md")


@pytest.mark.parametrize("reward", REWARDS, ids=[each["key"] for each in REWARDS])
def test_reward_of_the_docs_is_right_and_can_be_had(reward: dict[str, Any]) -> None:
    document = make_document(tiers=TIERS, rewards=[reward])
    is_card = reward["kind"] in ONLY_AT
    assert [notice.code for notice in lint(check_document(document))] == ["not_offered"] * is_card
    assert list_reward_warnings(make_program(tiers=TIERS, rewards=[reward])) == []


def test_docs_show_every_kind_once() -> None:
    assert sorted(each["kind"] for each in REWARDS) == sorted(REWARD_KINDS)


def test_variable_discount_of_the_docs_is_told_as_they_tell_it() -> None:
    (reward,) = (each for each in REWARDS if each["kind"] == "variable_discount")
    program = make_program(currency="USD", decimals=2, rewards=[reward])
    sections = {section.key: section for section in rules_in_words(program, program.effective_from)}
    assert "100 points = US$5, from 100 to 1,000 in steps of 100" in sections["rewards"].sentences[0]["en"]


def test_ladder_of_the_docs_inherits_as_they_say() -> None:
    (parts,) = examples("tiers.md")
    tiers = make_program(**parts).tiers
    assert [str(tier.benefits.multiplier) for tier in tiers] == ["1", "5/4", "3/2", "3/2"]
    assert [tier.benefits.free_shipping for tier in tiers] == [False, True, True, False]
