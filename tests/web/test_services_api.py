"""Services by API: forms, steps with a closing note, who may cancel when, samples, perks by document only."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, make_caller, place_order
from workers.runtime import Runtime

FORM = [
    {"key": "day", "label": {"zh-TW": "日期", "zh-CN": "日期", "en": "Day"}, "kind": "date"},
    {
        "key": "stylist", "label": {"en": "Stylist"}, "kind": "choice", "required": False,
        "options": [{"key": "kim", "text": {"en": "Kim"}}, {"key": "lee", "text": {"en": "Lee"}}],
    },
]  # fmt: skip
MONTHLY = {"uses": 1, "period": "month"}
REWARDS: list[dict[str, Any]] = [
    {"key": "advice", "kind": "service", "points": 400, "form": FORM},
    {"key": "tasting", "kind": "sample", "points": 300, "stock": 2, "valid_days": 30},
    {"key": "dinner", "kind": "event_ticket", "points": 500, "name": {"en": "Dinner with the maker"}},
    {"key": "upgrade", "kind": "service", "points": 0, "per_member": MONTHLY, "name": {"en": "Free upgrade"}},
    {
        "key": "first-row",
        "kind": "service",
        "points": 0,
        "per_member": MONTHLY,
        "name": {"en": "Priority ticketing"},
    },
    {
        "key": "lounge-bag",
        "kind": "service",
        "points": 0,
        "per_member": MONTHLY,
        "name": {"en": "Premium goods"},
    },
]
FILLED = {"day": "2026-12-24", "stylist": "kim"}


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document(rewards=REWARDS))


@pytest.fixture
def member(runtime: Runtime, client: FlaskClient, caller: Caller, shop: Shop) -> str:
    """A member with 1000 points."""
    place_order(runtime, client, shop)
    return str(caller.get("/members").get_json()["data"][0]["id"])


@pytest.fixture
def writer(runtime: Runtime, client: FlaskClient, shop: Shop) -> Caller:
    """The member's own page: it may write, but it is no staff."""
    return make_caller(runtime, client, shop, ("read", "write"))


def redeem(caller: Caller, member: str, reward: str = "advice", **wish: Any) -> dict[str, Any]:
    wish = {"request": FILLED, **wish} if reward == "advice" else wish
    answer = caller.post(f"/members/{member}/redemptions", {"reward": reward, **wish})
    assert answer.status_code == 201, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def step(caller: Caller, redemption: dict[str, Any], state: str, note: str = "") -> Any:
    body = {"state": state} | ({"note": note} if note else {})
    return caller.post(f"/redemptions/{redemption['id']}/fulfilment", body)


def cancel(caller: Caller, redemption: dict[str, Any]) -> Any:
    path = f"/api/v1/redemptions/{redemption['id']}"
    return caller.client.delete(path, json={}, headers=caller.headers())


def points(caller: Caller, member: str) -> int:
    return int(caller.get(f"/members/{member}").get_json()["balance"]["available"])


def to_do(caller: Caller) -> list[str]:
    return [row["reward"] for row in caller.get("/redemptions", fulfilment="open").get_json()["data"]]


def proves(caller: Caller) -> bool:
    proof = caller.get("/ledger/verification", rebuild="true").get_json()
    assert proof["differences"] == 0, proof
    return True


def test_s59_service_goes_from_its_form_to_its_closing_note(caller: Caller, member: str) -> None:
    asked = redeem(caller, member)
    assert (asked["state"], asked["fulfilment"], asked["request"]) == ("issued", "open", FILLED)
    assert (to_do(caller), points(caller, member)) == (["advice"], 600)
    assert step(caller, asked, "accepted").get_json()["fulfilment"] == "accepted"
    assert to_do(caller) == []
    done = step(caller, asked, "done", "Wears navy now.").get_json()
    assert (done["fulfilment"], done["closing_note"], done["state"]) == ("done", "Wears navy now.", "issued")
    assert cancel(caller, asked).status_code == 409
    assert step(caller, asked, "refused", "late").status_code == 409
    assert (points(caller, member), proves(caller)) == (600, True)


@pytest.mark.parametrize("accepted", [False, True])
def test_refused_service_gives_its_points_back_with_the_reason(
    caller: Caller, member: str, accepted: bool
) -> None:
    asked = redeem(caller, member)
    if accepted:
        step(caller, asked, "accepted")
    refused = step(caller, asked, "refused", "Kim is ill.").get_json()
    assert (refused["state"], refused["fulfilment"], refused["closing_note"]) == (
        "cancelled",
        "refused",
        "Kim is ill.",
    )
    assert (to_do(caller), points(caller, member)) == ([], 1000)
    assert step(caller, asked, "refused", "again").status_code == 200
    assert step(caller, asked, "accepted").get_json()["fulfilment"] == "refused"
    assert (points(caller, member), proves(caller)) == (1000, True)


