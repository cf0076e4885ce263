"""Addresses that a merchant types: the shop's, a webhook action's, content's; none leads into our own network."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from flask import Flask

from connectors import http
from connectors.addresses import resolve
from connectors.base import StoreAccess
from connectors.webhooks import post_webhook
from connectors.woocommerce import WooCommerceConnector
from loyalty.errors import Invalid
from loyalty.pushes import PostWebhook, PushError
from loyalty.values import StoreId, new_id
from tests.builders import make_document
from tests.web.conftest import Caller
from webhook_app.connect import NewShop, connect_shop
from webhook_app.tools import TOOLS

INSIDE = [
    "127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "10.0.0.1",
    "169.254.169.254", "[fd00:ec2::254]", "2130706433", "0x7f.1", "127.1", "100.64.0.1",
]  # fmt: skip
"""Also as numbers that the system's resolver takes for addresses."""


class Inner(HTTPServer):
    """A server of our own network; counts who reached it."""

    reached = 0
    redirect = ""


@pytest.fixture
def inner() -> Iterator[Inner]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            server.reached += 1
            self.send_response(302 if server.redirect else 200)
            if server.redirect:
                self.send_header("Location", server.redirect)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = Inner(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def post(url: str) -> str:
    """Post an event; return why it failed."""
    done = post_webhook(PostWebhook(url, "1", {"member": "x"}), b"key")
    return done.reason if isinstance(done, PushError) else ""


@pytest.mark.parametrize("host", INSIDE)
def test_a_webhook_action_reaches_nothing_inside(inner: Inner, host: str) -> None:
    assert post(f"http://{host}:{inner.server_port}/hook") in ("configuration", "unreachable")
    assert inner.reached == 0


@pytest.mark.parametrize("host", INSIDE)
def test_a_shop_is_not_looked_for_inside(inner: Inner, host: str) -> None:
    keys = {"consumer_key": "ck", "consumer_secret": "cs"}
    access = StoreAccess(StoreId(new_id()), f"http://{host}:{inner.server_port}", keys, "UTC")
    with pytest.raises(PushError):
        WooCommerceConnector(per_second=1000).read_settings(access)
    assert inner.reached == 0


def test_a_name_that_changes_its_address_is_called_where_it_was_checked(
    inner: Inner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second answer of a rebinding name is never asked for, so the inner server hears nothing."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["192.0.2.1"] if len(asked) == 1 else ["127.0.0.1"]

    door = http.Door(f"http://rebind.example:{inner.server_port}", resolve=rebinding, timeout=(0.2, 0.2))
    with pytest.raises(PushError):
        door.send("POST", "/hook", {})
    assert (asked, inner.reached) == (["rebind.example"], 0)


def test_a_redirect_is_not_followed(inner: Inner) -> None:
    inner.redirect = f"http://127.0.0.1:{inner.server_port}/secret"
    url = f"http://127.0.0.1:{inner.server_port}/hook"
    done = post_webhook(PostWebhook(url, "1", {}), b"key", allow_private=True)
    assert isinstance(done, PushError)
    assert (done.reason, inner.reached) == ("configuration", 1)


def test_the_systems_resolver_is_what_is_checked() -> None:
    assert resolve("2130706433", 80) == ["127.0.0.1"], "numbers are addresses to it, so they must be judged"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://shop.example",
        "file:///etc/passwd",
        "https://me:pw@shop.example",
        "//x",
        "x",
        "https://[",
        "https://x:y",
    ],
)
def test_the_address_of_a_shop_is_one_of_the_web(app: Flask, url: str) -> None:
    keys = {"consumer_key": "ck", "consumer_secret": "cs"}
    shop = NewShop("woocommerce", url, keys, "x", "", register=False, actor="test")
    with pytest.raises(Invalid):
        connect_shop(app.extensions[TOOLS], shop)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "ftp://x.example/f", "//x", "/x", "http://"]
)
def test_content_leads_to_the_web_only(caller: Caller, url: str) -> None:
    film = {"key": "film", "kind": "content", "points": 0, "url": url}
    answer = caller.post("/program/publish", {"document": make_document(rewards=[film])})
    assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (422, "/rewards/0/url")


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.example/x",
        "ftp://x.example",
        "javascript:x",
        "https://",
        "https://[",
        "https://a:b@c.example",
        "https://x.example:99999",
    ],
)
def test_a_webhook_action_is_told_over_https(caller: Caller, url: str) -> None:
    told = {"key": "told", "trigger": "order_paid", "actions": [{"kind": "webhook", "url": url}]}
    answer = caller.post("/program/publish", {"document": make_document(automations=[told])})
    assert answer.status_code == 422, answer.get_json()
