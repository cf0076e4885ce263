"""Redemptions by API: asked once, refused with their reasons, listed, taken back."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from loyalty.values import new_id
from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, make_caller, place_order
from workers.runtime import Runtime

REWARDS = [
    {"key": "off", "kind": "fixed_discount", "points": 400, "amount": "50", "valid_days": 30},
    {
        "key": "any",
        "kind": "variable_discount",
        "points": 1,
        "amount": "0.5",
        "min": 100,
        "max": 600,
        "step": 100,
    },
    {"key": "talk", "kind": "service", "points": 0},
    {"key": "partner", "kind": "external", "points": 100},
    {"key": "gold-only", "kind": "service", "points": 1, "from_tier": "gold"},
    {"key": "gift", "kind": "fixed_discount", "amount": "50"},
    {"key": "card", "kind": "gift_card", "points": 1, "amount": "50"},
]
TIERS = [
    {"key": "regular", "name": {"en": "Regular"}},
    {"key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "9999"}]}},
]


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document(rewards=REWARDS, tiers=TIERS))


@pytest.fixture
def member(runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller) -> str:
    """A member with 1,000 points."""
    place_order(runtime, client, shop)
    return str(body(caller.get("/members"))["data"][0]["id"])


def body(answer: Any) -> dict[str, Any]:
    assert answer.json is not None
    return dict(answer.json)


def delete(caller: Caller, path: str, **given: Any) -> Any:
    return caller.client.delete(f"/api/v1{path}", json=given, headers=caller.headers())


def balance(caller: Caller, member: str) -> tuple[int, int]:
    found = body(caller.get(f"/members/{member}"))["balance"]
    return found["available"], found["held"]


def test_redemption_is_answered_with_its_state_and_can_be_read(caller: Caller, member: str) -> None:
    answer = caller.post(f"/members/{member}/redemptions", {"reward": "off"})
    assert answer.status_code == 201
    told = body(answer)
    assert (told["state"], told["coupon"], told["points"], told["member"]) == ("requested", None, 400, member)
    assert body(caller.get(f"/redemptions/{told['id']}")) == told
    assert body(caller.get("/redemptions", member=member))["data"] == [told]
    assert balance(caller, member) == (600, 400)
    assert body(caller.get("/activities"))["data"][0]["action"] == "reward.redeemed"


def test_repeated_request_redeems_once(caller: Caller, member: str) -> None:
    first, again = (
        caller.post(f"/members/{member}/redemptions", {"reward": "off"}, Idempotency_Key="cart-7")
        for _ in range(2)
    )
    assert (body(first), again.status_code) == (body(again), 201)
    assert balance(caller, member) == (600, 400)


@pytest.mark.parametrize(
    ("wish", "refusals", "missing"),
    [
        ({"reward": "gold-only"}, ["tier"], None),
        ({"reward": "gift"}, ["not_redeemable"], None),
        ({"reward": "card"}, ["not_offered"], None),
        ({"reward": "nothing"}, ["unknown"], None),
    ],
)
def test_refusal_names_its_reasons(
    caller: Caller, member: str, wish: dict[str, Any], refusals: list[str], missing: int | None
) -> None:
    answer = caller.post(f"/members/{member}/redemptions", wish)
    assert answer.status_code == 409
    assert body(answer)["refusals"] == refusals
    assert balance(caller, member) == (1000, 0)


def test_missing_points_are_told(caller: Caller, member: str) -> None:
    for _ in range(2):
        caller.post(f"/members/{member}/redemptions", {"reward": "off"})
    answer = caller.post(f"/members/{member}/redemptions", {"reward": "off"})
    assert (answer.status_code, body(answer)["type"]) == (409, "urn:laurel:not-enough-points")
    assert (body(answer)["missing"], balance(caller, member)) == (200, (200, 800))


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({}, "/reward"),
        ({"reward": "any"}, "/points"),
        ({"reward": "any", "points": 50}, "/points"),
        ({"reward": "any", "points": 150}, "/points"),
        ({"reward": "any", "points": 700}, "/points"),
        ({"reward": "any", "amount": "50.5"}, "/amount"),
        ({"reward": "any", "amount": "-1"}, "/amount"),
        ({"reward": "off", "points": 5}, "/points"),
        ({"reward": "off", "store": "none"}, "/store"),
        ({"reward": "off", "colour": "red"}, "/colour"),
    ],
)
def test_mistakes_are_named_by_path(caller: Caller, member: str, wish: dict[str, Any], pointer: str) -> None:
    answer = caller.post(f"/members/{member}/redemptions", wish)
    assert answer.status_code == 422
    assert [error["pointer"] for error in body(answer)["errors"]] == [pointer]
    assert balance(caller, member) == (1000, 0)


def test_exact_amount_costs_the_next_step_of_points(caller: Caller, member: str) -> None:
    told = body(
        caller.post(f"/members/{member}/redemptions", {"reward": "any", "amount": "120", "checkout": True})
    )
    assert (told["points"], told["amount"], told["hold_until"] is not None) == (300, "120", True)


def test_claim_without_points_is_there_at_once_and_can_be_taken_back(caller: Caller, member: str) -> None:
    told = body(caller.post(f"/members/{member}/redemptions", {"reward": "talk", "request": {"size": "M"}}))
    assert (told["state"], told["points"], told["request"]) == ("issued", 0, {"size": "M"})
    answer = delete(caller, f"/redemptions/{told['id']}", reason="changed my mind")
    assert (answer.status_code, body(answer)["state"]) == (202, "cancelled")
    assert delete(caller, f"/redemptions/{told['id']}").status_code == 409


def test_hold_of_another_system_is_captured_there(caller: Caller, member: str) -> None:
    told = body(caller.post(f"/members/{member}/redemptions", {"reward": "partner"}))
    assert (told["state"], balance(caller, member)) == ("held", (900, 100))
    answer = caller.post(f"/redemptions/{told['id']}/capture")
    assert (answer.status_code, body(answer)["state"], balance(caller, member)) == (200, "used", (900, 0))


def test_statement_names_the_reward(caller: Caller, member: str) -> None:
    told = body(caller.post(f"/members/{member}/redemptions", {"reward": "partner"}))
    caller.post(f"/redemptions/{told['id']}/capture")
    entry = body(caller.get(f"/members/{member}/entries"))["data"][0]
    assert (entry["kind"], entry["points"]) == ("redemption", -100)
    assert "100" in entry["reason"]["zh-TW"]


def test_stranger_sees_and_ends_nothing(caller: Caller, stranger: Caller, member: str) -> None:
    told = body(caller.post(f"/members/{member}/redemptions", {"reward": "partner"}))
    assert stranger.post(f"/members/{member}/redemptions", {"reward": "off"}).status_code == 409
    assert stranger.get(f"/redemptions/{told['id']}").status_code == 404
    assert delete(stranger, f"/redemptions/{told['id']}").status_code == 404
    assert stranger.post(f"/redemptions/{told['id']}/capture").status_code == 404
    assert body(stranger.get("/redemptions"))["data"] == []
    assert balance(caller, member) == (900, 100)


def test_key_that_only_reads_redeems_nothing(
    runtime: Runtime, client: FlaskClient, shop: Shop, member: str
) -> None:
    reader = make_caller(runtime, client, shop, ("read",))
    assert reader.post(f"/members/{member}/redemptions", {"reward": "off"}).status_code == 403
    assert reader.get("/redemptions").status_code == 200


def test_nobody_redeems_for_a_member_that_is_not_there(caller: Caller, member: str) -> None:
    assert caller.post(f"/members/{new_id()}/redemptions", {"reward": "off"}).status_code == 404
    assert caller.get(f"/redemptions/{new_id()}").status_code == 404
