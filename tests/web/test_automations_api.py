"""Segments, automations and messages by API."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, make_caller, place_order
from workers.runtime import Runtime

SPENDERS = {
    "key": "spenders", "name": {"en": "Spenders", "zh-TW": "大戶"},
    "all": [
        {"kind": "metric", "metric": "spend", "at_least": "1000"},
        {"kind": "days_since", "since": "joined", "at_least": 0},
    ],
}  # fmt: skip
BODY = {"en": "{points} {points_name}", "zh-TW": "{points}{points_name}"}
THANKS = {"thanks": {"subject": {"en": "Thanks {name}"}, "body": BODY}}
RULE: dict[str, Any] = {
    "key": "thanks", "trigger": "order_paid", "name": {"en": "Thanks"},
    "actions": [{"kind": "points", "points": 30}, {"kind": "message", "message": "thanks"}],
}  # fmt: skip


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document(segments=[SPENDERS], automations=[RULE], messages=THANKS))


@pytest.fixture
def member(runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller) -> str:
    place_order(runtime, client, shop)
    return str(caller.get("/members").get_json()["data"][0]["id"])


def test_segments_have_sizes_members_and_reasons(caller: Caller, member: str) -> None:
    assert caller.get("/segments").get_json()["data"] == [
        {"key": "spenders", "name": SPENDERS["name"], "members": 1}
    ]
    assert [row["id"] for row in caller.get("/segments/spenders/members").get_json()["data"]] == [member]
    found = caller.get(f"/members/{member}/segments").get_json()
    (segment,) = found["segments"]
    assert segment["is_in"]
    spend, joined = segment["criteria"]
    assert (spend["met"], spend["value"], spend["at_least"]) == (True, "1000", "1000")
    assert (joined["met"], joined["since"]) == (True, "joined")
    assert [(row["segment"], row["entered"]) for row in found["history"]] == [("spenders", True)]


@pytest.mark.parametrize(("at_least", "members"), [("1000", 1), ("1001", 0)])
def test_a_segment_is_counted_before_it_is_published(
    caller: Caller, member: str, at_least: str, members: int
) -> None:
    window = {"kind": "rolling", "months": 36}
    criterion = {"kind": "metric", "metric": "spend", "at_least": at_least, "window": window}
    answer = caller.post("/segments/preview", {"segment": {"key": "new", "all": [criterion]}})
    assert answer.get_json() == {"members": members, "of": 1, "named": [member] * members}


def test_of_two_who_are_one_person_one_is_counted(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, member: str
) -> None:
    place_order(runtime, client, shop, id=26, customer_id=8)
    other = next(row["id"] for row in caller.get("/members").get_json()["data"] if row["id"] != member)
    assert (
        caller.post(f"/members/{member}/merges", {"member": other, "reason": "one person"}).status_code == 201
    )
    for months in (3, 36):
        window = {"kind": "rolling", "months": months}
        criterion = {"kind": "metric", "metric": "orders", "at_least": 2, "window": window}
        answer = caller.post("/segments/preview", {"segment": {"key": "new", "all": [criterion]}}).get_json()
        assert (answer["of"], answer["members"]) == (1, int(months == 36)), months


def test_an_automation_is_counted_before_it_is_published(caller: Caller, member: str) -> None:
    condition = {"kind": "tier", "none_of": ["regular"]}
    for conditions, members in (([], 1), ([condition], 0)):
        asked = {"automation": {**RULE, "conditions": conditions}}
        assert caller.post("/automations/preview", asked).get_json()["members"] == members


def test_a_mistake_in_a_preview_is_told_with_its_path(caller: Caller, member: str) -> None:
    asked = {"automation": {**RULE, "trigger": "full_moon"}}
    answer = caller.post("/automations/preview", asked)
    assert answer.status_code == 422
    assert "/automations/0/trigger" in {error["pointer"] for error in answer.get_json()["errors"]}


def test_automations_are_listed(caller: Caller) -> None:
    assert caller.get("/automations").get_json()["data"] == [
        {
            "key": "thanks",
            "name": {"en": "Thanks"},
            "trigger": "order_paid",
            "once_per": "cause",
            "dated": False,
        }
    ]


def test_messages_are_shown_in_every_language(caller: Caller, member: str) -> None:
    (message,) = caller.get("/messages").get_json()["data"]
    assert (message["member"], message["kind"], message["target"]) == (member, "message", "thanks")
    assert message["text"]["body"] == {"en": "30 points", "zh-TW": "30積分", "zh-CN": "30 积分"}
    assert message["text"]["subject"]["en"] == "Thanks Amy Chen"
    assert caller.get("/messages", member=member).get_json()["data"] == [message]


def test_the_entry_of_a_bonus_is_told_in_words(caller: Caller, member: str) -> None:
    entries = caller.get(f"/members/{member}/entries").get_json()["data"]
    assert entries[0]["reason"]["en"] == "Thanks: 30 points given"
    assert entries[0]["reason"]["zh-TW"] == "「Thanks」贈送 30 積分"


def test_the_signing_key_needs_the_scope_adjust(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller
) -> None:
    assert len(caller.get("/webhook-signing").get_json()["secret"]) == 64
    reader = make_caller(runtime, client, shop, ("read",))
    assert reader.get("/webhook-signing").status_code == 403


def test_a_stranger_sees_none_of_it(stranger: Caller, member: str) -> None:
    assert stranger.get("/segments").get_json()["data"] == []
    assert stranger.get("/segments/spenders/members").get_json()["data"] == []
    assert stranger.get(f"/members/{member}/segments").status_code == 404
    assert stranger.get("/automations").get_json()["data"] == []
    assert stranger.get("/messages").get_json()["data"] == []
    assert stranger.get("/messages", member=member).get_json()["data"] == []
