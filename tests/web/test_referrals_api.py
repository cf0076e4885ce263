"""Referrals by API."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, make_caller, place_order
from workers.runtime import Runtime

REFERRAL = {"referrer": [{"kind": "points", "points": 100}], "friend": []}


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document(referral=REFERRAL))


@pytest.fixture
def members(runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller) -> list[str]:
    """Somebody who has bought, and somebody who has only registered."""
    place_order(runtime, client, shop)
    place_order(runtime, client, shop, id=26, customer_id=8)
    return [row["id"] for row in caller.get("/members").get_json()["data"]]


def code_of(caller: Caller, member: str) -> dict[str, Any]:
    found: dict[str, Any] = caller.post(f"/members/{member}/referral-code").get_json()
    return found


def test_a_members_code_is_the_same_each_time_and_leads_to_the_shop(
    caller: Caller, members: list[str]
) -> None:
    first, again = (code_of(caller, members[0]) for _ in range(2))
    assert first == again
    assert len(first["code"]) == 8
    assert first["link"] == f"http://127.0.0.1:9/?laurel_ref={first['code']}"
    assert code_of(caller, members[1])["code"] != first["code"]


def test_who_has_bought_is_refused_with_the_reason(caller: Caller, members: list[str]) -> None:
    code = code_of(caller, members[0])["code"]
    answer = caller.post("/referrals", {"code": code, "member": members[1]})
    assert answer.status_code == 409
    assert "bought before" in answer.get_json()["detail"]


def test_who_signs_up_with_a_code_was_brought(caller: Caller, members: list[str]) -> None:
    code = code_of(caller, members[0])["code"]
    asked = {"email": "new@example.test", "referral_code": code}
    friend = caller.post("/members", asked).get_json()["id"]
    assert caller.post("/members", asked).status_code == 200
    (referral,) = caller.get("/referrals").get_json()["data"]
    assert (referral["referrer"], referral["friend"], referral["status"]) == (members[0], friend, "claimed")


def test_an_unknown_code_names_the_field(caller: Caller, members: list[str]) -> None:
    answer = caller.post("/referrals", {"code": "nobodys", "member": members[1]})
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["pointer"] == "/code"


def test_word_of_mouth_in_figures(caller: Caller, members: list[str]) -> None:
    assert caller.get("/reports/referrals").get_json() == {
        "members": 2, "inviting": 0, "claimed": 0, "completed": 0, "invitations_per_member": "0.0000",
        "conversion": None, "k_factor": "0.0000", "advocates": [],
    }  # fmt: skip
    assert caller.get("/referrals", status="review").get_json()["data"] == []


def test_reviews_need_the_scope_adjust(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    asked = {"accept": True, "reason": "known"}
    assert (
        make_caller(runtime, client, shop, ("read", "write")).post("/referrals/1/review", asked).status_code
        == 403
    )
    assert caller.post("/referrals/1/review", asked).status_code == 404


def test_a_stranger_finds_nobody(stranger: Caller, caller: Caller, members: list[str]) -> None:
    code = code_of(caller, members[0])["code"]
    assert stranger.post(f"/members/{members[0]}/referral-code").status_code == 404
    assert stranger.post("/referrals", {"code": code, "member": members[1]}).status_code == 404
