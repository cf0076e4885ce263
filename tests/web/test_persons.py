"""Birthdays that cannot be changed at will, and consents as a log that only grows."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.builders import Shop
from tests.web.conftest import Caller, make_caller
from workers.runtime import Runtime


@pytest.fixture
def member(caller: Caller) -> str:
    made = caller.post("/members", {"email": "bo@example.test"}).json
    assert made is not None
    return str(made["id"])


@pytest.fixture
def clerk(runtime: Runtime, client: FlaskClient, shop: Shop) -> Caller:
    """A key without the scope adjust, as a shop's own pages use one."""
    return make_caller(runtime, client, shop, ("read", "write"))


def test_u89_a_second_change_of_the_birthday_needs_staff(caller: Caller, clerk: Caller, member: str) -> None:
    path = f"/members/{member}/birthday"
    assert clerk.put(path, {"month": 5, "day": 4}).status_code == 200
    assert clerk.put(path, {"month": 5, "day": 4}).status_code == 200
    refused = clerk.put(path, {"month": 6, "day": 4})
    assert (refused.status_code, refused.json["type"]) == (403, "urn:laurel:not-permitted")  # type: ignore[index]
    assert caller.put(path, {"month": 6, "day": 4, "year": 1990}).status_code == 200
    shown = caller.get(f"/members/{member}").json
    assert shown is not None
    assert shown["birthday"] == {"month": 6, "day": 4, "year": 1990}
    assert (
        clerk.post("/members", {"email": "bo@example.test", "birthday": {"month": 1, "day": 1}}).status_code
        == 403
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"month": 2, "day": 29}, 200),
        ({"month": 2, "day": 29, "year": 2000}, 200),
        ({"month": 2, "day": 29, "year": 2001}, 422),
        ({"month": 2, "day": 30}, 422),
        ({"month": 4, "day": 31}, 422),
        ({"month": 13, "day": 1}, 422),
        ({"month": 0, "day": 1}, 422),
        ({"month": 1, "day": 0}, 422),
        ({"month": 1, "day": 1, "year": 2999}, 422),
        ({"month": 1}, 422),
    ],
)
def test_only_days_that_exist(caller: Caller, member: str, body: dict[str, Any], status: int) -> None:
    assert caller.put(f"/members/{member}/birthday", body).status_code == status


def test_consents_are_a_log_and_the_last_word_holds(caller: Caller, stranger: Caller, member: str) -> None:
    path = f"/members/{member}/consents"
    first = caller.post(path, {"purpose": "email", "granted": True, "source": "checkout", "wording": "v2"})
    assert first.status_code == 201
    caller.post(path, {"purpose": "sms", "granted": True})
    caller.post(path, {"purpose": "email", "granted": False})
    shown, log = caller.get(f"/members/{member}").json, caller.get("/consents", member=member).json
    assert shown is not None
    assert log is not None
    assert shown["consents"] == {"email": False, "sms": True}
    assert [(row["purpose"], row["granted"], row["source"], row["wording"]) for row in log["data"]] == [
        ("email", False, "api", ""), ("sms", True, "api", ""), ("email", True, "checkout", "v2"),
    ]  # fmt: skip
    assert stranger.get("/consents").json == {"data": [], "next": None}
    assert stranger.post(path, {"purpose": "email", "granted": True}).status_code == 404
    assert stranger.put(f"/members/{member}/birthday", {"month": 1, "day": 1}).status_code == 404
    assert caller.post(path, {"purpose": "E mail", "granted": True}).status_code == 422


def test_signing_up_may_say_it_all_at_once(caller: Caller) -> None:
    made = caller.post(
        "/members",
        {
            "phone": "+886912345678",
            "birthday": {"month": 2, "day": 29},
            "consents": [{"purpose": "sms", "granted": True}],
        },
    ).json
    assert made is not None
    shown = caller.get(f"/members/{made['id']}").json
    assert shown is not None
    assert (shown["birthday"]["day"], shown["consents"]) == (29, {"sms": True})
    assert shown["identities"] == [{"kind": "phone", "value": "+886912345678", "member": made["id"]}]


def test_a_merged_member_hands_on_birthday_and_consents(caller: Caller, member: str) -> None:
    other = caller.post("/members", {"phone": "+886912345678", "birthday": {"month": 3, "day": 1}}).json
    assert other is not None
    caller.post(f"/members/{other['id']}/consents", {"purpose": "sms", "granted": True})
    caller.post(f"/members/{member}/merges", {"member": other["id"], "reason": "x"})
    shown = caller.get(f"/members/{member}").json
    assert shown is not None
    assert (shown["birthday"]["month"], shown["consents"]) == (3, {"sms": True})
    assert [row["kind"] for row in shown["identities"]] == ["email", "phone"]
    assert caller.put(f"/members/{other['id']}/birthday", {"month": 1, "day": 1}).status_code == 409


def make_born(caller: Caller, email: str, month: int | None = None) -> str:
    """Somebody whose birthday is the first of a month, where one is given."""
    birthday = {"birthday": {"month": month, "day": 1}} if month else {}
    made = caller.post("/members", {"email": email, **birthday}).json
    assert made is not None
    return str(made["id"])


def months(caller: Caller, *members: str) -> list[int | None]:
    found = [caller.get(f"/members/{member}").json["birthday"] for member in members]  # type: ignore[index]
    return [birthday["month"] if birthday else None for birthday in found]


def merge(caller: Caller, survivor: str, other: str) -> int:
    answer = caller.post(f"/members/{survivor}/merges", {"member": other, "reason": "x"}).json
    assert answer is not None
    return int(answer["number"])


def test_u89_a_merged_ones_birthday_is_the_survivors_and_another_date_needs_staff(
    caller: Caller, clerk: Caller, member: str
) -> None:
    other = make_born(caller, "cy@example.test", 3)
    number = merge(caller, member, other)
    path = f"/members/{member}/birthday"
    assert [clerk.put(path, {"month": month, "day": 1}).status_code for month in (4, 3)] == [403, 200]
    signed_up = {"email": "bo@example.test", "birthday": {"month": 4, "day": 1}}
    assert clerk.post("/members", signed_up).status_code == 403
    assert months(caller, member) == [3]
    assert caller.put(path, {"month": 4, "day": 1}).status_code == 200
    assert clerk.put(path, {"month": 3, "day": 1}).status_code == 403
    assert months(caller, member) == [4]
    caller.post(f"/members/{member}/merges/{number}/undo", {"reason": "x"})
    assert months(caller, member, other) == [4, 3]


def test_a_birthday_that_was_only_borrowed_goes_with_its_owner(
    caller: Caller, clerk: Caller, member: str
) -> None:
    other = make_born(caller, "cy@example.test", 3)
    number = merge(caller, member, other)
    caller.post(f"/members/{member}/merges/{number}/undo", {"reason": "x"})
    assert months(caller, member, other) == [None, 3]
    assert clerk.put(f"/members/{member}/birthday", {"month": 4, "day": 1}).status_code == 200


def test_of_several_birthdays_the_own_one_goes_first_and_then_the_one_noted_first(caller: Caller) -> None:
    early, late = make_born(caller, "a@example.test", 3), make_born(caller, "b@example.test", 5)
    none, own = make_born(caller, "c@example.test"), make_born(caller, "d@example.test", 7)
    merge(caller, none, late)
    assert months(caller, none) == [5]
    merge(caller, none, early)
    assert months(caller, none) == [3]
    merge(caller, own, none)
    assert months(caller, own, none, early, late) == [7, None, 3, 5]
