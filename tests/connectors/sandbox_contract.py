"""Replays recorded calls against the sandbox and compares what comes back with the recording."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import requests
from woocommerce_recordings import RestCall, rest

from connectors.woocommerce.sandbox import SandboxShop

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
DECIMALS = re.compile(r"-?\d+\.(\d+)")
AMY: dict[str, Any] = {
    "email": "amy@example.test",
    "first_name": "Amelia",
    "last_name": "Chen",
    "password": "x",
    "meta_data": [{"key": "loyalty_tier", "value": "gold"}],
}


def replay(shop: SandboxShop, call: RestCall, path: str = "", **more: Any) -> requests.Response:
    options = {"auth": ("ck_sandbox", "cs_sandbox"), "headers": {"X-Forwarded-Proto": "https"}, **more}
    with requests.Session() as session:
        session.trust_env = False
        url = f"{shop.url}{path or call.path}"
        return session.request(call.method, url, params=call.query, json=call.sent, timeout=5, **options)


def check(shop: SandboxShop, name: str, path: str = "", **more: Any) -> requests.Response:
    call = rest(name)
    response = replay(shop, call, path, **more)
    assert response.status_code == call.status
    assert differences(call.answer, response.json()) == []
    return response


def differences(recorded: Any, given: Any, path: str = "") -> list[str]:
    """Null stands for anything, an empty list for any list; batch items are compared one by one."""
    if recorded is None or given is None:
        return []
    if kind(recorded) != kind(given):
        return [f"{path}: {kind(recorded)} became {kind(given)}"]
    if isinstance(recorded, dict):
        keys = [f"{path}.{key}: only in one" for key in sorted(recorded.keys() ^ given.keys())]
        both = [
            differences(recorded[key], given[key], f"{path}.{key}") for key in recorded.keys() & given.keys()
        ]
        return keys + [line for lines in both for line in lines]
    if isinstance(recorded, list):
        pairs = enumerate(zip(recorded, given, strict=False))
        return [line for at, (one, other) in pairs for line in differences(one, other, f"{path}.{at}")]
    return []


def kind(value: Any) -> str:
    if isinstance(value, bool | dict | list):
        return type(value).__name__
    if isinstance(value, int | float | Decimal):
        return "number"
    found = DECIMALS.fullmatch(value)
    return f"{len(found[1])} decimals" if found else "date" if DATE.fullmatch(value) else "text"


def multi_order(shop: SandboxShop) -> dict[str, Any]:
    shop.add_customer(**AMY)
    order: dict[str, Any] = replay(shop, rest("orders-create-shipping-fees")).json()
    return order
