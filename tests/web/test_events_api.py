"""Events by API: seats, the waiting list, gates, check-in and attendance."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from loyalty.clock import utc_now
from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, make_caller, place_order
from workers.runtime import Runtime

HOUR = timedelta(hours=1)
LADDER = [
    {"key": "regular", "name": {"en": "Regular"}},
    {"key": "fan", "name": {"en": "Fan"}, "enter": {"any": [{"metric": "events", "at_least": 1}]}},
]
POINTS = {
    "key": "came", "trigger": "activity_recorded", "when": {"activities": ["event_participation"]},
    "actions": [{"kind": "points", "points": 50}],
}  # fmt: skip
MOVED_UP = {
    "subject": {"zh-TW": "輪到您了", "zh-CN": "轮到您了", "en": "You are in"},
    "body": {"en": "On {date}"},
}
NAME = {"zh-TW": "茶會", "zh-CN": "茶会", "en": "Tea party"}


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    document = make_document(tiers=LADDER, automations=[POINTS], messages={"moved-up": MOVED_UP})
    return make_shop(runtime, document)


@pytest.fixture
def members(runtime: Runtime, client: FlaskClient, caller: Caller, shop: Shop) -> list[str]:
    for number in (7, 8, 9):
        place_order(runtime, client, shop, id=20 + number, customer_id=number)
    return [row["id"] for row in caller.get("/members").get_json()["data"]]


def event(starts: datetime | None = None, **parts: Any) -> dict[str, Any]:
    start = starts or utc_now() + HOUR / 2
    return {
        "key": "tea", "name": NAME, "form": "meet", "online": False, "place": "Taipei, Road 1",
        "starts_at": start.isoformat(), "ends_at": (start + HOUR).isoformat(), **parts,
    }  # fmt: skip


def make(caller: Caller, **parts: Any) -> dict[str, Any]:
    answer = caller.post("/events", event(**parts))
    assert answer.status_code == 201, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def sign_up(caller: Caller, member: str, path: str = "sign-ups", **more: Any) -> Any:
    return caller.post(f"/events/tea/{path}", {"member": member, **more})


def states(caller: Caller) -> list[str]:
    return [row["state"] for row in caller.get("/events/tea/sign-ups").get_json()["data"]]


def test_an_event_is_made_with_its_goal_theme_form_and_channels(caller: Caller) -> None:
    parts = {"goal": {"measure": "attended", "at_least": 2}, "theme": {"en": "Spring"}, "channels": ["line"]}
    made = make(caller, **parts)
    assert {name: made[name] for name in parts} == parts
    assert made["form_name"] == {"zh-TW": "聚會", "zh-CN": "聚会", "en": "Meet-up"}
    shown = caller.get("/events/tea").get_json()
    assert (shown["reached"], shown["goal_reached"], shown["activity"]) == (0, False, "event_participation")
    assert [row["key"] for row in caller.get("/events").get_json()["data"]] == ["tea"]


@pytest.mark.parametrize(
    ("form", "way"),
    [("lecture", "code"), ("meet", "code"), ("community", "code"), ("workshop", "code"), ("class", "code"),
     ("contest", "staff"), ("trial", "staff"), ("other", "staff")],
)  # fmt: skip
def test_s97_the_form_changes_the_way_to_check_in_only(caller: Caller, form: str, way: str) -> None:
    start = utc_now() + HOUR / 2
    made = make(caller, starts=start, form=form)
    other = make(caller, starts=start, key="other", form="meet")
    own = ("id", "key", "form", "form_name", "check_in", "opens_at")
    assert made["check_in"] == way
    assert {k: v for k, v in made.items() if k not in own} == {k: v for k, v in other.items() if k not in own}


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"ends_at": "2020-01-01T00:00:00Z"}, "/ends_at"), ({"form": "party"}, "/form"), ({"name": {}}, "/name"),
        ({"key": "Tea Party"}, "/key"), ({"capacity": 0}, "/capacity"), ({"message": "none"}, "/message"),
        ({"audience": {"tiers": ["none"]}}, "/audience/tiers"), ({"name": {"fr": "Thé"}}, "/name/fr"),
        ({"audience": {"segments": ["none"]}}, "/audience/segments"), ({"more": 1}, "/more"),
        ({"starts_at": "2030-01-01T00:00:00"}, "/starts_at"),
    ],
)  # fmt: skip
def test_a_mistaken_event_is_refused_with_its_field(
    caller: Caller, wrong: dict[str, Any], pointer: str
) -> None:
    answer = caller.post("/events", {**event(), **wrong})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


def test_a_key_is_used_once(caller: Caller) -> None:
    make(caller)
    answer = caller.post("/events", event())
    assert (answer.status_code, answer.get_json()["reason"]) == (409, "key_taken")


def test_the_first_who_waits_moves_up_and_is_told_once(caller: Caller, members: list[str]) -> None:
    make(caller, capacity=1, waiting_list=True, message="moved-up")
    told = [sign_up(caller, member).get_json()["state"] for member in members]
    assert told == ["signed_up", "waiting", "waiting"]
    for _ in range(2):
        assert sign_up(caller, members[0], "cancellations").get_json()["state"] == "cancelled"
    assert states(caller) == ["cancelled", "signed_up", "waiting"]
    assert caller.get("/events/tea").get_json()["taken"] == 1
    (message,) = caller.get("/messages").get_json()["data"]
    assert (message["member"], message["text"]["subject"]) == (members[1], MOVED_UP["subject"])
    assert sign_up(caller, members[0]).get_json()["state"] == "waiting"
    assert sign_up(caller, members[2], "cancellations").get_json()["state"] == "cancelled"
    assert len(caller.get("/messages").get_json()["data"]) == 1


def test_more_seats_go_to_those_who_wait_and_fewer_than_taken_are_refused(
    caller: Caller, members: list[str]
) -> None:
    make(caller, capacity=1, waiting_list=True)
    for member in members:
        sign_up(caller, member)
    parts = {name: value for name, value in event(waiting_list=True).items() if name != "key"}
    changed = caller.put("/events/tea", {**parts, "capacity": 2})
    assert (changed.status_code, changed.get_json()["taken"]) == (200, 2)
    assert states(caller) == ["signed_up", "signed_up", "waiting"]
    fewer = caller.put("/events/tea", {**parts, "capacity": 1})
    assert (fewer.status_code, fewer.get_json()["reason"]) == (409, "fewer_seats")
    assert caller.put("/events/tea", {**parts, "capacity": None}).get_json()["taken"] == 3


def test_without_a_waiting_list_a_full_event_refuses(caller: Caller, members: list[str]) -> None:
    make(caller, capacity=1)
    assert [sign_up(caller, member).status_code for member in (members[0], members[0], members[1])] == [
        201, 201, 409,
    ]  # fmt: skip
    refused = sign_up(caller, members[1]).get_json()
    assert refused["reason"] == "full"
    assert set(refused["texts"]) == {"zh-TW", "zh-CN", "en"}


@pytest.mark.parametrize(
    ("audience", "status"),
    [({"tiers": ["fan"]}, 409), ({"tiers": ["regular"]}, 201), ({"tags": ["press"]}, 409),
     ({"tiers": ["regular", "fan"], "tags": ["vip", "press"]}, 201), ({"tiers": ["fan"], "tags": ["vip"]}, 409)],
)  # fmt: skip
def test_s56_the_gate_is_judged_when_somebody_signs_up(
    caller: Caller, members: list[str], audience: dict[str, Any], status: int
) -> None:
    caller.post(f"/members/{members[0]}/tags", {"add": ["vip"], "reason": "list"})
    make(caller, audience=audience)
    answer = sign_up(caller, members[0])
    assert answer.status_code == status
    assert status == 201 or answer.get_json()["reason"] == "not_invited"


@pytest.mark.parametrize(
    ("opens", "closes", "status"),
    [(-HOUR, HOUR, 201), (HOUR, 2 * HOUR, 409), (-2 * HOUR, -HOUR, 409)], ids=["open", "before", "after"],
)  # fmt: skip
def test_sign_up_has_its_window(
    caller: Caller, members: list[str], opens: timedelta, closes: timedelta, status: int
) -> None:
    now = utc_now()
    make(
        caller,
        starts=now + 3 * HOUR,
        opens_at=(now + opens).isoformat(),
        closes_at=(now + closes).isoformat(),
    )
    assert sign_up(caller, members[0]).status_code == status


def test_s56_coming_gives_points_once_and_counts_as_an_event(caller: Caller, members: list[str]) -> None:
    make(caller)
    sign_up(caller, members[0])
    code = caller.get("/events/tea/check-in-code").get_json()["code"]
    wrong = sign_up(caller, members[0], "check-ins", code="22222222")
    assert (wrong.status_code, wrong.get_json()["reason"]) == (409, "wrong_code")
    for _ in range(2):
        came = sign_up(caller, members[0], "check-ins", code=code.upper())
        assert (came.status_code, came.get_json()["state"], came.get_json()["counted"]) == (
            200, "attended", True,
        )  # fmt: skip
    assert sign_up(caller, members[0], "attendance").get_json()["state"] == "attended"
    entries = caller.get(f"/members/{members[0]}/entries").get_json()["data"]
    assert [entry["points"] for entry in entries] == [50, 1000]
    assert caller.get(f"/members/{members[0]}").get_json()["tier"]["key"] == "fan"
    assert sign_up(caller, members[0], "cancellations").get_json()["reason"] == "too_late"


def test_only_who_has_a_seat_may_come(caller: Caller, members: list[str]) -> None:
    make(caller, capacity=1, waiting_list=True)
    sign_up(caller, members[0])
    sign_up(caller, members[1])
    refused = [sign_up(caller, member, "attendance").get_json()["reason"] for member in members[1:]]
    assert refused == ["not_signed_up"] * 2


def test_who_did_not_come_gets_nothing_and_may_be_corrected(caller: Caller, members: list[str]) -> None:
    make(caller)
    sign_up(caller, members[0])
    told = [
        sign_up(caller, members[0], "attendance", came=came).get_json()["state"] for came in (False, True)
    ]
    assert told == ["absent", "attended"]
    assert len(caller.get(f"/members/{members[0]}/entries").get_json()["data"]) == 2


@pytest.mark.parametrize(
    ("starts", "reason"),
    [(HOUR + HOUR / 30, "too_early"), (-2 * HOUR, "not_open"), (HOUR / 2, None)],
    ids=["more than an hour before", "after its end", "within the hour"],
)
def test_the_code_works_from_an_hour_before_until_the_end(
    caller: Caller, members: list[str], starts: timedelta, reason: str | None
) -> None:
    now = utc_now()
    window = {"opens_at": (now - HOUR).isoformat(), "closes_at": (now + HOUR).isoformat()}
    make(caller, starts=now + starts, **window)
    sign_up(caller, members[0])
    code = caller.get("/events/tea/check-in-code").get_json()["code"]
    answer = sign_up(caller, members[0], "check-ins", code=code)
    assert answer.get_json().get("reason") == reason


def test_where_staff_notes_who_comes_the_code_does_not_work(caller: Caller, members: list[str]) -> None:
    make(caller, form="contest")
    sign_up(caller, members[0])
    code = caller.get("/events/tea/check-in-code").get_json()["code"]
    assert sign_up(caller, members[0], "check-ins", code=code).get_json()["reason"] == "code_by_staff"
    assert sign_up(caller, members[0], "attendance").status_code == 200


def test_attendance_and_the_code_need_the_scope_adjust(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, members: list[str]
) -> None:
    make(caller)
    writer = make_caller(runtime, client, shop, ("read", "write"))
    assert sign_up(writer, members[0]).status_code == 201
    assert sign_up(writer, members[0], "attendance").status_code == 403
    assert writer.get("/events/tea/check-in-code").status_code == 403


def test_a_repeated_request_is_answered_as_before(caller: Caller, members: list[str]) -> None:
    make(caller)
    first, again = (
        caller.post("/events/tea/sign-ups", {"member": members[0]}, Idempotency_Key="s-1") for _ in range(2)
    )
    assert first.get_json() == again.get_json()


def test_sign_ups_come_page_by_page(caller: Caller, members: list[str]) -> None:
    make(caller)
    for member in members:
        sign_up(caller, member)
    first = caller.get("/events/tea/sign-ups", limit=2).get_json()
    rest = caller.get("/events/tea/sign-ups", limit=2, cursor=first["next"]).get_json()
    assert [row["member"] for row in first["data"] + rest["data"]] == members
    assert rest["next"] is None


def test_a_stranger_sees_no_event_and_signs_nobody_up(
    stranger: Caller, caller: Caller, members: list[str]
) -> None:
    make(caller)
    assert stranger.get("/events").get_json()["data"] == []
    assert stranger.get("/events/tea").status_code == 404
    assert sign_up(stranger, members[0]).status_code == 404
    assert make(stranger)["key"] == "tea"
    assert sign_up(stranger, members[0]).status_code == 404
