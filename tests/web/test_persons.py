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
