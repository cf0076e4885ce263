"""Stores of Shopify for tests, and deliveries as Shopify signs them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connectors.shopify.sandbox import ShopifySandbox
from loyalty.commerce import ShopSettings
from loyalty.stores.service import SHOPIFY, NewStore, Store, add_store, get_store
from loyalty.values import AccountId
from workers.runtime import Runtime

DOMAIN = "tea-shop.myshopify.com"
SECRET = "shpss_0123456789abcdef0123456789abcdef"
NOWHERE = "http://127.0.0.1:9"
SAMPLES = Path(__file__).resolve().parent / "payloads" / "shopify" / "webhooks"


def make_shopify(
    runtime: Runtime, account: AccountId, domain: str = DOMAIN, *, secret: str = SECRET, url: str = NOWHERE,
    currency: str = "TWD", **credentials: str,
) -> Store:  # fmt: skip
    """A connected shop of an account, with an app of its own whose token has no end; nobody answers unless at `url`."""
    keys = {
        "mode": "legacy", "shop": domain, "client_id": "", "client_secret": secret, "access_token": "shpat_1",
        "issued_at": "2026-01-01T00:00:00+00:00", "expires_at": "", "refresh_token": "", "refresh_expires_at": "",
        "scopes": "",
    } | credentials  # fmt: skip
    settings = ShopSettings(currency, "Asia/Taipei", 0, prices_include_tax=False)
    key = f"{domain.partition('.')[0]}-{account.hex[-8:]}"
    new = NewStore(key, "Tea", SHOPIFY, url, keys, secret, shop_domain=domain)
    with runtime.database.transaction(account) as connection:
        return get_store(
            connection, runtime.vault, add_store(connection, runtime.vault, account, new, settings)
        )


def make_reachable(
    runtime: Runtime, account: AccountId, sandbox: ShopifySandbox, **credentials: str
) -> Store:
    """A connected shop of an account that a sandbox answers for."""
    reached = {"url": sandbox.url, "access_token": sandbox.access_token}
    return make_shopify(runtime, account, sandbox.shop, **reached, **credentials)


def sample(name: str) -> dict[str, Any]:
    """One of Shopify's documented payloads, or of those derived from them."""
    body: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return body


def shopify_body(data: dict[str, Any]) -> bytes:
    """The bytes that Shopify would send."""
    return json.dumps(data, separators=(",", ":")).encode()


def sign_shopify(body: bytes, secret: str = SECRET) -> str:
    """The signature header of a delivery."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def deliver_shopify(
    client: FlaskClient, topic: str, data: dict[str, Any] | bytes, domain: str = DOMAIN, *,
    secret: str = SECRET, **headers: str,
) -> TestResponse:  # fmt: skip
    """Send a delivery as Shopify does; headers by their names with underscores replace the usual ones."""
    body = data if isinstance(data, bytes) else shopify_body(data)
    named = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": sign_shopify(body, secret),
        "X-Shopify-Shop-Domain": domain,
        "X-Shopify-API-Version": "2026-10",
        "X-Shopify-Webhook-Id": str(uuid.uuid4()),
        "X-Shopify-Event-Id": str(uuid.uuid4()),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return client.post("/webhooks/shopify", data=body, headers=named, content_type="application/json")


def of_person(name: str, domain: str = DOMAIN, **customer: Any) -> dict[str, Any]:
    """A delivery about a person: the documented sample with the shop and the customer of a test."""
    return {**sample(name), "shop_domain": domain, "customer": customer}
