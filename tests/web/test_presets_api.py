"""Presets by API and on the command line: listed, suggested, printed, published."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask

from loyalty.programs.presets import get_preset, list_presets
from tests.builders import Shop, make_shop
from tests.web.conftest import Caller
from workers.runtime import Runtime

LANGUAGES = {"zh-TW", "zh-CN", "en"}


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime)


def got(caller: Caller, path: str, **query: Any) -> Any:
    answer = caller.get(path, **query)
    assert answer.status_code == 200, answer.json
    return answer.json


def test_presets_are_listed_with_their_tiers_and_texts(caller: Caller) -> None:
    listed = got(caller, "/program/presets")["data"]
    assert [each["key"] for each in listed] == list_presets()
    black = next(each for each in listed if each["key"] == "black3")
    assert [name["zh-TW"] for name in black["tiers"]] == ["普通會員", "金卡", "黑卡"]
    assert all(set(each["about"]) == LANGUAGES for each in listed)


@pytest.mark.parametrize("key", [*list_presets(), "stevemadden-style"])
def test_preset_is_a_document_that_is_published_without_a_warning(caller: Caller, key: str) -> None:
    document = got(caller, f"/program/presets/{key}")
    assert document == get_preset(key)
    answer = caller.post("/program/publish", {"document": document})
    assert answer.status_code == 201, answer.json
    assert answer.json is not None
    assert (answer.json["warnings"], answer.json["advice"]) == ([], [])


def test_unknown_preset_is_not_found(caller: Caller) -> None:
    assert caller.get("/program/presets/nothing").status_code == 404


@pytest.mark.parametrize(
    ("orders", "basket", "key", "led_by"),
    [("12", "150", "visits3", "orders"), ("1.5", "8000", "black3", "spend")],
)
def test_s7_business_type_decides_what_leads(
    caller: Caller, orders: str, basket: str, key: str, led_by: str
) -> None:
    found = got(caller, "/program/presets/suggestion", orders_per_year=orders, basket=basket)
    assert (found["preset"]["key"], found["preset"]["led_by"]) == (key, led_by)
    assert set(found["reason"]) == LANGUAGES


@pytest.mark.parametrize(
    "query", [{}, {"orders_per_year": "4"}, {"orders_per_year": "often", "basket": "1"}, {"basket": "-1"}]
)
def test_suggestion_asks_for_both_figures(caller: Caller, query: dict[str, str]) -> None:
    assert caller.get("/program/presets/suggestion", **query).status_code == 422


def test_command_line_lists_and_prints_them(app: Flask) -> None:
    runner = app.test_cli_runner()
    listed = json.loads(runner.invoke(args=["program", "presets", "--json"]).stdout)["presets"]
    assert [each["key"] for each in listed] == list_presets()
    assert "stevemadden-style" in runner.invoke(args=["program", "presets"]).stdout
    printed = runner.invoke(args=["program", "preset", "cards4"]).stdout
    assert json.loads(printed) == get_preset("cards4")
    assert runner.invoke(args=["program", "preset", "nothing"]).exit_code == 2
