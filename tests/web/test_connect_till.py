"""Tills on the command line: connected into an account or with a new one, listed, looked after and disconnected."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.stores.service import get_store, list_places
from tests.builders import Shop, make_document, make_sale, make_shop
from tests.web.conftest import Caller
from tests.web.test_cli import connect as connect_woo
from tests.web.test_cli import run, told
from webhook_app import create_app
from webhook_app.tools import TOOLS
from workers.runtime import Runtime

ALONE = ("--currency", "TWD", "--time-zone", "Asia/Taipei", "--decimals", "0")


def connect(app: Flask, *words: str, name: str = "Counter 櫃台") -> Any:
    return told(app, "store", "connect", "till", "--name", name, *words)


def test_a_till_joins_the_account_of_a_shop_and_tells_its_orders(
    app: Flask, client: FlaskClient, shop: Shop
) -> None:
    made = connect(app, "--account", shop.store.key)
    assert made.keys() == {"account", "store", "api_key"}
    assert made["account"] == shop.store.key
    till = Caller(client, made["api_key"])
    assert till.post("/orders", make_sale()).status_code == 202
    told(app, "jobs", "run", "drain-inbox", "--store", made["store"])
    assert [row["points"] for row in till.get("/orders", store=made["store"]).json["data"]] == [0]  # type: ignore[index]
    member = till.post("/members", {"email": "amy@example.test"}).json["id"]  # type: ignore[index]
    assert till.post(f"/members/{member}/adjustments", {"points": 5, "reason": "x"}).status_code == 403


def test_a_till_opens_an_account_of_its_own(app: Flask, runtime: Runtime) -> None:
    made = connect(app, *ALONE)
    assert made["store"].startswith("counter-")
    assert [(row["key"], row["platform"], row["state"]) for row in told(app, "store", "list")] == [
        (made["store"], "till", "connected")
    ]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--currency", "twd", *ALONE[2:]),
        (*ALONE[:2], "--time-zone", "Taipei", *ALONE[4:]),
        ALONE[:4],
        ("--account", "nobodys"),
    ],
)
def test_a_new_account_must_know_what_it_counts_in(app: Flask, words: tuple[str, ...]) -> None:
    done = run(app, "store", "connect", "till", "--name", "Counter", *words)
    assert (done.exit_code, len(done.stderr.strip().splitlines())) == (2, 1)
    assert told(app, "store", "list") == []


def test_an_account_counts_in_one_currency(app: Flask, shop: Shop) -> None:
    words = ("--name", "Counter", "--account", shop.store.key, *ALONE)
    done = run(app, "store", "connect", "till", *words)
    assert (done.exit_code, len(done.stderr.strip().splitlines())) == (2, 1)


def test_a_till_that_is_connected_is_not_connected_twice(app: Flask, shop: Shop) -> None:
    connect(app, "--account", shop.store.key)
    done = run(app, "store", "connect", "till", "--name", " counter 櫃台 ", "--account", shop.store.key)
    assert done.exit_code == 2
    assert "is connected to this account already" in done.stderr


def test_a_till_comes_back_with_its_number(app: Flask, runtime: Runtime, shop: Shop) -> None:
    made = connect(app, "--account", shop.store.key)
    connect(app, "--account", shop.store.key, name="Market")
    told(app, "store", "disconnect", made["store"])
    again = connect(app, "--account", shop.store.key)
    assert again["store"] == made["store"]
    with runtime.database.transaction(shop.account) as connection:
        places = [(place.number, place.is_till, place.is_connected) for place in list_places(connection)]
    assert places == [(1, False, True), (2, True, True), (3, True, True)]


def test_a_private_public_url_does_not_matter_to_a_till(runtime: Runtime) -> None:
    app = create_app(replace(runtime.settings, allow_private_shops=False))
    connect(app, *ALONE)
    app.extensions[TOOLS].database.dispose()


@pytest.mark.parametrize(
    "job", ["check-webhooks", "fetch", "deliver-pushes", "sweep", "verify-ledger", "send-reminders"]
)
def test_no_job_minds_a_till(app: Flask, runtime: Runtime, job: str) -> None:
    made = connect(app, *ALONE)
    done = run(app, "jobs", "run", job, "--store", made["store"], "--json")
    assert (done.exit_code, done.stderr) == (0, "")


def test_the_hourly_check_keeps_what_a_till_counts_in(app: Flask, runtime: Runtime, shop: Shop) -> None:
    made = connect(app, "--account", make_shop(runtime, currency="TWD", decimals=2).store.key)
    told(app, "jobs", "run", "check-webhooks", "--store", made["store"])
    with runtime.database.transaction(None) as connection:
        row = next(
            row
            for row in connection.execute(text("select * from laurel_stores()")).mappings()
            if row["key"] == made["store"]
        )
    with runtime.database.transaction(row["account_id"]) as connection:
        till = get_store(connection, runtime.vault, row["store_id"])
        decimals = connection.execute(
            text("select decimals from stores where platform = 'till'")
        ).scalar_one()
    assert (till.time_zone, decimals, till.credentials["currency"]) == ("Asia/Taipei", 2, "TWD")


def test_an_account_of_tills_only_has_no_links_and_no_codes(
    app: Flask, client: FlaskClient, tmp_path: Path
) -> None:
    made = connect(app, *ALONE)
    path = tmp_path / "program.json"
    path.write_text(json.dumps(make_document(referral={"referrer": [{"kind": "points", "points": 1}]})))
    told(app, "program", "publish", made["store"], str(path))
    till = Caller(client, made["api_key"])
    member = till.post("/members", {"email": "amy@example.test"}).json["id"]  # type: ignore[index]
    code = till.post(f"/members/{member}/referral-code").json
    assert code is not None
    assert (len(code["code"]), code["link"]) == (8, None)
    path_of_code = f"/members/{member}/benefits/code"
    assert till.post(path_of_code, {}).status_code == 409
    answer = till.post(path_of_code, {"store": made["store"]})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/store")  # type: ignore[index]


def test_codes_and_links_lead_to_the_shop_where_a_till_came_first(
    app: Flask, client: FlaskClient, tmp_path: Path
) -> None:
    made = connect(app, *ALONE)
    path = tmp_path / "program.json"
    tiers = [{"key": "regular", "name": {"en": "Regular"}, "benefits": {"discount_percent": "5"}}]
    referral = {"referrer": [{"kind": "points", "points": 1}]}
    path.write_text(json.dumps(make_document(tiers=tiers, referral=referral)))
    told(app, "program", "publish", made["store"], str(path))
    with SandboxShop() as woo:
        shop = connect_woo(app, woo, "--account", made["account"])
        api = Caller(client, shop["api_key"])
        member = api.post("/members", {"email": "amy@example.test"}).json["id"]  # type: ignore[index]
        link = api.post(f"/members/{member}/referral-code").json["link"]  # type: ignore[index]
        assert link.startswith(f"{woo.url}/?laurel_ref=")
        assert api.post(f"/members/{member}/benefits/code", {}).status_code == 200
        told(app, "jobs", "run", "deliver-pushes", "--store", made["account"])
        assert len(woo.call("GET", "coupons")) == 1
