"""Signing up with one field, opening balances: what is made, what is found, what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, make_caller, place_order
from workers.runtime import Runtime

GUEST: dict[str, Any] = {"id": 26, "total": "50", "customer_id": 0}


def prove(caller: Caller) -> None:
    proof = caller.get("/ledger/verification", rebuild="true").json
    assert proof is not None
    assert proof["differences"] == 0, proof


@pytest.mark.parametrize(
    ("body", "shown"),
    [({"email": " Bo@Example.test "}, "bo@example.test"), ({"phone": "+886 912-345-678"}, "")],
)
def test_one_field_is_enough(caller: Caller, body: dict[str, str], shown: str) -> None:
    answer = caller.post("/members", body)
    assert answer.status_code == 201, answer.json
    assert answer.json is not None
    assert (answer.json["email"], answer.json["tier"]["key"]) == (shown, "regular")
    assert answer.json["joined_at"] is not None
    again = caller.post("/members", body)
    assert (again.status_code, again.json["id"]) == (200, answer.json["id"])  # type: ignore[index]
    prove(caller)


def test_who_signs_up_earns_with_later_orders_of_his_address(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    made = caller.post("/members", {"email": "amy@example.test", "name": "Amy"}).json
    assert made is not None
    place_order(runtime, client, shop, **GUEST)
    found = caller.get(f"/members/{made['id']}").json
    assert found is not None
    assert found["balance"]["available"] == 50
    prove(caller)


def test_a_guest_who_signs_up_is_the_same_member_and_no_guest_any_more(
    runtime: Runtime, client: FlaskClient
) -> None:
    shop = make_shop(runtime, make_document(enrolment={"guests": False}))
    caller = make_caller(runtime, client, shop)
    place_order(runtime, client, shop, **GUEST)
    made = caller.post("/members", {"email": "amy@example.test", "phone": "+886912345678"})
    assert made.status_code == 200, made.json
    assert made.json is not None
    assert made.json["balance"]["available"] == 50
    assert caller.post("/members", {"phone": "+886912345678"}).json["id"] == made.json["id"]  # type: ignore[index]
    prove(caller)


def test_with_explicit_enrolment_signing_up_is_when_earning_begins(
    runtime: Runtime, client: FlaskClient
) -> None:
    shop = make_shop(runtime, make_document(enrolment={"mode": "explicit"}))
    caller = make_caller(runtime, client, shop)
    place_order(runtime, client, shop, **GUEST)
    made = caller.post("/members", {"email": "amy@example.test"}).json
    assert made is not None
    assert made["balance"]["available"] == 0
    soon = f"{datetime.now(UTC) + timedelta(seconds=2):%Y-%m-%dT%H:%M:%S}"
    later = dict.fromkeys(("date_created_gmt", "date_paid_gmt", "date_modified_gmt"), soon)
    place_order(runtime, client, shop, **{**GUEST, "id": 27, **later})
    lots = caller.get(f"/members/{made['id']}/lots").json
    assert lots is not None
    assert [(lot["points"], lot["order"]["id"]) for lot in lots["data"]] == [(50, "27")]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/email"),
        ({"email": "nobody"}, "/email"),
        ({"email": "a@b.invalid"}, "/email"),
        ({"email": "a@b@c.test"}, "/email"),
        ({"email": "a@b.test\nc@d.test"}, "/email"),
        ({"email": "a\u0000@b.test"}, "/email"),
        ({"email": "a@["}, "/email"),
        ({"phone": "0912345678"}, "/phone"),
        ({"email": "a@b.test", "region": "Taiwan"}, "/region"),
        ({"email": "a@b.test", "age": 5}, "/age"),
    ],
)
def test_mistakes_are_named(caller: Caller, body: dict[str, Any], pointer: str) -> None:
    answer = caller.post("/members", body)
    assert answer.status_code == 422
    assert answer.json is not None
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


def test_who_is_registered_gets_no_further_identity_by_signing_up(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str
) -> None:
    """The scope `write` does not do without trace what takes `adjust` and a reason."""
    clerk = make_caller(runtime, client, shop, ("read", "write"))
    answer = clerk.post("/members", {"email": "bo@example.test", "phone": "+886912345678"})
    assert (answer.status_code, answer.json["id"]) == (200, member)  # type: ignore[index]
    assert told_identities(caller, member) == ["bo@example.test"]
    other = clerk.post("/members", {"phone": "+886912345678"})
    assert (other.status_code, other.json["id"] != member) == (201, True)  # type: ignore[index]


def test_whom_an_import_registered_gets_none_either(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str
) -> None:
    """He signs up here for the first time, and is a member all the same."""
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(text("update members set registered_by = 1"))
    again = caller.post("/members", {"email": "bo@example.test", "phone": "+886912345678"})
    assert (again.status_code, again.json["id"]) == (200, member)  # type: ignore[index]
    assert told_identities(caller, member) == ["bo@example.test"]


def test_a_guest_who_belongs_to_a_registered_member_gets_none_either(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str
) -> None:
    place_order(runtime, client, shop, **GUEST)
    guest = next(row["id"] for row in caller.get("/members").json["data"] if row["id"] != member)  # type: ignore[index]
    merged = caller.post(f"/members/{member}/merges", {"member": guest, "reason": "x"})
    assert merged.status_code == 201, merged.json
    again = caller.post("/members", {"email": "amy@example.test", "phone": "+886912345678"})
    assert (again.status_code, again.json["id"]) == (200, member)  # type: ignore[index]
    assert told_identities(caller, member) == ["amy@example.test", "bo@example.test"]
    prove(caller)


def told_identities(caller: Caller, member: str) -> list[str]:
    shown = caller.get(f"/members/{member}").json
    assert shown is not None
    return [row["value"] for row in shown["identities"]]


def test_an_address_and_a_phone_of_two_members_are_refused(caller: Caller) -> None:
    caller.post("/members", {"email": "a@b.test"})
    caller.post("/members", {"phone": "+886912345678"})
    assert caller.post("/members", {"email": "a@b.test", "phone": "+886912345678"}).status_code == 409


def test_the_same_address_is_another_member_elsewhere(caller: Caller, stranger: Caller) -> None:
    mine, others = (one.post("/members", {"email": "a@b.test"}).json for one in (caller, stranger))
    assert mine is not None
    assert others is not None
    assert mine["id"] != others["id"]
    assert stranger.get(f"/members/{mine['id']}").status_code == 404


def test_signing_up_needs_the_scope_write(runtime: Runtime, client: FlaskClient, shop: Shop) -> None:
    reader = make_caller(runtime, client, shop, ("read",))
    assert reader.post("/members", {"email": "a@b.test"}).status_code == 403


@pytest.fixture
def member(caller: Caller) -> str:
    made = caller.post("/members", {"email": "bo@example.test"}).json
    assert made is not None
    return str(made["id"])


def test_u81_an_opening_balance_is_an_entry_of_its_own(caller: Caller, stranger: Caller, member: str) -> None:
    path, body = f"/members/{member}/opening", {"points": 700, "reason": "old system"}
    answer = caller.post(path, {**body, "expires_at": "2099-01-01T00:00:00Z"})
    assert answer.status_code == 201, answer.json
    assert answer.json is not None
    assert answer.json["balance"]["available"] == 700
    entry = caller.get(f"/members/{member}/entries").json["data"][0]  # type: ignore[index]
    assert (entry["kind"], entry["points"], entry["order"]) == ("opening", 700, None)
    assert entry["reason"]["en"] == "Opening balance of 700 points: old system"
    lot = caller.get(f"/members/{member}/lots").json["data"][0]  # type: ignore[index]
    assert lot["expires_at"] == "2099-01-01T00:00:00Z"
    assert caller.get(f"/members/{member}").json["metrics"]["points"] == 0  # type: ignore[index]
    assert caller.post(path, body).status_code == 409
    assert caller.post(path, {**body, "key": "cards"}).status_code == 201
    assert stranger.post(path, body).status_code == 404
    prove(caller)


@pytest.mark.parametrize(
    "body",
    [
        {"points": -5, "reason": "x"},
        {"points": 5},
        {"points": 5, "reason": "x", "expires_at": "2020-01-01T00:00:00Z"},
    ],
)
def test_wrong_opening_balances_are_refused(caller: Caller, member: str, body: dict[str, Any]) -> None:
    assert caller.post(f"/members/{member}/opening", body).status_code == 422
