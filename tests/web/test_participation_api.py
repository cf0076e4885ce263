"""What a member took part in, and a tier that it leads to."""

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
LADDER = [
    {"key": "regular", "name": {"en": "Regular"}},
    {"key": "friend", "name": {"en": "Friend"}, "enter": {"any": [{"metric": "events", "at_least": 3}]}},
]
POINTS = {
    "key": "came", "trigger": "activity_recorded", "when": {"activities": ["event_participation"]},
    "actions": [{"kind": "points", "points": 50}],
}  # fmt: skip
NAME = {"zh-TW": "名稱", "zh-CN": "名称", "en": "Name"}


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document(tiers=LADDER, automations=[POINTS]))


@pytest.fixture
def members(runtime: Runtime, client: FlaskClient, caller: Caller, shop: Shop) -> list[str]:
    for number in (7, 8):
        place_order(runtime, client, shop, id=20 + number, customer_id=number)
    return [row["id"] for row in caller.get("/members").get_json()["data"]]


def come(caller: Caller, member: str, key: str) -> Any:
    start = utc_now() + HOUR / 2
    caller.post(
        "/events",
        {"key": key, "name": NAME, "form": "class", "online": False, "place": "Taipei",
         "starts_at": start.isoformat(), "ends_at": (start + HOUR).isoformat()},
    )  # fmt: skip
    caller.post(f"/events/{key}/sign-ups", {"member": member})
    return [caller.post(f"/events/{key}/attendance", {"member": member}) for _ in range(2)]


def test_s22_the_third_event_lifts_the_tier_and_each_gives_points_once(
    caller: Caller, members: list[str]
) -> None:
    tiers = []
    for key in ("one", "two", "three"):
        assert [answer.status_code for answer in come(caller, members[0], key)] == [200, 200]
        tiers.append(caller.get(f"/members/{members[0]}").get_json()["tier"]["key"])
    assert tiers == ["regular", "regular", "friend"]
    entries = caller.get(f"/members/{members[0]}/entries").get_json()["data"]
    assert [entry["points"] for entry in entries] == [50, 50, 50, 1000]
    assert caller.get("/ledger/verification", rebuild="true").get_json()["differences"] == 0


def test_all_that_a_member_took_part_in_is_listed(caller: Caller, members: list[str]) -> None:
    opens = (utc_now() - HOUR).isoformat()
    come(caller, members[0], "tea")
    question = {"key": "q", "kind": "text", "text": NAME}
    caller.post("/polls", {"key": "p", "name": NAME, "opens_at": opens, "questions": [question]})
    caller.post("/polls/p/answers", {"member": members[0], "answers": {"q": "x"}})
    caller.post("/challenges", {"key": "c", "name": NAME, "opens_at": opens})
    caller.post("/challenges/c/submissions", {"member": members[0], "text": "done"})
    entrants = {"kind": "members", "members": members}
    caller.post("/draws", {"key": "d", "name": NAME, "winners": 2, "entrants": entrants})
    caller.post("/draws/d/draw")
    told = caller.get(f"/members/{members[0]}/participation").get_json()
    assert [(row["event"], row["state"], row["counted"]) for row in told["sign_ups"]] == [
        ("tea", "attended", True)
    ]
    assert [(row["poll"], row["answers"]) for row in told["answers"]] == [("p", {"q": "x"})]
    assert [(row["challenge"], row["state_name"]["zh-TW"]) for row in told["submissions"]] == [
        ("c", "審核中")
    ]
    assert [(row["draw"], row["rank"] in (1, 2), row["name"]) for row in told["draws"]] == [("d", True, NAME)]
    other = caller.get(f"/members/{members[1]}/participation").get_json()
    assert [len(other[part]) for part in ("sign_ups", "answers", "submissions", "draws")] == [0, 0, 0, 1]


def test_what_staff_did_is_in_the_audit_log(caller: Caller, members: list[str]) -> None:
    come(caller, members[0], "tea")
    actions = {row["action"] for row in caller.get("/activities").get_json()["data"]}
    assert {"event.made", "event.attendance"} <= actions


def test_a_stranger_sees_nothing_of_it(stranger: Caller, members: list[str]) -> None:
    assert stranger.get(f"/members/{members[0]}/participation").status_code == 404
