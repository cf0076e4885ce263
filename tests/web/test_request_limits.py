"""Limits: by key, by address, shared by all processes, counted in the process while Redis is away, never for shops."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from loyalty.config import Settings
from tests.builders import Shop, make_woo_order, woo_body
from tests.web.conftest import Caller, deliver, make_caller
from webhook_app import create_app, limits
from webhook_app.tools import TOOLS
from workers.runtime import Runtime

NOWHERE = "redis://127.0.0.1:9/0"


@pytest.fixture
def settings(runtime: Runtime) -> Settings:
    return replace(runtime.settings, api_per_minute=5, pages_per_minute=3)


@pytest.fixture
def make_app(settings: Settings) -> Iterator[Callable[..., Flask]]:
    made: list[Flask] = []

    def make(**other: Any) -> Flask:
        made.append(create_app(replace(settings, **other)))
        return made[-1]

    yield make
    for app in made:
        app.extensions[TOOLS].database.dispose()


def test_a_key_is_limited_over_all_routes_and_processes(
    make_app: Callable[..., Flask], runtime: Runtime, shop: Shop
) -> None:
    one, two = (make_app().test_client() for _ in range(2))
    caller = make_caller(runtime, one, shop)
    paths = ["/members", "/coupons", "/program", "/rewards"]
    other = replace(caller, client=two)
    # The first request of a key counts for the address in each process: then it is known.
    assert [it.get("/members").status_code for it in (caller, other)] == [200, 200]
    first = [caller.get(path).status_code for path in paths]
    assert [*first, other.get("/members").status_code] == [200] * 5
    refused = other.get("/pushes")
    assert (refused.status_code, refused.content_type) == (429, "application/problem+json")
    assert (refused.headers["Retry-After"], refused.get_json()["detail"]) == ("60", "5 per 1 minute")
    assert make_caller(runtime, one, shop).get("/members").status_code == 200, "another key is not concerned"


def test_a_key_has_one_bucket_however_its_scheme_is_spelled(
    make_app: Callable[..., Flask], caller: Caller
) -> None:
    client = make_app().test_client()
    spellings = ["Bearer", "bearer", "BEARER", "Bearer ", "bEARER   ", "Bearer  "]
    found = [
        client.get("/api/v1/members", headers={"Authorization": f"{one} {caller.key}"}).status_code
        for one in [*spellings, "BeaReR"]
    ]
    assert found == [200] * 6 + [429]


def test_only_the_keys_that_were_used_last_are_known(
    make_app: Callable[..., Flask], runtime: Runtime, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_KEYS", 1)
    client = make_app().test_client()
    one, two = (make_caller(runtime, client, shop) for _ in range(2))
    # Each forgets the other, so that all count for the address, of which there may be 3.
    assert [it.get("/members").status_code for it in (one, two, one, two)] == [200, 200, 200, 429]


def test_who_tries_keys_is_limited_by_his_address(make_app: Callable[..., Flask], caller: Caller) -> None:
    client = make_app().test_client()
    tried = [replace(caller, client=client, key=f"laurel_{n}").get("/members").status_code for n in range(5)]
    assert tried == [401, 401, 401, 429, 429]
    other = client.get("/api/v1/members", headers=caller.headers(), environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert other.status_code == 200


def test_pages_are_limited_by_address(make_app: Callable[..., Flask], shop: Shop) -> None:
    client = make_app().test_client()
    paths = [f"/rules/{shop.store.key}", "/links/x", "/content/x", "/rules/none"]
    assert [client.get(path).status_code for path in paths] == [200, 200, 403, 429]
    assert client.get(paths[0], environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 200


def test_an_address_is_what_the_trusted_proxies_say_and_nobody_else(make_app: Callable[..., Flask]) -> None:
    for proxies, expected in ((0, [403, 403, 403, 429]), (1, [403] * 4)):
        client = make_app(trusted_proxies=proxies, secret_key="x" * 40).test_client()
        found = [
            client.get(
                "/content/x",
                headers={"X-Forwarded-For": f"spoofed, 198.51.100.{n}"},
                environ_base={"REMOTE_ADDR": "203.0.113.5"},
            ).status_code
            for n in range(4)
        ]
        assert found == expected, proxies


def test_deliveries_health_and_assets_are_never_refused(make_app: Callable[..., Flask], shop: Shop) -> None:
    client = make_app(api_per_minute=1, pages_per_minute=1).test_client()
    for number in range(6):
        assert deliver(client, shop, woo_body(make_woo_order(number + 1))).status_code == 200
        answer = client.get("/healthz")
        assert answer.status_code == 200


def test_without_redis_requests_are_served_and_still_limited(
    make_app: Callable[..., Flask], runtime: Runtime, shop: Shop
) -> None:
    client = make_app(redis_url=NOWHERE).test_client()
    caller = make_caller(runtime, client, shop)
    assert [caller.get("/members").status_code for _ in range(8)] == [200] * 6 + [429] * 2
    started = time.monotonic()
    assert deliver(client, shop, woo_body(make_woo_order())).status_code == 200
    assert time.monotonic() - started < 1


def test_no_key_stands_in_redis(
    make_app: Callable[..., Flask], runtime: Runtime, shop: Shop, client: FlaskClient
) -> None:
    caller = make_caller(runtime, make_app().test_client(), shop)
    assert [caller.get("/members").status_code for _ in range(2)] == [200, 200]
    names = [name.decode() for name in runtime.wakes._connection.keys("*")]
    assert any("laurel" in name for name in names)
    assert not any(caller.key in name or caller.key[7:] in name for name in names)
