"""Points by hand: moved once, refused with their reasons, and repeated safely."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from loyalty.accounts.idempotency import Request, begin
from loyalty.reports.people import list_ids_of_email
from tests.builders import Shop, make_shop
from tests.web.conftest import Caller, make_caller, place_order
from workers.runtime import Runtime

GIFT = {"points": 300, "reason": "service", "counts_toward_tier": False}


@pytest.fixture
def member(runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller) -> str:
    place_order(runtime, client, shop)
    listed = caller.get("/members").json
    assert listed is not None
    return str(listed["data"][0]["id"])


def balance(caller: Caller, member: str) -> dict[str, int]:
    found = caller.get(f"/members/{member}").json
    assert found is not None
    return dict(found["balance"])


def test_points_are_given_with_a_reason(caller: Caller, member: str) -> None:
    answer = caller.post(f"/members/{member}/adjustments", GIFT)
    assert answer.status_code == 201
    assert answer.json is not None
    assert (answer.json["points"], answer.json["balance"]["available"]) == (300, 1300)
    entries = caller.get(f"/members/{member}/entries").json
    assert entries is not None
    assert entries["data"][0]["kind"] == "adjustment"
    assert entries["data"][0]["reason"]["en"] == "The shop added 300 points by hand: service"
    assert entries["data"][0]["order"] is None


def test_more_than_there_is_becomes_debt(caller: Caller, member: str) -> None:
    caller.post(f"/members/{member}/adjustments", {"points": -1400, "reason": "mistake"})
    assert balance(caller, member) == {"available": -400, "pending": 0, "held": 0, "debt": 400}


def test_an_adjustment_is_in_the_audit_log_with_its_key(caller: Caller, member: str) -> None:
    caller.post(f"/members/{member}/adjustments", GIFT)
    log = caller.get("/activities").json
    assert log is not None
    assert log["data"][0]["action"] == "points.adjusted"
    assert log["data"][0]["actor"].startswith("api key ")
    assert log["data"][0]["subject"] == member


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({**GIFT, "points": 0}, "/points"),
        ({**GIFT, "points": 1.5}, "/points"),
        ({**GIFT, "points": "5"}, "/points"),
        ({**GIFT, "points": True}, "/points"),
        ({**GIFT, "reason": " "}, "/reason"),
        ({"points": 5}, "/reason"),
        ({**GIFT, "counts_toward_tier": "yes"}, "/counts_toward_tier"),
        ({**GIFT, "note": "x"}, "/note"),
    ],
)
def test_mistakes_are_named_by_path(caller: Caller, member: str, body: dict[str, Any], pointer: str) -> None:
    answer = caller.post(f"/members/{member}/adjustments", body)
    assert answer.status_code == 422
    assert answer.json is not None
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert balance(caller, member)["available"] == 1000


def test_a_repeated_key_moves_points_once(caller: Caller, member: str) -> None:
    path = f"/members/{member}/adjustments"
    first = caller.post(path, GIFT, Idempotency_Key="k1")
    again = caller.post(path, GIFT, Idempotency_Key="k1")
    assert (again.status_code, again.json) == (201, first.json)
    assert balance(caller, member)["available"] == 1300


def test_a_key_used_for_another_request_is_422(caller: Caller, member: str) -> None:
    path = f"/members/{member}/adjustments"
    caller.post(path, GIFT, Idempotency_Key="k1")
    assert caller.post(path, {**GIFT, "points": 1}, Idempotency_Key="k1").status_code == 422
    assert balance(caller, member)["available"] == 1300


def test_a_key_still_running_is_409(runtime: Runtime, caller: Caller, shop: Shop, member: str) -> None:
    with runtime.database.transaction(shop.account) as connection:
        begin(connection, Request(shop.account, "k1", b"0" * 32))
        answer = caller.post(f"/members/{member}/adjustments", GIFT, Idempotency_Key="k1")
    assert answer.status_code == 409
    assert caller.post(f"/members/{member}/adjustments", GIFT, Idempotency_Key="k1").status_code == 201


def test_a_refused_request_does_not_use_up_its_key(caller: Caller, member: str) -> None:
    path = f"/members/{member}/adjustments"
    assert caller.post(path, {"points": 0, "reason": "x"}, Idempotency_Key="k1").status_code == 422
    assert caller.post(path, GIFT, Idempotency_Key="k1").status_code == 201


def test_the_same_key_of_another_account_is_another_key(
    caller: Caller, stranger: Caller, member: str
) -> None:
    caller.post(f"/members/{member}/adjustments", GIFT, Idempotency_Key="k1")
    answer = stranger.post(f"/members/{member}/adjustments", GIFT, Idempotency_Key="k1")
    assert answer.status_code == 404


def test_parallel_adjustments_all_count(app: Flask, caller: Caller, member: str) -> None:
    def give() -> None:
        Caller(app.test_client(), caller.key).post(f"/members/{member}/adjustments", {**GIFT, "points": 1})

    threads = [threading.Thread(target=give) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert balance(caller, member)["available"] == 1008
    proof = caller.get("/ledger/verification", rebuild="true").json
    assert proof is not None
    assert (proof["members"], proof["differences"]) == (1, 0)


@pytest.mark.parametrize("scopes", [("read",), ("read", "write")])
def test_a_key_without_the_scope_adjust_is_403(
    runtime: Runtime, client: FlaskClient, shop: Shop, member: str, scopes: tuple[str, ...]
) -> None:
    caller = make_caller(runtime, client, shop, scopes)
    assert caller.post(f"/members/{member}/adjustments", GIFT).status_code == 403


def test_without_a_program_points_cannot_be_adjusted(runtime: Runtime, client: FlaskClient) -> None:
    shop = make_shop(runtime)
    place_order(runtime, client, shop)
    with runtime.database.transaction(shop.account) as connection:
        member = list_ids_of_email(connection, "amy@example.test")[0]
    answer = make_caller(runtime, client, shop).post(f"/members/{member}/adjustments", GIFT)
    assert answer.status_code == 422
