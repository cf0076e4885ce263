"""Lint by API and on the command line: warnings, advice on the design, and advice by the account's own orders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.builders import Shop, make_document, make_woo_order, woo_body
from tests.web.conftest import Caller, deliver, drain, make_caller
from tests.web.test_cli import told
from workers.runtime import Runtime

NAMES = dict.fromkeys(("zh-TW", "zh-CN", "en"), "x")
AMOUNTS = ("100", "200", "300", "400", "5000")


def document(price: int, threshold: str = "1000") -> dict[str, Any]:
    """A ladder of two tiers, and a coupon for points that is worth ten percent."""
    gold = {
        "key": "gold", "name": NAMES, "enter": {"any": [{"metric": "spend", "at_least": threshold}]},
        "benefits": {"multiplier": "2"},
    }  # fmt: skip
    coupon = {"key": "off", "kind": "fixed_discount", "points": price, "amount": str(price), "name": NAMES}
    return make_document(tiers=[{"key": "regular", "name": NAMES}, gold], rewards=[coupon])


@pytest.fixture
def five(runtime: Runtime, client: FlaskClient, shop: Shop) -> Shop:
    """Five customers, each of whom placed one order more than a year ago."""
    for number, amount in enumerate(AMOUNTS, start=1):
        billing = {**make_woo_order()["billing"], "email": f"{number}@example.test"}
        dates = {f"date_{name}_gmt": "2024-03-10T04:00:00" for name in ("created", "modified", "paid")}
        order = make_woo_order(number, amount, customer_id=number, billing=billing, **dates)
        assert deliver(client, shop, woo_body(order)).status_code == 200
    drain(runtime, shop)
    return shop


def advice(caller: Caller, given: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    answer = caller.post("/program/lint", {"document": given, **more})
    assert answer.status_code == 200, answer.json
    assert answer.json is not None
    return [(each["code"], each["path"]) for each in answer.json["advice"]]


@pytest.mark.parametrize(("price", "told_"), [(5000, False), (400, False), (5001, True)])
def test_s91_price_that_less_than_a_fifth_could_pay_within_a_year_is_named(
    caller: Caller, five: Shop, price: int, told_: bool
) -> None:
    expected = [("reward_out_of_reach", "/rewards/0/points")] if told_ else []
    assert advice(caller, document(price)) == expected


@pytest.mark.parametrize(("threshold", "told_"), [("5000", False), ("5000.01", True)])
def test_threshold_that_nobody_reached_is_named(
    caller: Caller, five: Shop, threshold: str, told_: bool
) -> None:
    expected = [("tier_out_of_reach", "/tiers/1/enter")] if told_ else []
    assert advice(caller, document(100, threshold)) == expected


def test_advice_by_orders_names_its_figures(caller: Caller, five: Shop) -> None:
    answer = caller.post("/program/lint", {"document": document(9000, "9000")})
    assert answer.json is not None
    words = [each["message"]["zh-TW"] for each in answer.json["advice"]]
    assert all(each["severity"] == "advice" for each in answer.json["advice"])
    assert ["0 位（0%）" in each and "5 位" in each for each in words] == [True, True]


def test_without_orders_only_the_rules_are_judged(caller: Caller, five: Shop) -> None:
    assert advice(caller, document(9000, "9000"), on_orders=False) == []


def test_account_without_members_gets_no_advice_by_orders(caller: Caller) -> None:
    assert advice(caller, document(9000, "9000")) == []


def test_the_draft_is_judged_unless_a_document_is_given(caller: Caller) -> None:
    assert caller.post("/program/lint", {}).status_code == 404
    given = document(100) | {"rewards": [{"key": "talk", "kind": "external"}]}
    given["tiers"][1]["benefits"] = {"entry_reward": "talk"}
    caller.put("/program/draft", given)
    answer = caller.post("/program/lint", {})
    assert answer.json is not None
    assert [(each["path"], each["code"], each["severity"]) for each in answer.json["warnings"]] == [
        ("/tiers/1/benefits/entry_reward", "given_in_vain", "warning")
    ]


def test_rewards_that_nobody_may_have_are_warned_of_by_linting_and_by_publishing(caller: Caller) -> None:
    given = document(100)
    given["rewards"][0] |= {"until": "2019-01-01T00:00", "stock": 0}
    expected = [("nobody_may_have", "/rewards/0/until"), ("nobody_may_have", "/rewards/0/stock")]
    for path in ("/program/lint", "/program/publish"):
        answer = caller.post(path, {"document": given})
        assert answer.json is not None
        assert [(each["code"], each["path"]) for each in answer.json["warnings"]] == expected


def test_mistakes_are_named_by_path(caller: Caller) -> None:
    answer = caller.post("/program/lint", {"document": make_document(extra=1)})
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["errors"][0]["pointer"] == "/extra"


def test_publishing_advises_by_the_rules_alone(caller: Caller, five: Shop) -> None:
    given = document(9000, "9000")
    given["tiers"][1]["benefits"] = {}
    answer = caller.post("/program/publish", {"document": given})
    assert answer.json is not None
    assert [each["code"] for each in answer.json["advice"]] == ["equal_benefits"]


def test_the_command_judges_by_orders_unless_told_not_to(app: Flask, five: Shop, tmp_path: Path) -> None:
    path = tmp_path / "candidate.json"
    path.write_text(json.dumps(document(9000, "9000")))
    found = told(app, "program", "lint", five.store.key, str(path))
    assert [each["code"] for each in found["advice"]] == ["reward_out_of_reach", "tier_out_of_reach"]
    assert told(app, "program", "lint", five.store.key, str(path), "--no-orders")["advice"] == []
    lines = app.test_cli_runner().invoke(args=["program", "lint", five.store.key, str(path)]).stdout
    assert lines.startswith("advice: /rewards/0/points: By past orders only 0 of 5 members")


def test_reading_alone_does_not_lint_and_strangers_see_their_own_orders(
    runtime: Runtime, client: FlaskClient, five: Shop, stranger: Caller
) -> None:
    reader = make_caller(runtime, client, five, ("read",))
    assert reader.post("/program/lint", {"document": document(1)}).status_code == 403
    assert advice(stranger, document(9000, "9000")) == []
