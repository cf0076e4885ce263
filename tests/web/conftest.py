"""The application on a test's own database, a shop with its API key, and a stranger of another account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from loyalty.accounts.service import SCOPES, make_api_key
from tests.builders import Shop, make_document, make_shop, make_woo_order, sign, woo_body
from webhook_app import create_app
from webhook_app.tools import TOOLS
from workers.draining import drain_account, refold_account
from workers.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with an API key."""

    client: FlaskClient
    key: str

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.client.get(f"/api/v1{path}", query_string=query, headers=self.headers())

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self.client.post(f"/api/v1{path}", json=body, headers=self.headers(**headers))

    def put(self, path: str, body: Any) -> TestResponse:
        return self.client.put(f"/api/v1{path}", json=body, headers=self.headers())

    def headers(self, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", **{k.replace("_", "-"): v for k, v in more.items()}}


@pytest.fixture
def app(runtime: Runtime) -> Iterator[Flask]:
    made = create_app(runtime.settings)
    yield made
    made.extensions[TOOLS].database.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document())


@pytest.fixture
def caller(runtime: Runtime, client: FlaskClient, shop: Shop) -> Caller:
    return make_caller(runtime, client, shop)


@pytest.fixture
def stranger(runtime: Runtime, client: FlaskClient) -> Caller:
    return make_caller(runtime, client, make_shop(runtime, make_document()))


def make_caller(
    runtime: Runtime, client: FlaskClient, shop: Shop, scopes: tuple[str, ...] = SCOPES
) -> Caller:
    with runtime.database.transaction(shop.account) as connection:
        return Caller(client, make_api_key(connection, shop.account, "test", scopes))


def deliver(client: FlaskClient, shop: Shop, body: bytes, **headers: str) -> TestResponse:
    """Send a signed delivery as a WooCommerce shop does."""
    named = {
        "X-WC-Webhook-Topic": "order.updated",
        "X-WC-Webhook-Delivery-ID": "abc",
        "X-WC-Webhook-Signature": sign(body),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return client.post(
        f"/webhooks/woocommerce/{shop.store.webhook_token}",
        data=body,
        headers=named,
        content_type="application/json",
    )


def place_order(runtime: Runtime, client: FlaskClient, shop: Shop, **order: Any) -> None:
    """Deliver an order and let a worker take it."""
    assert deliver(client, shop, woo_body(make_woo_order(**order))).status_code == 200
    drain(runtime, shop)


def drain(runtime: Runtime, shop: Shop) -> None:
    refold_account(runtime, shop.account)
    drain_account(runtime, shop.account)
