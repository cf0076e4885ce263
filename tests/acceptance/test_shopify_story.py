"""A shop of Shopify from its connection to its end, over real HTTP both ways."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from builders import LONG_AGO, Shop, make_document
from receiving import Desk
from werkzeug.serving import make_server

from connectors.shopify.sandbox import ShopifySandbox
from loyalty.clock import utc_now
from loyalty.programs.document import Context
from loyalty.programs.service import publish
from loyalty.stores.service import get_store
from webhook_app import create_app, webhooks
from webhook_app.connect_shopify import NewShopify, connect_shopify
from webhook_app.tools import TOOLS, Tools
from workers.forgetting import forget_shops
from workers.runtime import Runtime


@dataclass(frozen=True, slots=True)
class World:
    """A shop, the installation that it is connected to, and what is known of it."""

    sandbox: ShopifySandbox
    tools: Tools
    desk: Desk

    def hear(self) -> None:
        """Have everything delivered, read and counted."""
        self.sandbox.deliver()
        assert self.sandbox.state.queue == []
        self.desk.drain()
        self.desk.read_again()


@pytest.fixture
def sandbox() -> Iterator[ShopifySandbox]:
    with ShopifySandbox() as shop:
        yield shop


@pytest.fixture
def tools(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tools]:
    """An installation that answers at its public address."""
    monkeypatch.setattr(webhooks, "KEPT_SECONDS", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        runtime.settings = replace(runtime.settings, public_url=f"http://127.0.0.1:{port}")
        app = create_app(runtime.settings)
        server = make_server("127.0.0.1", port, app, threaded=True, fd=listening.fileno())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield app.extensions[TOOLS]
        server.shutdown()
        server.server_close()
        app.extensions[TOOLS].database.dispose()


@pytest.fixture
def world(runtime: Runtime, sandbox: ShopifySandbox, tools: Tools) -> World:
    sandbox.state.compliance_url = f"{runtime.settings.public_url}/webhooks/shopify"
    new = NewShopify(sandbox.shop, sandbox.client_id, sandbox.client_secret, url=sandbox.url, actor="test")
    store = connect_shopify(tools, new, utc_now()).store
    shop = Shop(store.account, store, "TWD", "Asia/Taipei", 0)
    with runtime.database.transaction(shop.account) as connection:
        publish(
            connection, shop.account, make_document(), Context("TWD", "Asia/Taipei", 0),
            effective_from=LONG_AGO, now=datetime.now(UTC),
        )  # fmt: skip
    return World(sandbox, tools, Desk(runtime, shop))


def known(world: World) -> Any:
    with world.desk.connect() as connection:
        return get_store(connection, world.desk.runtime.vault, world.desk.shop.store.id)


def test_a_shop_from_its_connection_to_its_end(world: World) -> None:
    sandbox, desk = world.sandbox, world.desk
    assert {row["uri"] for row in sandbox.state.subscriptions.values()} == {sandbox.state.compliance_url}
    amy = sandbox.add_customer("amy@example.test", firstName="Amy")
    mug = sandbox.add_product("Mug", 500)
    sandbox.place_order((mug["id"], 2), customer=amy["id"])
    world.hear()
    assert (desk.entries(), desk.differences()) == ([1000], [])
    sandbox.request_data(amy["id"])
    world.hear()
    (asked,) = desk.rows(
        "select r.customer_id, m.email from data_requests r join members m on m.id = r.member_id"
    )
    assert (asked["customer_id"], asked["email"]) == (str(amy["id"]), "amy@example.test")
    sandbox.redact_customer(amy["id"])
    world.hear()
    (member,) = desk.rows("select email, name, points_sum from members")
    assert (member["email"], member["name"], member["points_sum"]) == ("", "", 1000)
    assert [
        row["status"] for row in desk.rows("select distinct status from inbox_messages where body = ''")
    ] == ["processed"]
    sandbox.uninstall()
    world.hear()
    assert known(world).state == "disconnected"
    sandbox.redact_shop()
    world.hear()
    forget_shops(desk.runtime, desk.shop.account)
    assert (known(world).credentials, known(world).shop_domain) == ({}, None)
    assert (desk.entries(), desk.differences()) == ([1000], [])


def test_a_shop_that_comes_back_goes_on_where_it_was(world: World) -> None:
    sandbox, desk = world.sandbox, world.desk
    amy, mug = sandbox.add_customer("amy@example.test"), sandbox.add_product("Mug", 500)
    sandbox.place_order((mug["id"], 1), customer=amy["id"])
    world.hear()
    sandbox.uninstall()
    world.hear()
    sandbox.install()
    new = NewShopify(sandbox.shop, sandbox.client_id, sandbox.client_secret, url=sandbox.url, actor="test")
    again = connect_shopify(world.tools, new, utc_now())
    assert (again.store.id, again.store.number) == (desk.shop.store.id, desk.shop.store.number)
    sandbox.place_order((mug["id"], 1), customer=amy["id"])
    world.hear()
    assert (sorted(desk.entries()), len(desk.figures()), desk.differences()) == ([500, 500], 1, [])
    assert again.account == desk.rows("select key from accounts")[0]["key"]
