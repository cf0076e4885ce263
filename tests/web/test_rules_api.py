"""The rules in words by API and on the command line."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from loyalty.programs.presets import get_preset
from tests.builders import Shop, make_shop
from tests.web.conftest import Caller, make_caller
from tests.web.test_cli import told
from workers.runtime import Runtime

LANGUAGES = ("zh-TW", "zh-CN", "en")


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, get_preset("cards4"))


def test_every_text_has_every_language_unless_one_is_asked_for(caller: Caller) -> None:
    whole = caller.get("/program/rules").json
    assert whole is not None
    assert whole["version"] == 1
    for language in LANGUAGES:
        one = caller.get("/program/rules", language=language).json
        assert one is not None
        assert [section["key"] for section in one["sections"]] == [it["key"] for it in whole["sections"]]
        for section, texts in zip(one["sections"], whole["sections"], strict=True):
            assert section["title"] == texts["title"][language]
            assert section["sentences"] == [text[language] for text in texts["sentences"]]


def test_the_page_follows_the_version_in_force(caller: Caller) -> None:
    document = get_preset("cards4")
    document["earning"]["points_per_unit"] = "7"
    before = caller.get("/program/rules", language="en").json
    assert caller.post("/program/publish", {"document": document}).status_code == 201
    after = caller.get("/program/rules", language="en").json
    assert before is not None
    assert after is not None
    assert "You earn 1 points for each NT$1 spent." in before["sections"][1]["sentences"]
    assert "You earn 7 points for each NT$1 spent." in after["sections"][1]["sentences"]
    assert after["version"] == 2


def test_unknown_language_is_a_mistake(caller: Caller) -> None:
    assert caller.get("/program/rules", language="fr").status_code == 422


def test_without_a_program_there_are_no_rules(runtime: Runtime, client: FlaskClient) -> None:
    assert make_caller(runtime, client, make_shop(runtime)).get("/program/rules").status_code == 409


def test_a_stranger_reads_the_rules_of_his_own_account(runtime: Runtime, client: FlaskClient) -> None:
    stranger = make_caller(runtime, client, make_shop(runtime, get_preset("visits3")))
    rules = stranger.get("/program/rules", language="zh-TW").json
    assert "鑽石會員" not in str(rules)
    assert "熟客會員" in str(rules)


def test_the_command_says_the_same(app: Flask, shop: Shop, caller: Caller) -> None:
    said = told(app, "program", "rules", shop.store.key, "--language", "zh-CN")
    assert said == caller.get("/program/rules", language="zh-CN").json
    lines = app.test_cli_runner().invoke(args=["program", "rules", shop.store.key]).stdout
    assert lines.startswith("# 會員資格\n")
