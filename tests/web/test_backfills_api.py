"""Backfills by API and command line: asked, followed, previewed, refused; nobody else's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.accounts.service import make_api_key
from loyalty.clock import utc_now
from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller
from workers.backfilling import run_backfill
from workers.runtime import Runtime


@pytest.fixture
def sandbox() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        mug = shop.add_product("Mug", 1000)["id"]
        for days in (40, 20):
            shop.now = lambda age=days: utc_now() - timedelta(days=age)  # type: ignore[misc]
            shop.place_order((mug, 1), email="amy@example.test")
        shop.now = utc_now
        yield shop


@pytest.fixture
def shop(runtime: Runtime, sandbox: SandboxShop) -> Shop:
    keys = {"consumer_key": sandbox.consumer_key, "consumer_secret": sandbox.consumer_secret}
    return make_shop(runtime, make_document(), url=sandbox.url, credentials=keys, effective_from=utc_now())


def ask(caller: Caller, shop: Shop, **wish: Any) -> Any:
    answer = caller.post(f"/stores/{shop.store.key}/backfills", wish)
    assert answer.status_code == 202, answer.text
    return answer.get_json()


def points(caller: Caller) -> list[int]:
    return [row["balance"]["available"] for row in caller.get("/members").get_json()["data"]]


def test_backfill_is_asked_followed_and_done(runtime: Runtime, shop: Shop, caller: Caller) -> None:
    asked = ask(caller, shop)
    assert {name: asked[name] for name in ("store", "state", "percent", "from", "tiers_only", "preview")} == {
        "store": shop.store.key, "state": "running", "percent": 0, "from": None, "tiers_only": False,
        "preview": False,
    }  # fmt: skip
    run_backfill(runtime, shop.account, shop.store.id)
    done = caller.get(f"/backfills/{asked['id']}").get_json()
    assert (done["state"], done["percent"], done["seen"], done["total"]) == ("done", 100, 2, 2)
    assert points(caller) == [2000]
    assert [row["id"] for row in caller.get("/backfills").get_json()["data"]] == [asked["id"]]


def test_preview_by_api_awards_nothing(runtime: Runtime, shop: Shop, caller: Caller) -> None:
    since = (utc_now() - timedelta(days=30)).isoformat()
    asked = ask(caller, shop, preview=True, **{"from": since})
    run_backfill(runtime, shop.account, shop.store.id)
    figures = caller.get(f"/backfills/{asked['id']}").get_json()["figures"]
    assert (figures["orders"], figures["points"], points(caller)) == (1, 1000, [])


@pytest.mark.parametrize(
    ("wish", "status"),
    [({"from": "2026-01-01"}, 422), ({"tiers": True}, 422), ({"from": "2100-01-01T00:00:00Z"}, 422)],
)
def test_wish_that_makes_no_sense_is_refused(shop: Shop, caller: Caller, wish: Any, status: int) -> None:
    assert caller.post(f"/stores/{shop.store.key}/backfills", wish).status_code == status


def test_another_wish_while_one_runs_is_a_conflict(shop: Shop, caller: Caller) -> None:
    asked = ask(caller, shop)
    assert ask(caller, shop)["id"] == asked["id"]
    other = caller.post(f"/stores/{shop.store.key}/backfills", {"tiers_only": True})
    assert (other.status_code, other.content_type) == (409, "application/problem+json")


def test_stranger_neither_asks_nor_sees(shop: Shop, caller: Caller, stranger: Caller) -> None:
    asked = ask(caller, shop)
    assert stranger.post(f"/stores/{shop.store.key}/backfills", {}).status_code == 404
    assert stranger.get(f"/backfills/{asked['id']}").status_code == 404
    assert stranger.get("/backfills").get_json()["data"] == []


def test_asking_needs_the_scope_of_adjustments(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    with runtime.database.transaction(shop.account) as connection:
        writer = Caller(client, make_api_key(connection, shop.account, "test", ("read", "write")))
    assert writer.post(f"/stores/{shop.store.key}/backfills", {}).status_code == 403


def run(app: Flask, *words: str) -> Any:
    return app.test_cli_runner().invoke(args=["backfill", *words])


def test_command_previews_reads_and_may_be_repeated(app: Flask, shop: Shop, caller: Caller) -> None:
    shown = json.loads(run(app, shop.store.key, "--preview", "--json").stdout.splitlines()[-1])
    assert (shown["figures"]["points"], points(caller)) == (2000, [])
    for _ in range(2):
        done = json.loads(run(app, shop.store.key, "--json").stdout.splitlines()[-1])
        assert (done["state"], done["percent"], points(caller)) == ("done", 100, [2000])
    assert "2 customers and orders were read" in run(app, shop.store.key).stdout


def test_command_for_tiers_only(app: Flask, shop: Shop, caller: Caller) -> None:
    assert run(app, shop.store.key, "--tiers-only").exit_code == 0
    (member,) = caller.get("/members").get_json()["data"]
    assert (member["balance"]["available"], member["metrics"]["spend"]) == (0, "2000")
    refused = run(app, shop.store.key)
    assert (refused.exit_code, "tiers only" in refused.output) == (2, True)


def test_command_tells_of_a_shop_that_does_not_answer(app: Flask, shop: Shop, sandbox: SandboxShop) -> None:
    sandbox.fail_next(status=503)
    failed = run(app, shop.store.key)
    assert failed.exit_code == 2
    assert "The backfill is not over (0 percent): unreachable: The shop failed (503)." in failed.output
    assert run(app, shop.store.key).exit_code == 0


def test_job_reconcile_by_command_takes_what_was_missed(
    app: Flask, shop: Shop, sandbox: SandboxShop, caller: Caller
) -> None:
    sandbox.now = lambda: utc_now() + timedelta(seconds=1)
    order = sandbox.place_order((sandbox.add_product("Tea", 300)["id"], 1), email="amy@example.test")["id"]
    words = ["jobs", "run", "reconcile", "--store", shop.store.key, "--json"]
    told = [json.loads(app.test_cli_runner().invoke(args=words).stdout)["count"] for _ in range(2)]
    assert told == [1, 0]
    sandbox.delete(order)
    assert json.loads(app.test_cli_runner().invoke(args=words).stdout)["count"] == 1
    assert points(caller) == [0]
