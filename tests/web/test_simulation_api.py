"""Simulations by API and command line: the draft or a document, both questions, nothing of another account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, text

from loyalty.engine import simulation
from tests.builders import Shop, make_document, make_shop, make_woo_order
from tests.web.conftest import Caller, make_caller, place_order
from tests.web.test_cli import run, told
from webhook_app.tools import TOOLS
from workers.runtime import Runtime

PATH = "/program/simulations"
RECALCULATE = {"on_change": "recalculate"}
TEN_OFF = {"key": "ten-off", "kind": "fixed_discount", "points": 1000, "amount": "100"}


def gold_from(least: int, **parts: Any) -> dict[str, Any]:
    """Regular, and gold from a spend on."""
    enter = {"any": [{"metric": "spend", "at_least": str(least)}]}
    tiers = [
        {"key": "regular", "name": {"en": "Regular"}},
        {"key": "gold", "name": {"en": "Gold"}, "enter": enter},
    ]
    return make_document(tiers=tiers, **parts)


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, gold_from(500))


@pytest.fixture
def members(runtime: Runtime, client: FlaskClient, shop: Shop) -> None:
    """Amy (1000, gold) and Ben (300)."""
    place_order(runtime, client, shop)
    billing = {**make_woo_order()["billing"], "first_name": "Ben", "email": "ben@example.test"}
    place_order(runtime, client, shop, id=26, total="300", customer_id=8, billing=billing)


def answer(caller: Caller, body: dict[str, Any]) -> Any:
    given = caller.post(PATH, body)
    assert given.status_code == 200, given.json
    return given.json


@pytest.mark.usefixtures("members")
def test_a_switch_is_shown_before_it_is_made(caller: Caller) -> None:
    document = gold_from(2000, tier_policy=RECALCULATE, rewards=[TEN_OFF])
    shown = answer(caller, {"document": document})
    assert (shown["question"], shown["people"], shown["currency"]) == ("switch", 2, "TWD")
    assert shown["before"] == {
        "members": 2, "tiers": [{"key": "regular", "members": 1}, {"key": "gold", "members": 1}],
        "points": {"given": 1300, "outstanding": 1300, "expired": 0, "debt": 0}, "spend": "1300", "payout": None,
    }  # fmt: skip
    assert shown["after"]["tiers"] == [{"key": "regular", "members": 2}, {"key": "gold", "members": 0}]
    assert shown["after"]["payout"]["liability"] == "130"
    assert shown["after"]["payout"]["able_now"] == {"members": 1, "of": 2, "share": "0.5000"}
    assert shown["moves"] == [{"from": "gold", "to": "regular", "members": 1}]
    amy = caller.get("/members", email="amy@example.test").json["data"][0]["id"]  # type: ignore[index]
    assert shown["movers"] == [{"member": amy, "from": "gold", "to": "regular"}]
    assert shown["losses"]["members"] == 0


@pytest.mark.usefixtures("members")
def test_what_was_shown_is_what_happens(caller: Caller) -> None:
    document = gold_from(300, tier_policy=RECALCULATE)
    shown = answer(caller, {"document": document})
    caller.post("/program/publish", {"document": document})
    tiers = [row["tier"]["key"] for row in caller.get("/members").json["data"]]  # type: ignore[index]
    assert shown["after"]["tiers"] == [
        {"key": "regular", "members": tiers.count("regular")},
        {"key": "gold", "members": tiers.count("gold")},
    ]
    assert tiers == ["gold", "gold"]


@pytest.mark.usefixtures("members")
def test_points_that_inactivity_would_kill_are_named(caller: Caller) -> None:
    """Bought in March 2026; a day of inactivity is over since long."""
    shown = answer(caller, {"document": make_document(expiry={"mode": "inactivity", "after": {"days": 1}})})
    losses = shown["losses"]
    assert (losses["members"], losses["dying"]) == (2, {"members": 2, "points": 1300})
    assert losses["earlier"] == {"members": 0, "points": 0, "first_at": None}
    assert {loser["dying"] for loser in losses["losers"]} == {1000, 300}


@pytest.mark.usefixtures("members")
def test_history_of_the_draft(caller: Caller) -> None:
    assert caller.put("/program/draft", make_document(earning={"points_per_unit": "2"})).status_code == 200
    shown = answer(caller, {"question": "history"})
    assert [shown[side]["points"]["given"] for side in ("before", "after")] == [1300, 2600]
    assert shown["losses"] is None


def fingerprints(runtime: Runtime, shop: Shop) -> list[Any]:
    """What identifies every row of the account's members and of all that belongs to them."""
    tables = ("members", "orders", "lots", "ledger_entries", "tier_periods", "program_versions", "pushes")
    with runtime.database.transaction(shop.account) as connection:
        return [
            connection.execute(
                text(f"select md5(string_agg(t::text, '' order by t::text)) from {name} t")
            ).scalar()
            for name in tables
        ]


