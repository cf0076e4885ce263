"""Polls and surveys by API: one answer of each member, results, and what answering is worth."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from loyalty.clock import utc_now
from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, place_order
from workers.runtime import Runtime

HOUR = timedelta(hours=1)
POINTS = {
    "key": "thanks", "trigger": "activity_recorded", "when": {"activities": ["vote", "survey"]},
    "actions": [{"kind": "points", "points": 15}],
}  # fmt: skip
NAME = {"zh-TW": "口味投票", "zh-CN": "口味投票", "en": "Which taste?"}
DRINKS = [
    {"key": "tea", "text": {"zh-TW": "茶", "zh-CN": "茶", "en": "Tea"}},
    {"key": "milk", "text": {"zh-TW": "牛奶", "zh-CN": "牛奶", "en": "Milk"}},
]
DRINK = {"key": "drink", "kind": "single", "text": NAME, "options": DRINKS}
SCALE = {"key": "taste", "kind": "scale", "text": NAME, "low": 1, "high": 5}
WORDS = {"key": "words", "kind": "text", "text": NAME, "required": False}
BOTH = {"key": "both", "kind": "multiple", "text": NAME, "options": DRINKS, "required": False}


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    limits = {"activities": {"vote": {"per_day": 1}}}
    return make_shop(runtime, make_document(automations=[POINTS], limits=limits))


@pytest.fixture
def members(runtime: Runtime, client: FlaskClient, caller: Caller, shop: Shop) -> list[str]:
    for number in (7, 8, 9):
        place_order(runtime, client, shop, id=20 + number, customer_id=number)
    return [row["id"] for row in caller.get("/members").get_json()["data"]]


def poll(**parts: Any) -> dict[str, Any]:
    opens = utc_now() - HOUR
    return {"key": "taste", "name": NAME, "opens_at": opens.isoformat(), "questions": [DRINK], **parts}


def make(caller: Caller, **parts: Any) -> dict[str, Any]:
    answer = caller.post("/polls", poll(**parts))
    assert answer.status_code == 201, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def answer(caller: Caller, member: str, key: str = "taste", **answers: Any) -> Any:
    return caller.post(f"/polls/{key}/answers", {"member": member, "answers": answers})


def points(caller: Caller, member: str) -> list[int]:
    return [entry["points"] for entry in caller.get(f"/members/{member}/entries").get_json()["data"]]


def test_s100_a_member_votes_once_and_gets_points_once(caller: Caller, members: list[str]) -> None:
    assert make(caller)["activity"] == "vote"
    first = answer(caller, members[0], drink="tea")
    assert (first.status_code, first.get_json()["counted"]) == (201, True)
    assert answer(caller, members[0], drink="tea").get_json() == first.get_json()
    changed = answer(caller, members[0], drink="milk")
    assert (changed.status_code, changed.get_json()["reason"]) == (409, "answered")
    assert set(changed.get_json()["texts"]) == {"zh-TW", "zh-CN", "en"}
    assert points(caller, members[0]) == [15, 1000]


def test_s101_answers_of_a_survey_are_stored_for_each_member(caller: Caller, members: list[str]) -> None:
    assert make(caller, kind="survey", questions=[DRINK, SCALE, WORDS])["activity"] == "survey"
    said = {"drink": "tea", "taste": 4, "words": "好喝"}
    answer(caller, members[0], **said)
    answer(caller, members[1], drink="milk", taste=1)
    first = caller.get("/polls/taste/answers", limit=1).get_json()
    assert [(row["member"], row["answers"]) for row in first["data"]] == [(members[0], said)]
    rest = caller.get("/polls/taste/answers", limit=1, cursor=first["next"]).get_json()
    assert [row["member"] for row in rest["data"]] == [members[1]]
    assert points(caller, members[1]) == [15, 1000]


def test_results_count_each_option_and_average_each_scale(caller: Caller, members: list[str]) -> None:
    make(caller, questions=[DRINK, SCALE, BOTH, WORDS])
    answer(caller, members[0], drink="tea", taste=5, both=["tea", "milk"])
    answer(caller, members[1], drink="tea", taste=5, both=["milk"])
    answer(caller, members[2], drink="milk", taste=4, words="5")
    told = caller.get("/polls/taste/results").get_json()
    assert told["members"] == 3
    assert [(row["key"], row["answered"], row["counts"], row["average"]) for row in told["questions"]] == [
        ("drink", 3, {"tea": 2, "milk": 1}, None),
        ("taste", 3, {"1": 0, "2": 0, "3": 0, "4": 1, "5": 2}, "4.67"),
        ("both", 2, {"tea": 1, "milk": 2}, None),
        ("words", 1, {}, None),
    ]


def test_beyond_the_cap_the_vote_is_kept_and_gives_nothing(caller: Caller, members: list[str]) -> None:
    for key in ("one", "two"):
        make(caller, key=key)
    told = [answer(caller, members[0], key, drink="tea").get_json()["counted"] for key in ("one", "two")]
    assert told == [True, False]
    assert points(caller, members[0]) == [15, 1000]
    assert caller.get("/polls/two/results").get_json()["members"] == 1


@pytest.mark.parametrize(
    ("opens", "closes", "status"),
    [(-HOUR, None, 201), (-HOUR, HOUR, 201), (HOUR, 2 * HOUR, 409), (-2 * HOUR, -HOUR, 409)],
    ids=["without end", "open", "before", "after"],
)
def test_a_poll_has_its_window(
    caller: Caller, members: list[str], opens: timedelta, closes: timedelta | None, status: int
) -> None:
    now = utc_now()
    until = (now + closes).isoformat() if closes else None
    make(caller, opens_at=(now + opens).isoformat(), closes_at=until)
    assert answer(caller, members[0], drink="tea").status_code == status


def test_a_closed_poll_takes_no_answers(caller: Caller, members: list[str]) -> None:
    make(caller)
    closed = [caller.post("/polls/taste/close").get_json()["closes_at"] for _ in range(2)]
    assert closed[0] == closed[1] is not None
    assert answer(caller, members[0], drink="tea").get_json()["reason"] == "not_open"


def test_only_those_it_is_for_may_answer(caller: Caller, members: list[str]) -> None:
    caller.post(f"/members/{members[1]}/tags", {"add": ["vip"], "reason": "list"})
    make(caller, audience={"tags": ["vip"]})
    assert [answer(caller, member, drink="tea").status_code for member in members[:2]] == [409, 201]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"questions": []}, "/questions"), ({"questions": [DRINK, DRINK]}, "/questions"),
        ({"questions": [{**DRINK, "options": DRINKS[:1]}]}, "/questions/0/options"),
        ({"questions": [{**DRINK, "options": [DRINKS[0], DRINKS[0]]}]}, "/questions/0/options"),
        ({"questions": [{**SCALE, "high": 1}]}, "/questions/0/high"), ({"kind": "vote"}, "/kind"),
        ({"questions": [{**WORDS, "low": 1}]}, "/questions/0/low"),
        ({"closes_at": "2020-01-01T00:00:00Z"}, "/closes_at"),
        ({"audience": {"tiers": ["none"]}}, "/audience/tiers"),
    ],
)  # fmt: skip
def test_a_mistaken_poll_is_refused_with_its_field(
    caller: Caller, wrong: dict[str, Any], pointer: str
) -> None:
    refused = caller.post("/polls", {**poll(), **wrong})
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.get_json()["errors"]] == [pointer]


def test_a_mistaken_answer_is_refused_with_its_question(caller: Caller, members: list[str]) -> None:
    make(caller)
    refused = answer(caller, members[0], drink="wine")
    assert refused.get_json()["errors"][0]["pointer"] == "/answers/drink"
    assert points(caller, members[0]) == [1000]


def test_a_stranger_sees_no_poll(stranger: Caller, caller: Caller, members: list[str]) -> None:
    make(caller)
    assert stranger.get("/polls").get_json()["data"] == []
    assert {stranger.get(f"/polls/taste{end}").status_code for end in ("", "/answers", "/results")} == {404}
    assert answer(stranger, members[0], drink="tea").status_code == 404
    make(stranger)
    assert answer(stranger, members[0], drink="tea").status_code == 404
