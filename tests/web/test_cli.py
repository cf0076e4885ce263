"""The command line: connecting a shop, publishing, jobs, proof; JSON for programs, one line for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.config import load_settings
from tests.builders import Shop, make_document, make_shop, make_woo_order, woo_body
from tests.web.conftest import deliver, place_order
from webhook_app import create_app
from webhook_app.connect import check_public_url
from webhook_app.errors import Invalid
from webhook_app.tools import TOOLS
from workers.runtime import Runtime


@pytest.fixture
def woo_shop() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


def run(app: Flask, *words: str, input: str | None = None) -> Result:
    return app.test_cli_runner().invoke(args=list(words), input=input)


def told(app: Flask, *words: str, input: str | None = None) -> Any:
    done = run(app, *words, "--json", input=input)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def connect(app: Flask, shop: SandboxShop, *more: str) -> Any:
    return told(
        app, "store", "connect", "woocommerce", "--url", shop.url, "--consumer-key", shop.consumer_key,
        "--consumer-secret", "-", *more, input=f"{shop.consumer_secret}\n",
    )  # fmt: skip


@pytest.fixture
def document(tmp_path: Path) -> str:
    path = tmp_path / "program.json"
    path.write_text(json.dumps(make_document()))
    return str(path)


def test_a_shop_is_connected_and_its_deliveries_arrive(
    app: Flask, client: FlaskClient, woo_shop: SandboxShop
) -> None:
    made = connect(app, woo_shop, "--name", "Tea House")
    assert made["store"].startswith("tea-house-")
    token = made["webhook_url"].rpartition("/")[2]
    hooks = woo_shop.call("GET", "webhooks")
    assert {hook["delivery_url"] for hook in hooks} == {made["webhook_url"]}  # type: ignore[index]
    headers = {"Authorization": f"Bearer {made['api_key']}"}
    assert client.get("/api/v1/members", headers=headers).status_code == 200
    assert client.post(f"/webhooks/woocommerce/{token}", data=b"webhook_id=1").status_code == 200
    assert [row["key"] for row in told(app, "store", "list")] == [made["store"]]


def test_no_register_leaves_the_shops_webhooks_alone(app: Flask, woo_shop: SandboxShop) -> None:
    connect(app, woo_shop, "--no-register")
    assert woo_shop.call("GET", "webhooks") == []


def test_a_second_shop_joins_an_account(app: Flask, woo_shop: SandboxShop) -> None:
    first = connect(app, woo_shop)
    with SandboxShop() as other:
        second = connect(app, other, "--account", first["account"])
    assert second["account"] == first["account"]
    assert second["store"] != first["store"]


def test_the_same_shop_does_not_join_twice(app: Flask, woo_shop: SandboxShop) -> None:
    first = connect(app, woo_shop)
    words = ("--url", woo_shop.url, "--consumer-key", "ck_sandbox", "--consumer-secret", "cs_sandbox")
    done = run(app, "store", "connect", "woocommerce", *words, "--account", first["account"])
    assert done.exit_code == 2
    assert "is connected to this account already" in done.stderr


def test_a_shop_of_another_currency_does_not_join(app: Flask, woo_shop: SandboxShop) -> None:
    first = connect(app, woo_shop)
    with SandboxShop("USD", 2) as other:
        words = ("--url", other.url, "--consumer-key", "ck_sandbox", "--consumer-secret", "cs_sandbox")
        done = run(app, "store", "connect", "woocommerce", *words, "--account", first["account"])
    assert (done.exit_code, len(done.stderr.strip().splitlines())) == (2, 1)


def test_wrong_keys_are_one_line_and_no_account(app: Flask, woo_shop: SandboxShop) -> None:
    words = ("--url", woo_shop.url, "--consumer-key", "ck", "--consumer-secret", "wrong")
    done = run(app, "store", "connect", "woocommerce", *words)
    assert done.exit_code == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert told(app, "store", "list") == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:8080", "not public"),
        ("http://10.0.0.5", "not public"),
        ("https://8.8.8.8:8443", "port is 8443"),
        ("https://user:secret@8.8.8.8", "names a user"),
    ],
)
def test_an_address_that_no_shop_can_reach_is_refused(url: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        check_public_url(url)


@pytest.mark.parametrize(
    "url", ["https://8.8.8.8", "http://8.8.8.8", "http://8.8.8.8:8080", "https://8.8.8.8:443"]
)
def test_a_public_address_is_taken(url: str) -> None:
    check_public_url(url)


def test_a_private_public_url_needs_no_register_or_the_switch(
    runtime: Runtime, woo_shop: SandboxShop
) -> None:
    app = create_app(replace(runtime.settings, allow_private_shops=False))
    words = ("--url", woo_shop.url, "--consumer-key", "ck", "--consumer-secret", "cs")
    done = run(app, "store", "connect", "woocommerce", *words)
    assert done.exit_code == 2
    assert "cannot deliver to PUBLIC_URL" in done.stderr
    app.extensions[TOOLS].database.dispose()


def test_a_program_is_published_shown_and_checked(app: Flask, runtime: Runtime, document: str) -> None:
    key = make_shop(runtime).store.key
    assert run(app, "program", "show", key).exit_code == 2
    assert told(
        app, "program", "publish", key, document, "--effective-from", "2020-01-01T00:00:00+08:00"
    ) == {
        "version": 1,
        "warnings": [],
        "advice": [],
    }
    assert told(app, "program", "show", key)["document"] == make_document()
    assert told(app, "program", "lint", key, document) == {"warnings": [], "advice": []}


def test_mistakes_of_a_document_are_named(app: Flask, shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(make_document(earning={"unit": "0"})))
    done = run(app, "program", "publish", shop.store.key, str(path))
    assert done.exit_code == 2
    assert "/earning/unit: Must be greater than 0." in done.stderr
    assert run(app, "program", "publish", shop.store.key, "nowhere.json").exit_code == 2


def test_a_time_without_offset_is_refused(app: Flask, shop: Shop, document: str) -> None:
    words = ("program", "publish", shop.store.key, document, "--effective-from", "2026-01-01T00:00:00")
    assert run(app, *words).exit_code == 2


def test_jobs_take_what_waits(app: Flask, client: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    deliver(client, shop, woo_body(make_woo_order()))
    assert told(app, "jobs", "run", "drain-inbox", "--store", shop.store.key)["count"] == 1
    shown = told(app, "member", "show", shop.store.key, "AMY@example.test")
    assert shown["balance"]["available"] == 1000
    proof = told(app, "ledger", "verify", shop.store.key, "--rebuild")
    assert proof == {"members": 1, "entries": 1, "differences": 0}


def test_as_of_is_the_jobs_now(app: Flask, client: FlaskClient, runtime: Runtime) -> None:
    expiry = {"mode": "lot", "after": {"days": 30}}
    shop = make_shop(runtime, make_document(expiry=expiry))
    deliver(client, shop, woo_body(make_woo_order()))
    told(app, "jobs", "run", "drain-inbox", "--as-of", "2026-03-20T00:00:00+08:00")
    with runtime.database.transaction(shop.account) as connection:
        settled = connection.execute(text("select settled_at from members")).scalar_one()
    assert settled.isoformat() == "2026-03-19T16:00:00+00:00"


def test_sweep_does_everything_that_waits(app: Flask, client: FlaskClient, shop: Shop) -> None:
    deliver(client, shop, woo_body(make_woo_order()))
    assert told(app, "jobs", "run", "sweep")["count"] == 1
    assert told(app, "jobs", "run", "sweep")["count"] == 0


def test_a_difference_in_the_ledger_is_told_and_exits_with_1(
    app: Flask, client: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    place_order(runtime, client, shop)
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(text("update lots set remaining = remaining - 1"))
    done = run(app, "ledger", "verify", shop.store.key, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["differences"] == 2
    assert "lots and holds less debt: stored 999, expected 1000" in done.stderr


def test_roots_are_printed_and_a_lost_one_is_found(
    app: Flask, client: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    place_order(runtime, client, shop)
    assert told(app, "jobs", "run", "seal-ledger", "--store", shop.store.key)["count"] == 1
    root = told(app, "ledger", "roots", shop.store.key)[0]["sha256"]
    assert run(app, "ledger", "verify", shop.store.key, "--root", root).exit_code == 0
    done = run(app, "ledger", "verify", shop.store.key, "--root", "ab" * 32)
    assert (done.exit_code, done.stderr) == (1, f"root {'ab' * 32}: no seal has it\n")
    assert run(app, "ledger", "verify", shop.store.key, "--root", "xy").exit_code == 2


def test_failed_messages_are_listed_and_replayed(
    app: Flask, client: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    deliver(client, shop, b"{")
    told(app, "jobs", "run", "drain-inbox")
    listed = told(app, "inbox", "list", shop.store.key, "--status", "failed")
    assert [row["status"] for row in listed] == ["failed"]
    assert told(app, "inbox", "replay", shop.store.key, str(listed[0]["id"])) == {"replayed": 1}
    assert told(app, "outbox", "list", shop.store.key) == []


def test_an_api_key_is_made_and_revoked(app: Flask, client: FlaskClient, shop: Shop) -> None:
    made = told(app, "api-key", "make", shop.store.key)
    headers = {"Authorization": f"Bearer {made['api_key']}"}
    assert client.get("/api/v1/members", headers=headers).status_code == 200
    assert client.get("/api/v1/program/draft", headers=headers).status_code == 404
    told(app, "api-key", "revoke", shop.store.key, made["id"])
    assert client.get("/api/v1/members", headers=headers).status_code == 401


def test_a_disconnected_store_is_listed_so(app: Flask, shop: Shop) -> None:
    told(app, "store", "disconnect", shop.store.key)
    assert [row["state"] for row in told(app, "store", "list")] == ["disconnected"]


@pytest.mark.parametrize(
    "words",
    [
        ("program", "show", "nobody"),
        ("ledger", "verify", "nobody"),
        ("store", "disconnect", "nobody"),
        ("member", "show", "nobody", "a@b.test"),
        ("jobs", "run", "sweep", "--store", "nobody"),
    ],
)
def test_an_unknown_key_is_one_line(app: Flask, words: tuple[str, ...]) -> None:
    done = run(app, *words)
    assert done.exit_code == 2
    assert done.stderr.strip() == "There is no store or account of the key nobody."


def test_without_servers_a_command_starts_its_own(tmp_path: Path) -> None:
    settings = load_settings({"LAUREL_DATA": str(tmp_path), "LOG_LEVEL": "error"})
    app = create_app(settings)
    assert told(app, "store", "list") == []
    assert not (tmp_path / "servers.json").exists()