@pytest.mark.usefixtures("members")
def test_nothing_is_changed(runtime: Runtime, shop: Shop, caller: Caller) -> None:
    before = fingerprints(runtime, shop)
    answer(caller, {"document": gold_from(1, tier_policy=RECALCULATE)})
    assert fingerprints(runtime, shop) == before


def test_without_a_draft_there_is_nothing_to_try(caller: Caller) -> None:
    assert caller.post(PATH, {}).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"document": make_document(earning={"unit": "0"}, extra=1)}, {"/earning/unit", "/extra"}),
        ({"question": "future"}, {"/question"}), ({"more": 1}, {"/more"}), ({"document": []}, {"/document"}),
    ],
)  # fmt: skip
def test_mistakes_are_named_by_path(caller: Caller, body: dict[str, Any], pointers: set[str]) -> None:
    refused = caller.post(PATH, body)
    assert refused.status_code == 422
    assert {error["pointer"] for error in refused.json["errors"]} == pointers  # type: ignore[index]


@pytest.mark.usefixtures("members")
def test_a_stranger_sees_nothing_of_it(stranger: Caller) -> None:
    for question in ("switch", "history"):
        shown = answer(stranger, {"document": gold_from(1), "question": question})
        assert (shown["people"], shown["before"]["members"], shown["after"]["members"]) == (0, 0, 0)
        assert (shown["after"]["points"]["given"], shown["movers"]) == (0, [])


def test_it_needs_a_key_that_may_write(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    assert client.post(f"/api/v1{PATH}", json={}).status_code == 401
    assert make_caller(runtime, client, shop, ("read", "adjust")).post(PATH, {}).status_code == 403
    writer = make_caller(runtime, client, shop, ("write",))
    assert writer.post(PATH, {"document": make_document()}).status_code == 200


def test_a_page_more_takes_the_same_statements_more(
    app: Flask, runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, monkeypatch: Any
) -> None:
    for number in range(1, 5):
        place_order(runtime, client, shop, id=number, customer_id=number)
    statements = []
    engine = app.extensions[TOOLS].database.engine
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    counts = []
    for page in (4, 2, 1):
        monkeypatch.setattr(simulation, "PAGE", page)
        statements.clear()
        assert answer(caller, {"document": make_document()})["people"] == 4
        counts.append(len(statements))
    assert (counts[1] - counts[0], counts[2] - counts[1]) == (6, 12)


# ---- the same on the command line -----------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "candidate.json"
    expiry = {"mode": "inactivity", "after": {"days": 1}}
    path.write_text(json.dumps(gold_from(2000, tier_policy=RECALCULATE, rewards=[TEN_OFF], expiry=expiry)))
    return str(path)


@pytest.mark.usefixtures("members")
def test_the_command_prints_a_table(app: Flask, shop: Shop, file: str) -> None:
    done = run(app, "program", "simulate", shop.store.key, file)
    assert done.exit_code == 0
    rows = [line.split() for line in done.stdout.splitlines()]
    for row in (
        ["members", "2", "2"], ["gold", "1", "0"], ["points", "outstanding", "1300", "0"],
        ["cheapest", "discount", "(TWD)", "-", "100", "for", "1000"], ["gold", "→", "regular:", "1"],
        ["1", "move", "to", "another", "tier"], ["1300", "points", "of", "2", "members", "die", "at", "once"],
    ):  # fmt: skip
        assert row in rows
    assert "example.test" not in done.stdout


@pytest.mark.usefixtures("members")
def test_the_command_tells_programs_the_same_as_the_api(
    app: Flask, shop: Shop, caller: Caller, file: str
) -> None:
    words = ("program", "simulate", shop.store.key, file, "--question", "history")
    told_ = told(app, *words)
    shown = answer(caller, {"document": json.loads(Path(file).read_text()), "question": "history"})
    assert {**told_, "at": None} == {**shown, "at": None}


def test_the_command_takes_the_draft_or_says_that_there_is_none(
    app: Flask, shop: Shop, caller: Caller
) -> None:
    done = run(app, "program", "simulate", shop.store.key)
    assert (done.exit_code, done.stderr.strip()) == (2, "There is no draft of the program.")
    caller.put("/program/draft", make_document())
    assert told(app, "program", "simulate", shop.store.key)["question"] == "switch"


def test_the_command_names_mistakes(app: Flask, shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(make_document(earning={"unit": "0"})))
    for name in ("simulate", "lint"):
        done = run(app, "program", name, shop.store.key, str(path))
        assert done.exit_code == 2
        assert "/earning/unit: Must be greater than 0." in done.stderr