@pytest.mark.parametrize(
    ("before", "state", "status"),
    [("open", "done", 409), ("open", "accepted", 200), ("accepted", "accepted", 200), ("done", "accepted", 409),
     ("cancelled", "accepted", 409), ("cancelled", "done", 409)],
)  # fmt: skip
def test_steps_come_in_their_order(caller: Caller, member: str, before: str, state: str, status: int) -> None:
    asked = redeem(caller, member)
    for earlier in {"accepted": ["accepted"], "done": ["accepted", "done"]}.get(before, []):
        step(caller, asked, earlier)
    if before == "cancelled":
        assert cancel(caller, asked).get_json()["fulfilment"] == "cancelled"
    answer = step(caller, asked, state)
    assert answer.status_code == status
    assert status == 200 or answer.get_json()["type"] in (
        "urn:laurel:step-not-possible",
        "urn:laurel:redemption-ended",
    )


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"state": "open"}, "/state"), ({"state": "refused"}, "/note"), ({"state": "refused", "note": " "}, "/note"),
     ({"state": "accepted", "note": "x"}, "/note"), ({}, "/state"), ({"state": "done", "more": 1}, "/more")],
)  # fmt: skip
def test_mistaken_step_is_refused_with_its_field(
    caller: Caller, member: str, body: dict[str, Any], pointer: str
) -> None:
    asked = redeem(caller, member)
    answer = caller.post(f"/redemptions/{asked['id']}/fulfilment", body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


def test_form_is_checked_before_anything_is_taken(caller: Caller, member: str) -> None:
    for request, pointer in (({}, "/request/day"), ({**FILLED, "stylist": "bob"}, "/request/stylist")):
        answer = caller.post(f"/members/{member}/redemptions", {"reward": "advice", "request": request})
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
    assert points(caller, member) == 1000


def test_what_is_accepted_only_staff_may_cancel(caller: Caller, writer: Caller, member: str) -> None:
    first, second = redeem(writer, member), redeem(writer, member)
    assert cancel(writer, first).get_json()["fulfilment"] == "cancelled"
    step(writer, second, "accepted")
    assert cancel(writer, second).status_code == 403
    assert points(caller, member) == 600
    assert cancel(caller, second).get_json()["fulfilment"] == "cancelled"
    assert (points(caller, member), proves(caller)) == (1000, True)


def test_s57_sample_is_given_until_none_is_left(caller: Caller, member: str) -> None:
    first = redeem(caller, member, "tasting")
    redeem(caller, member, "tasting")
    refused = caller.post(f"/members/{member}/redemptions", {"reward": "tasting"})
    assert (refused.status_code, refused.get_json()["refusals"]) == (409, ["out_of_stock"])
    step(caller, first, "accepted")
    assert step(caller, first, "done").get_json()["ends_at"] is None
    assert caller.post(f"/members/{member}/redemptions", {"reward": "tasting"}).status_code == 409
    assert proves(caller)


def test_s62_experience_is_paid_with_points_and_carried_out_by_hand(caller: Caller, member: str) -> None:
    asked = redeem(caller, member, "dinner")
    assert (asked["fulfilment"], asked["event"], points(caller, member)) == ("open", None, 500)
    step(caller, asked, "accepted")
    assert step(caller, asked, "done", "Table 4").get_json()["closing_note"] == "Table 4"
    assert [entry["points"] for entry in caller.get(f"/members/{member}/entries").get_json()["data"]] == [
        -500,
        1000,
    ]
    assert proves(caller)


def test_s60_perks_are_claimed_once_a_month_by_their_document_only(caller: Caller, member: str) -> None:
    for key in ("upgrade", "first-row", "lounge-bag"):
        claimed = redeem(caller, member, key)
        assert (claimed["points"], claimed["fulfilment"]) == (0, "open")
        again = caller.post(f"/members/{member}/redemptions", {"reward": key})
        assert (again.status_code, again.get_json()["refusals"]) == (409, ["used_up"])
    assert to_do(caller) == ["lounge-bag", "first-row", "upgrade"]
    assert (points(caller, member), proves(caller)) == (1000, True)


def test_list_of_what_is_to_be_done_comes_page_by_page(caller: Caller, member: str) -> None:
    for key in ("upgrade", "first-row", "lounge-bag"):
        redeem(caller, member, key)
    first = caller.get("/redemptions", fulfilment="open", limit=2).get_json()
    rest = caller.get("/redemptions", fulfilment="open", limit=2, cursor=first["next"]).get_json()
    assert [row["reward"] for row in first["data"] + rest["data"]] == ["lounge-bag", "first-row", "upgrade"]
    assert rest["next"] is None


def test_a_repeated_step_is_answered_as_before(caller: Caller, member: str) -> None:
    path = f"/redemptions/{redeem(caller, member)['id']}/fulfilment"
    first, again = (caller.post(path, {"state": "accepted"}, Idempotency_Key="f-1") for _ in range(2))
    assert (first.status_code, first.get_json()) == (200, again.get_json())


def test_what_was_asked_for_is_forgotten_with_the_person(caller: Caller, member: str) -> None:
    asked = redeem(caller, member)
    step(caller, asked, "accepted")
    step(caller, asked, "done", "Amy liked it")
    exported = caller.get(f"/members/{member}/export").get_json()["redemptions"]
    assert [(row["request"], row["closing_note"]) for row in exported] == [(FILLED, "Amy liked it")]
    assert caller.post(f"/members/{member}/erasure", {"reason": "asked"}).status_code == 200
    left = caller.get(f"/redemptions/{asked['id']}").get_json()
    assert (left["request"], left["closing_note"], left["fulfilment"]) == ({}, "", "done")


def test_a_stranger_sees_and_moves_no_service(stranger: Caller, caller: Caller, member: str) -> None:
    asked = redeem(caller, member)
    assert stranger.get("/redemptions", fulfilment="open").get_json()["data"] == []
    assert stranger.get(f"/redemptions/{asked['id']}").status_code == 404
    assert step(stranger, asked, "accepted").status_code == 404
    assert cancel(stranger, asked).status_code == 404
    assert to_do(caller) == ["advice"]


def test_steps_need_the_scope_write(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str
) -> None:
    asked = redeem(caller, member)
    reader = make_caller(runtime, client, shop, ("read",))
    assert step(reader, asked, "accepted").status_code == 403
