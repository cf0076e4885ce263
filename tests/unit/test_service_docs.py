"""The examples of docs/services.md are rewards that can be published, and its recipe checks what is signed."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from builders import NOON, make_document, make_program

from loyalty.programs.document import check_document
from loyalty.programs.rules_page import rules_in_words
from loyalty.rewards.content import signed_address

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "services.md").read_text(encoding="utf-8")
TIERS = [{"key": key, "name": {"en": key}} for key in ("regular", "gold")]
REWARDS: list[dict[str, Any]] = [
    json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
]


@pytest.mark.parametrize("reward", REWARDS, ids=[each["key"] for each in REWARDS])
def test_reward_of_the_docs_can_be_published(reward: dict[str, Any]) -> None:
    check_document(make_document(tiers=TIERS, rewards=[reward]))


def test_what_a_service_asks_for_is_said_in_the_rules() -> None:
    program = make_program(tiers=TIERS, rewards=[each for each in REWARDS if each["key"] == "styling"])
    sections = {section.key: section for section in rules_in_words(program, NOON)}
    (sentence,) = sections["rewards"].sentences
    assert '"Day"' in sentence["en"]
    assert "「日期」" in sentence["zh-TW"]


@pytest.mark.parametrize(("late", "allowed"), [(timedelta(), True), (timedelta(hours=1), False)])
def test_recipe_of_the_docs_lets_in_who_has_a_signed_address(late: timedelta, allowed: bool) -> None:
    (recipe,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    url, secret = "https://shop.example.com/films/masterclass", "secret"
    told = parse_qs(urlsplit(signed_address(secret.encode(), url, NOON + timedelta(minutes=15))).query)
    given = {
        "url": url,
        "secret": secret,
        "expires": told["laurel_expires"][0],
        "signature": told["laurel_signature"][0],
        "time": type("Clock", (), {"time": staticmethod((NOON + late).timestamp)}),
    }
    exec("import hashlib, hmac\n" + recipe, given)
    assert given["allowed"] is allowed
