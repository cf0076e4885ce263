"""Every answer of every route: security headers, no cookie and so nothing to forge across sites, limits of size."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.builders import Shop
from tests.guards.guards_sources import of_package
from tests.web.conftest import Caller, deliver
from webhook_app import LARGEST_BODY, create_app
from webhook_app.security import HEADERS
from webhook_app.tools import TOOLS
from workers.runtime import Runtime

NAMES = {"uuid": "01a20374-87ac-7222-8f3f-3b78f03ca2b4", "int": "1", "string": "x", "": "x"}
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
COOKIES = {"set_cookie", "session", "secret_key", "delete_cookie"}


def answers(app: Flask, caller: Caller) -> Iterator[tuple[str, Any]]:
    """What every route answers to every method, with and without a key; and what no route answers."""
    paths = {
        re.sub(r"<(?:(\w+):)?\w+>", lambda it: NAMES[it[1] or ""], rule.rule)
        for rule in app.url_map.iter_rules()
    }
    client = app.test_client()
    for path in (*sorted(paths), "/", "/nothing", "/api/v1/nothing"):
        for method in METHODS:
            for headers in ({}, caller.headers()):
                yield f"{method} {path}", client.open(path, method=method, headers=headers)


def test_every_answer_has_the_headers_and_no_cookie(app: Flask, caller: Caller) -> None:
    seen = set()
    for what, answer in answers(app, caller):
        seen.add(answer.status_code)
        lacking = [name for name in HEADERS if name not in answer.headers]
        assert lacking == [], (what, answer.status_code)
        assert "Set-Cookie" not in answer.headers, what
        assert answer.headers["X-Content-Type-Options"] == "nosniff", what
        assert "Access-Control-Allow-Origin" not in answer.headers, what
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'"), what
        assert "unsafe" not in policy, what
        assert answer.status_code < 500, what
    assert {200, 401, 403, 404, 405, 422} <= seen


def test_nothing_in_the_web_uses_a_cookie_so_no_form_can_be_forged() -> None:
    """Whoever adds a cookie must add protection against cross-site requests, and change this test.

    The one of the pages that install the app is itself such a protection: it ties Shopify's answer to the browser that
    asked (tests/web/test_install_shopify.py).
    """
    used = [
        f"{path}:{node.lineno} {name}"
        for path, tree in of_package("webhook_app")
        for node in ast.walk(tree)
        for name in [
            node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        ]
        if name in COOKIES and path not in ("webhook_app/cli.py", "webhook_app/shopify_pages.py")
    ]
    assert used == []


def test_answers_of_a_failure_have_the_headers_too(
    app: Flask, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("webhook_app.api.parts.tools", fail)
    answer = caller.get("/members")
    assert (answer.status_code, {name for name in HEADERS if name not in answer.headers}) == (500, set())


def test_https_is_required_where_the_address_is(runtime: Runtime) -> None:
    app = create_app(replace(runtime.settings, public_url="https://laurel.example"))
    assert app.test_client().get("/healthz").headers["Strict-Transport-Security"] == "max-age=31536000"
    app.extensions[TOOLS].database.dispose()


def test_a_refused_delivery_has_the_headers_and_a_receipt_is_empty(client: FlaskClient, shop: Shop) -> None:
    refused = deliver(client, shop, b"{}", X_WC_Webhook_Signature="x")
    assert {name for name in HEADERS if name not in refused.headers} == set()
    assert deliver(client, shop, b"{}").data == b""


@pytest.mark.parametrize(
    "path", ["/api/v1/orders", "/api/v1/program/lint", "/webhooks/woocommerce/" + "0" * 32]
)
def test_a_body_that_is_too_large_is_413(app: Flask, caller: Caller, shop: Shop, path: str) -> None:
    path = path.replace("0" * 32, shop.store.webhook_token)
    answer = caller.client.post(
        path, data=b" " * (LARGEST_BODY + 1), headers=caller.headers(), content_type="application/json"
    )
    assert answer.status_code == 413


RUBBISH = {
    "deep": b"[" * 200_000,
    "as deep as json reads": b'{"a":' * 940 + b"1" + b"}" * 940,
    "lists as deep": b"[" * 940 + b"]" * 940,
    "digits": b'{"points": ' + b"9" * 5000 + b"}",
    "bytes": b'{"email": "\xff"}',
    "half": b'{"email": "\\ud83d"}',
    "half of a name": b'{"\\udc00": 1}',
    "half in a list": b'["\\uD83D"]',
    "half alone": b'"\\ud83d"',
}


@pytest.mark.parametrize("body", RUBBISH.values(), ids=RUBBISH.keys())
def test_a_body_that_nothing_can_hold_is_a_mistake_of_the_caller(
    app: Flask, caller: Caller, body: bytes
) -> None:
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:(\w+):)?\w+>", lambda it: NAMES[it[1] or ""], rule.rule)
        for method in {"POST", "PUT", "PATCH"} & (rule.methods or set()):
            headers = caller.headers(Content_Type="application/json")
            answer = client.open(path, method=method, headers=headers, data=body)
            assert 200 <= answer.status_code < 500, (method, path, answer.status_code)


def test_half_a_character_is_named_by_its_field(caller: Caller) -> None:
    """JavaScript sends it for an emoji that it cut in two."""
    answer = caller.client.post(
        "/api/v1/members",
        data=b'{"email": "a@x.com", "tags": ["fine \\ud83d\\ude00", "cut \\ud83d"]}',
        headers=caller.headers(Content_Type="application/json"),
    )
    assert (answer.status_code, answer.get_json()["errors"]) == (
        422, [{"pointer": "/tags/1", "detail": "Has characters that are no text."}],
    )  # fmt: skip
    whole = caller.post("/members", {"email": "a@x.com", "first_name": "\U0001f600"})
    assert whole.status_code in (201, 422)
    assert "no text" not in whole.text


@pytest.mark.parametrize("name", ["deep", "digits", "bytes"])
def test_a_body_that_is_no_json_is_answered_as_such(caller: Caller, name: str) -> None:
    headers = caller.headers(Content_Type="application/json")
    answer = caller.client.post("/api/v1/members", data=RUBBISH[name], headers=headers)
    assert (answer.status_code, answer.get_json()["errors"]) == (
        400, [{"pointer": "/", "detail": "Invalid JSON body."}],
    )  # fmt: skip
