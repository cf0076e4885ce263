"""Store credit by API: figures, statement, credit by hand, codes; nobody of another account sees any of it."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, make_caller, place_order
from workers.runtime import Runtime

GIFT = {"amount": "50", "reason": "service"}


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """Two percent come back, in a currency of two decimals."""
    return make_shop(runtime, make_document(cash_back={"percent": "2"}), currency="USD", decimals=2)


@pytest.fixture
def member(runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller) -> str:
    """A member with one order of 1,000."""
    place_order(runtime, client, shop, currency="USD")
    listed = caller.get("/members").json
    assert listed is not None
    return str(listed["data"][0]["id"])


def told(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.json
    return answer.json


def credit(caller: Caller, member: str) -> dict[str, str]:
    return dict(told(caller.get(f"/members/{member}/credit")))


def test_s6_an_order_of_1000_credits_20_00_of_money_beside_its_points(caller: Caller, member: str) -> None:
    assert credit(caller, member) == {
        "currency": "USD", "balance": "20.00", "available": "20.00", "pending": "0.00", "held": "0.00",
    }  # fmt: skip
    assert told(caller.get(f"/members/{member}"))["balance"]["available"] == 1000


def test_the_statement_says_why_and_runs_a_balance(caller: Caller, member: str) -> None:
    told(caller.post(f"/members/{member}/credit/adjustments", GIFT), 201)
    first = told(caller.get(f"/members/{member}/credit/entries", limit=1))
    entry = first["data"][0]
    assert (entry["kind"], entry["amount"], entry["balance_after"]) == ("adjustment", "50.00", "70.00")
    assert entry["reason"]["en"] == "The shop added US$50 of store credit by hand: service"
    assert entry["order"] is None
    older = told(caller.get(f"/members/{member}/credit/entries", limit=1, cursor=first["next"]))
    entry = older["data"][0]
    assert (entry["kind"], entry["amount"], older["next"]) == ("cash_back", "20.00", None)
    assert entry["order"] == {"id": "25", "number": "25"}
    assert entry["reason"] == {
        "zh-TW": "訂單 25 回饋 20 美元購物金",
        "zh-CN": "订单 25 返还 20 美元购物金",
        "en": "Order 25 brought US$20 of store credit",
    }
    assert entry["explanation"] == {"base": "1000", "percent": "2", "tier": "regular"}


def test_points_have_a_statement_of_their_own(caller: Caller, member: str) -> None:
    entries = told(caller.get(f"/members/{member}/entries"))["data"]
    assert [(entry["kind"], entry["points"]) for entry in entries] == [("accrual", 1000)]


def test_credit_by_hand_moves_once_and_is_in_the_audit_log(caller: Caller, member: str) -> None:
    path = f"/members/{member}/credit/adjustments"
    first = told(caller.post(path, GIFT, Idempotency_Key="k1"), 201)
    assert told(caller.post(path, GIFT, Idempotency_Key="k1"), 201) == first
    assert (first["amount"], first["credit"]["balance"], first["reason"]) == ("50.00", "70.00", "service")
    log = told(caller.get("/activities"))["data"][0]
    assert (log["action"], log["subject"], log["data"]["amount"]) == ("credit.adjusted", member, "50")


def test_more_than_there_is_becomes_negative(caller: Caller, member: str) -> None:
    taken = {"amount": "-25.50", "reason": "mistake"}
    answer = told(caller.post(f"/members/{member}/credit/adjustments", taken), 201)
    assert (answer["amount"], answer["credit"]["available"]) == ("-25.50", "-5.50")


def test_where_balances_have_a_floor_a_deduction_is_cut_off(runtime: Runtime, client: FlaskClient) -> None:
    shop = make_shop(runtime, make_document(refunds={"negative_balance": "floor"}))
    caller = make_caller(runtime, client, shop)
    place_order(runtime, client, shop)
    member = told(caller.get("/members"))["data"][0]["id"]
    told(caller.post(f"/members/{member}/credit/adjustments", GIFT), 201)
    taken = {"amount": "-80", "reason": "mistake"}
    answer = told(caller.post(f"/members/{member}/credit/adjustments", taken), 201)
    assert (answer["amount"], answer["credit"]["balance"]) == ("-50", "0")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({**GIFT, "amount": "0"}, "/amount"),
        ({**GIFT, "amount": 5}, "/amount"),
        ({**GIFT, "amount": 5.5}, "/amount"),
        ({**GIFT, "amount": "5.005"}, "/amount"),
        ({**GIFT, "amount": "1e3"}, "/amount"),
        ({**GIFT, "reason": " "}, "/reason"),
        ({"reason": "x"}, "/amount"),
        ({**GIFT, "points": 5}, "/points"),
    ],
)
def test_mistakes_are_named_by_path(caller: Caller, member: str, body: dict[str, Any], pointer: str) -> None:
    answer = told(caller.post(f"/members/{member}/credit/adjustments", body), 422)
    assert [error["pointer"] for error in answer["errors"]] == [pointer]
    assert credit(caller, member)["balance"] == "20.00"


def test_a_code_sets_credit_aside_and_goes_to_the_shop(caller: Caller, member: str) -> None:
    made = told(caller.post(f"/members/{member}/credit/codes", {"amount": "12.50"}), 201)
    assert made["amount"] == "12.50"
    assert made["credit"] == {
        "currency": "USD", "balance": "20.00", "available": "7.50", "pending": "0.00", "held": "12.50",
    }  # fmt: skip
    coupon = told(caller.get("/coupons", member=member))["data"][0]
    assert (coupon["code"], coupon["amount"], coupon["kind"]) == (made["code"], "12.50", "fixed_discount")
    assert coupon["expires_at"] == made["expires_at"]
    push = told(caller.get("/pushes"))["data"][0]
    assert (push["kind"], push["subject"]) == ("put_coupon", f"coupon:{made['code']}")


def test_nobody_spends_more_than_he_has(caller: Caller, member: str) -> None:
    path = f"/members/{member}/credit/codes"
    told(caller.post(path, {"amount": "15"}), 201)
    refused = told(caller.post(path, {"amount": "5.01"}), 409)
    assert (refused["type"], refused["available"]) == ("urn:laurel:not-enough-credit", "5.00")
    assert len(told(caller.get("/coupons", member=member))["data"]) == 1
    told(caller.post(path, {"amount": "5"}), 201)


def test_what_is_pending_cannot_be_spent(runtime: Runtime, client: FlaskClient) -> None:
    rules = make_document(cash_back={"percent": "2"}, earning={"pending_days": 36500})
    shop = make_shop(runtime, rules)
    caller = make_caller(runtime, client, shop)
    place_order(runtime, client, shop)
    member = told(caller.get("/members"))["data"][0]["id"]
    assert (credit(caller, member)["available"], credit(caller, member)["pending"]) == ("0", "20")
    told(caller.post(f"/members/{member}/credit/codes", {"amount": "1"}), 409)


def test_of_ten_requests_at_once_as_many_succeed_as_the_credit_pays(
    app: Flask, caller: Caller, member: str
) -> None:
    answers: list[int] = []

    def ask() -> None:
        mine = Caller(app.test_client(), caller.key)
        answers.append(mine.post(f"/members/{member}/credit/codes", {"amount": "8"}).status_code)

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201] * 2 + [409] * 8
    assert credit(caller, member)["held"] == "16.00"
    proof = told(caller.get("/ledger/verification", rebuild="true"))
    assert (proof["entries"], proof["details"]) == (2, [])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"amount": "-5"}, "/amount"),
        ({"amount": "0.001"}, "/amount"),
        ({}, "/amount"),
        ({"amount": "5", "store": "nobody"}, "/store"),
        ({"amount": "5", "code": "x"}, "/code"),
    ],
)
def test_mistakes_of_codes_are_named_by_path(
    caller: Caller, member: str, body: dict[str, Any], pointer: str
) -> None:
    answer = told(caller.post(f"/members/{member}/credit/codes", body), 422)
    assert [error["pointer"] for error in answer["errors"]] == [pointer]


def test_without_an_email_there_is_no_code_to_bind(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    billing = {"first_name": "", "last_name": "", "email": "", "phone": "", "country": "TW", "state": ""}
    place_order(runtime, client, shop, currency="USD", billing=billing)
    member = told(caller.get("/members"))["data"][0]["id"]
    answer = told(caller.post(f"/members/{member}/credit/codes", {"amount": "5"}), 422)
    assert answer["errors"][0]["pointer"] == "/member/email"
    assert credit(caller, member)["held"] == "0.00"


@pytest.mark.parametrize("scopes", [("read",), ("read", "write")])
def test_credit_by_hand_needs_the_scope_adjust(
    runtime: Runtime, client: FlaskClient, shop: Shop, member: str, scopes: tuple[str, ...]
) -> None:
    told(make_caller(runtime, client, shop, scopes).post(f"/members/{member}/credit/adjustments", GIFT), 403)


PATHS = ("/credit", "/credit/entries")


@pytest.mark.parametrize("path", PATHS)
def test_a_stranger_sees_no_credit_of_another_account(stranger: Caller, member: str, path: str) -> None:
    told(stranger.get(f"/members/{member}{path}"), 404)


def test_a_stranger_moves_no_credit_of_another_account(caller: Caller, stranger: Caller, member: str) -> None:
    told(stranger.post(f"/members/{member}/credit/adjustments", GIFT), 404)
    told(stranger.post(f"/members/{member}/credit/codes", {"amount": "5"}), 404)
    assert credit(caller, member)["balance"] == credit(caller, member)["available"] == "20.00"


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_member_is_404(caller: Caller, path: str) -> None:
    told(caller.get(f"/members/{uuid.uuid4()}{path}"), 404)


def test_without_a_program_no_credit_moves(runtime: Runtime, client: FlaskClient) -> None:
    shop = make_shop(runtime)
    place_order(runtime, client, shop)
    with runtime.database.transaction(shop.account) as connection:
        member = connection.exec_driver_sql("select id from members").scalar_one()
    caller = make_caller(runtime, client, shop)
    told(caller.post(f"/members/{member}/credit/adjustments", GIFT), 409)
    assert credit(caller, str(member))["balance"] == "0"


def test_what_is_handed_out_to_a_person_has_his_credit(caller: Caller, member: str) -> None:
    told(caller.post(f"/members/{member}/credit/codes", {"amount": "5"}), 201)
    handed = told(caller.get(f"/members/{member}/export"))
    assert [row["amount"] for row in handed["credit_entries"]] == [20]
