"""Inbox, pushes, coupons, verification and the log by API; keys, scopes, headers and the description."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, deliver, drain, make_caller, place_order
from workers.runtime import Runtime
from workers.sealing import seal_account

TIERS = [
    {"key": "regular", "name": {"en": "Regular"}},
    {
        "key": "gold",
        "name": {"en": "Gold"},
        "enter": {"any": [{"metric": "spend", "at_least": "1000"}]},
        "benefits": {"entry_reward": "ten-off"},
    },
]
REWARDS = [{"key": "ten-off", "kind": "fixed_discount", "amount": "100"}]
OPEN_ROUTES = {
    "/webhooks/woocommerce/<token>",  # signed
    "/webhooks/shopify",  # signed
    "/connect/shopify",  # signed by Shopify
    "/connect/shopify/callback",
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/v1/openapi.json",
    "/links/<token>",
    "/rules/<key>",
    "/content/<token>",
    "/static/<name>",
}


def data(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return list(answer.json["data"])


def fail_message(runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller) -> int:
    deliver(client, shop, b"{")
    drain(runtime, shop)
    return int(data(caller.get("/inbox", status="failed"))[0]["id"])


def test_failed_messages_are_listed_and_replayed(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    message = fail_message(runtime, client, shop, caller)
    answer = caller.post(f"/inbox/{message}/replay")
    assert (answer.status_code, answer.json) == (202, {"id": message, "status": "pending"})
    assert [row["id"] for row in data(caller.get("/inbox", status="pending"))] == [message]
    assert caller.post(f"/inbox/{message}/replay").status_code == 404


def test_a_stranger_neither_sees_nor_replays_messages(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, stranger: Caller
) -> None:
    message = fail_message(runtime, client, shop, caller)
    assert data(stranger.get("/inbox")) == []
    assert stranger.post(f"/inbox/{message}/replay").status_code == 404


@pytest.fixture
def golden(runtime: Runtime, client: FlaskClient) -> Caller:
    """The caller of a shop whose member has just earned a coupon."""
    shop = make_shop(runtime, make_document(tiers=TIERS, rewards=REWARDS))
    place_order(runtime, client, shop)
    return make_caller(runtime, client, shop)


def test_coupons_are_listed_with_their_terms(golden: Caller) -> None:
    coupon = data(golden.get("/coupons"))[0]
    assert (coupon["state"], coupon["kind"], coupon["amount"]) == ("requested", "fixed_discount", "100")
    assert (coupon["reward"], coupon["order"]) == ("ten-off", None)
    member = coupon["member"]
    assert [row["id"] for row in data(golden.get("/coupons", member=member))] == [coupon["id"]]


def test_a_stranger_sees_no_coupon(golden: Caller, stranger: Caller) -> None:
    member = data(golden.get("/members"))[0]["id"]
    assert data(stranger.get("/coupons")) == []
    assert stranger.get("/coupons", member=member).status_code == 404


def test_a_failed_push_is_retried_and_its_coupon_with_it(
    runtime: Runtime, client: FlaskClient, stranger: Caller
) -> None:
    shop = make_shop(runtime, make_document(tiers=TIERS, rewards=REWARDS))
    place_order(runtime, client, shop)
    caller = make_caller(runtime, client, shop)
    push = next(row["id"] for row in data(caller.get("/pushes")) if row["kind"] == "put_coupon")
    assert caller.post(f"/pushes/{push}/retry").status_code == 404
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(text("update pushes set status = 'failed'"))
        connection.execute(text("update coupons set state = 'failed'"))
    assert stranger.post(f"/pushes/{push}/retry").status_code == 404
    assert caller.post(f"/pushes/{push}/retry").status_code == 202
    assert [row["id"] for row in data(caller.get("/pushes", status="waiting"))] == [push]
    assert data(caller.get("/coupons"))[0]["state"] == "requested"


def test_the_ledger_is_verified(golden: Caller) -> None:
    expected = {"members": 1, "entries": 1, "differences": 0, "details": []}
    assert golden.get("/ledger/verification").json == expected
    assert golden.get("/ledger/verification", rebuild="true").json == expected


def test_activities_come_in_pages(caller: Caller) -> None:
    for _ in range(2):
        caller.put("/program/draft", make_document())
    first = caller.get("/activities", limit=1).json
    assert first is not None
    second = caller.get("/activities", limit=1, cursor=first["next"]).json
    assert second is not None
    assert second["data"][0]["id"] < first["data"][0]["id"]


def test_a_stranger_sees_no_activities(caller: Caller, stranger: Caller) -> None:
    caller.put("/program/draft", make_document())
    assert data(stranger.get("/activities")) == []


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer wrong", "Basic abc"])
def test_without_a_key_nothing_is_told(client: FlaskClient, header: str) -> None:
    answer = client.get("/api/v1/members", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].lower().startswith("bearer")
    assert answer.content_type == "application/problem+json"


def test_every_route_but_the_named_ones_asks_for_a_key(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        scope = getattr(app.view_functions[rule.endpoint], "required_scope", None)
        assert (scope is None) == (rule.rule in OPEN_ROUTES), rule.rule


def test_every_writing_route_asks_for_more_than_read(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if rule.rule in OPEN_ROUTES or not rule.methods & {"POST", "PUT", "DELETE", "PATCH"}:
            continue
        assert app.view_functions[rule.endpoint].__dict__["required_scope"] in ("write", "adjust")


def test_the_description_names_every_route(app: Flask, client: FlaskClient) -> None:
    spec = client.get("/api/v1/openapi.json").json
    assert spec is not None
    assert spec["openapi"] == "3.1.0"
    assert spec["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
    rules = [rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/v1/")]
    assert len(spec["paths"]) == len(set(rules)) - 1
    for path in spec["paths"].values():
        for method in path.keys() & {"get", "post", "put"}:
            assert path[method]["summary"]
            assert "default" in path[method]["responses"]


def test_answers_carry_security_headers(client: FlaskClient) -> None:
    headers = client.get("/healthz").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def test_an_unknown_path_is_a_problem(client: FlaskClient) -> None:
    answer = client.get("/nowhere")
    assert answer.content_type == "application/problem+json"
    assert answer.json is not None
    assert answer.json["status"] == 404


def test_broken_json_is_400(caller: Caller) -> None:
    answer = caller.client.put(
        "/api/v1/program/draft", data="{", headers=caller.headers(), content_type="application/json"
    )
    assert answer.status_code == 400


def test_something_unforeseen_is_500_without_its_details(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook_app.health._find_waiting", lambda: 1 / 0)
    answer = client.get("/readyz")
    assert answer.status_code == 500
    assert "ZeroDivisionError" not in answer.text


def test_values_that_cannot_be_stored_are_422(caller: Caller) -> None:
    assert caller.get("/members", email="a\0b").status_code == 422
    assert caller.post(f"/inbox/{10**30}/replay").status_code == 422


def test_roots_of_seals_are_listed_and_a_stranger_sees_none(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, stranger: Caller
) -> None:
    place_order(runtime, client, shop)
    assert seal_account(runtime, shop.account) == 1
    root = data(caller.get("/ledger/roots"))[0]
    assert (root["number"], root["entries"], root["previous"], len(root["sha256"])) == (1, 1, "0" * 64, 64)
    assert data(stranger.get("/ledger/roots")) == []


def test_failed_messages_of_a_topic_or_a_range_are_replayed_at_once(
    caller: Caller, stranger: Caller, client: FlaskClient, shop: Shop, runtime: Runtime
) -> None:
    topics = ("order.updated", "order.updated", "customer.updated")
    for number, topic in enumerate(topics):
        deliver(client, shop, b'{"id": %d}' % (number + 1), X_WC_Webhook_Topic=topic)
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(text("update inbox_messages set status = 'failed', reason = 'broken'"))
    rows = caller.get("/inbox", status="failed", topic="order.updated").json["data"]  # type: ignore[index]
    assert [row["reason"] for row in rows] == ["broken"] * 2
    assert stranger.post("/inbox/replay", {}).json == {"count": 0}
    last = rows[0]["id"]
    assert caller.post("/inbox/replay", {"topic": "order.updated", "first": last, "last": last}).json == {
        "count": 1
    }
    assert caller.post("/inbox/replay", {"topic": "order.updated"}).json == {"count": 1}
    assert caller.post("/inbox/replay", {}).json == {"count": 1}
    assert caller.post("/inbox/replay", {"status": "pending"}).status_code == 422


def test_all_failed_pushes_are_retried_at_once(
    caller: Caller, stranger: Caller, runtime: Runtime, shop: Shop
) -> None:
    statement = text(
        "insert into pushes (account_id, store_id, kind, subject, command, status, reason)"
        " values (:account, :store, 'set_member_tier', :subject, '{}', 'failed', :reason)"
    )
    with runtime.database.transaction(shop.account) as connection:
        for subject, reason in (("a", "permission"), ("b", "limit"), ("b", "limit"), ("c", "permission")):
            values = {"account": shop.account, "store": shop.store.id, "subject": subject, "reason": reason}
            connection.execute(statement, values)
    assert stranger.post("/pushes/retry", {}).json == {"count": 0}
    assert caller.post("/pushes/retry", {"reason": "permission"}).json == {"count": 2}
    assert caller.post("/pushes/retry", {}).json == {"count": 1}  # the older one of b was said anew
