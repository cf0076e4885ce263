"""Taking part of members who are one person: one seat, one answer, one entry; freed again, each has his own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from loyalty.clock import utc_now
from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, place_order
from workers.runtime import Runtime

HOUR = timedelta(hours=1)
NAME = {"zh-TW": "名稱", "zh-CN": "名称", "en": "Name"}
REASON = {"reason": "the same person"}
POINTS = {"key": "came", "trigger": "activity_recorded", "actions": [{"kind": "points", "points": 50}]}
MOVED_UP = {"subject": NAME, "body": {"en": "On {date}"}}
PARTS = ("sign_ups", "answers", "submissions", "draws")


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    limits = {"activities": {"share": {"lifetime": 2}}}
    return make_shop(
        runtime, make_document(automations=[POINTS], limits=limits, messages={"moved-up": MOVED_UP})
    )


@pytest.fixture
def members(runtime: Runtime, client: FlaskClient, caller: Caller, shop: Shop) -> Iterator[list[str]]:
    """Four customers with 1000 points each; whatever a test does, the ledger is proven at its end."""
    for number in (6, 7, 8, 9):
        place_order(runtime, client, shop, id=20 + number, customer_id=number)
    yield [row["id"] for row in caller.get("/members").get_json()["data"]]
    assert caller.get("/ledger/verification", rebuild="true").get_json()["differences"] == 0


def merge(caller: Caller, survivor: str, other: str) -> int:
    answer = caller.post(f"/members/{survivor}/merges", {"member": other, **REASON})
    assert answer.status_code == 201, answer.get_json()
    return int(answer.get_json()["number"])


def undo(caller: Caller, survivor: str, number: int) -> None:
    assert caller.post(f"/members/{survivor}/merges/{number}/undo", REASON).status_code == 200


def make_event(caller: Caller, key: str = "tea", **parts: Any) -> None:
    start = utc_now() + HOUR / 2
    asked = {
        "key": key, "name": NAME, "form": "meet", "online": False, "place": "Taipei", "starts_at": start.isoformat(),
        "ends_at": (start + HOUR).isoformat(), **parts,
    }  # fmt: skip
    assert caller.post("/events", asked).status_code == 201


def event(caller: Caller, path: str, member: str, **more: Any) -> Any:
    return caller.post(f"/events/tea/{path}", {"member": member, **more})


def sign_up(caller: Caller, *members: str) -> list[str]:
    return [event(caller, "sign-ups", member).get_json()["state"] for member in members]


def states(caller: Caller) -> dict[str, str]:
    rows = caller.get("/events/tea/sign-ups").get_json()["data"]
    return {row["member"]: row["state"] for row in rows}


def taken(caller: Caller) -> int:
    return int(caller.get("/events/tea").get_json()["taken"])


def make_poll(caller: Caller) -> None:
    options = [{"key": key, "text": NAME} for key in ("yes", "no")]
    question = {"key": "q", "kind": "single", "text": NAME, "options": options}
    opens = (utc_now() - HOUR).isoformat()
    asked = {"key": "p", "name": NAME, "opens_at": opens, "questions": [question]}
    assert caller.post("/polls", asked).status_code == 201


def vote(caller: Caller, member: str, option: str) -> Any:
    return caller.post("/polls/p/answers", {"member": member, "answers": {"q": option}})


def make_challenge(caller: Caller, per_member: int = 1) -> None:
    opens = (utc_now() - HOUR).isoformat()
    asked = {"key": "c", "name": NAME, "opens_at": opens, "per_member": per_member}
    assert caller.post("/challenges", asked).status_code == 201


def submit(caller: Caller, member: str) -> Any:
    return caller.post("/challenges/c/submissions", {"member": member, "text": "done"})


def draw(caller: Caller, key: str, entrants: dict[str, Any], winners: int = 4) -> list[str]:
    """Draw and return who took part; all of them win unless there are more than `winners`."""
    asked = {"key": key, "name": NAME, "winners": winners, "entrants": entrants}
    assert caller.post("/draws", asked).status_code == 201
    done = caller.post(f"/draws/{key}/draw")
    assert done.status_code == 200, done.get_json()
    entries = [row["member"] for row in caller.get(f"/draws/{key}/entries").get_json()["data"]]
    assert {row["member"] for row in done.get_json()["won"]} <= set(entries)
    return entries


def entries(caller: Caller, member: str) -> list[int]:
    return [entry["points"] for entry in caller.get(f"/members/{member}/entries").get_json()["data"]]


def bonuses(caller: Caller, member: str) -> int:
    return entries(caller, member).count(50)


def participation(caller: Caller, member: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = caller.get(f"/members/{member}/participation").get_json()
    return found


def counts(caller: Caller, member: str) -> list[int]:
    found = participation(caller, member)
    return [len(found[part]) for part in PARTS]


def test_a_survivor_shows_what_everybody_took_part_in_and_undoing_gives_it_back(
    caller: Caller, members: list[str]
) -> None:
    first, second, third, _ = members
    make_event(caller)
    make_poll(caller)
    make_challenge(caller)
    sign_up(caller, third)
    vote(caller, second, "yes")
    submit(caller, third)
    draw(caller, "d", {"kind": "members", "members": [second, third]})
    before = [participation(caller, member) for member in members]
    lower, upper = merge(caller, second, third), merge(caller, first, second)
    assert counts(caller, first) == [1, 1, 1, 2]
    assert [counts(caller, member) for member in (second, third)] == [[0, 1, 0, 1], [1, 0, 1, 1]]
    undo(caller, first, lower)
    assert [counts(caller, member) for member in (first, third)] == [[0, 1, 0, 1], [1, 0, 1, 1]]
    undo(caller, first, upper)
    assert [participation(caller, member) for member in members] == before


def test_the_newest_of_all_of_them_come_first(caller: Caller, members: list[str]) -> None:
    make_challenge(caller, per_member=9)
    numbers = [submit(caller, members[turn % 2]).get_json()["id"] for turn in range(4)]
    merge(caller, members[0], members[1])
    assert [row["id"] for row in participation(caller, members[0])["submissions"]] == numbers[::-1]


def test_who_has_a_seat_under_another_member_gets_no_second_one(caller: Caller, members: list[str]) -> None:
    make_event(caller)
    sign_up(caller, members[1])
    number = merge(caller, members[0], members[1])
    again = event(caller, "sign-ups", members[0]).get_json()
    assert (again["state"], again["member"], taken(caller)) == ("signed_up", members[1], 1)
    undo(caller, members[0], number)
    assert states(caller) == {members[1]: "signed_up"}
    assert sign_up(caller, members[0]) == ["signed_up"]
    assert taken(caller) == 2


def test_a_merged_member_signs_up_as_who_stands_for_him(caller: Caller, members: list[str]) -> None:
    make_event(caller)
    merge(caller, members[0], members[1])
    assert sign_up(caller, members[1]) == ["signed_up"]
    assert states(caller) == {members[0]: "signed_up"}


def test_the_survivor_cancels_what_the_merged_member_signed_up_for(
    caller: Caller, members: list[str]
) -> None:
    make_event(caller, capacity=1, waiting_list=True)
    assert sign_up(caller, members[1], members[2]) == ["signed_up", "waiting"]
    number = merge(caller, members[0], members[1])
    cancelled = event(caller, "cancellations", members[0])
    assert (cancelled.status_code, cancelled.get_json()["state"]) == (200, "cancelled")
    assert states(caller) == {members[1]: "cancelled", members[2]: "signed_up"}
    undo(caller, members[0], number)
    assert states(caller)[members[1]] == "cancelled"


def test_one_person_with_two_seats_gives_both_back(caller: Caller, members: list[str]) -> None:
    make_event(caller, capacity=2, waiting_list=True)
    sign_up(caller, *members)
    merge(caller, members[0], members[1])
    assert event(caller, "cancellations", members[0]).get_json()["member"] == members[0]
    assert list(states(caller).values()) == ["cancelled", "cancelled", "signed_up", "signed_up"]
    assert taken(caller) == 2
    assert event(caller, "cancellations", members[1]).get_json()["state"] == "cancelled"


def test_who_has_cancelled_under_another_member_may_sign_up_anew(caller: Caller, members: list[str]) -> None:
    make_event(caller)
    sign_up(caller, members[1])
    event(caller, "cancellations", members[1])
    number = merge(caller, members[0], members[1])
    assert sign_up(caller, members[0], members[0]) == ["signed_up"] * 2
    undo(caller, members[0], number)
    assert states(caller) == {members[1]: "cancelled", members[0]: "signed_up"}
    assert taken(caller) == 1


def test_a_free_seat_passes_over_who_waits_beside_a_seat_of_his_own(
    caller: Caller, members: list[str]
) -> None:
    make_event(caller, capacity=2, waiting_list=True, message="moved-up")
    assert sign_up(caller, *members) == ["signed_up", "signed_up", "waiting", "waiting"]
    merge(caller, members[0], members[2])
    event(caller, "cancellations", members[1])
    assert list(states(caller).values()) == ["signed_up", "cancelled", "waiting", "signed_up"]
    (message,) = caller.get("/messages").get_json()["data"]
    assert message["member"] == members[3]


@pytest.mark.parametrize(
    "order", [(0, 2), (2, 0), (2, 3)], ids=["survivor first", "other first", "both merged"]
)
def test_one_person_who_waits_twice_gets_one_seat(
    caller: Caller, members: list[str], order: tuple[int, int]
) -> None:
    make_event(caller, capacity=1, waiting_list=True)
    sign_up(caller, members[1], *(members[place] for place in order))
    for other in {*order} - {0}:
        merge(caller, members[0], members[other])
    parts = {"name": NAME, "form": "meet", "online": False, "place": "x", "capacity": 3, "waiting_list": True}
    start = utc_now() + HOUR
    times = {"starts_at": start.isoformat(), "ends_at": (start + HOUR).isoformat()}
    assert caller.put("/events/tea", {**parts, **times}).get_json()["taken"] == 2
    assert [states(caller)[members[place]] for place in order] == ["signed_up", "waiting"]


def test_who_waited_beside_a_seat_of_his_own_goes_first_once_he_is_freed(
    caller: Caller, members: list[str]
) -> None:
    make_event(caller, capacity=2, waiting_list=True)
    sign_up(caller, *members[:3])
    number = merge(caller, members[0], members[2])
    event(caller, "cancellations", members[1])
    assert taken(caller) == 1
    undo(caller, members[0], number)
    assert sign_up(caller, members[3]) == ["waiting"]
    assert states(caller)[members[2]] == "signed_up"


def test_the_message_of_moving_up_is_the_survivors(caller: Caller, members: list[str]) -> None:
    make_event(caller, capacity=1, waiting_list=True, message="moved-up")
    sign_up(caller, members[2], members[1])
    merge(caller, members[0], members[1])
    event(caller, "cancellations", members[2])
    assert states(caller)[members[1]] == "signed_up"
    (message,) = caller.get("/messages").get_json()["data"]
    assert (message["member"], message["status"]) == (members[0], "queued")


@pytest.mark.parametrize("named", [0, 1], ids=["by the survivor", "by the merged member"])
def test_coming_by_the_merged_members_sign_up_gives_the_survivor_points_once(
    caller: Caller, members: list[str], named: int
) -> None:
    make_event(caller)
    sign_up(caller, members[1])
    number = merge(caller, members[0], members[1])
    for _ in range(2):
        came = event(caller, "attendance", members[named])
        assert came.status_code == 200, came.get_json()
        assert (came.get_json()["state"], came.get_json()["counted"]) == ("attended", True)
    assert states(caller) == {members[1]: "attended"}
    assert (bonuses(caller, members[0]), bonuses(caller, members[1])) == (1, 0)
    undo(caller, members[0], number)
    assert participation(caller, members[1])["sign_ups"][0]["state"] == "attended"
    assert bonuses(caller, members[0]) == 1


def test_checking_in_by_code_finds_the_merged_members_seat(caller: Caller, members: list[str]) -> None:
    make_event(caller)
    sign_up(caller, members[1])
    merge(caller, members[0], members[1])
    code = caller.get("/events/tea/check-in-code").get_json()["code"]
    assert event(caller, "check-ins", members[0], code=code).get_json()["state"] == "attended"
    assert bonuses(caller, members[0]) == 1


def test_one_person_with_two_seats_is_given_the_points_of_coming_once(
    caller: Caller, members: list[str]
) -> None:
    make_event(caller)
    sign_up(caller, *members[:2])
    merge(caller, members[0], members[1])
    told = [event(caller, "attendance", member).get_json()["member"] for member in members[:2]]
    assert told == members[:2]
    assert set(states(caller).values()) == {"attended"}
    assert bonuses(caller, members[0]) == 1


def test_who_came_before_the_merge_is_given_nothing_for_his_second_seat(
    caller: Caller, members: list[str]
) -> None:
    make_event(caller)
    sign_up(caller, *members[:2])
    event(caller, "attendance", members[1])
    merge(caller, members[0], members[1])
    assert event(caller, "attendance", members[0]).get_json()["counted"] is True
    assert caller.get(f"/members/{members[0]}").get_json()["balance"]["available"] == 2050


def test_who_answered_as_another_member_answers_no_second_time(caller: Caller, members: list[str]) -> None:
    make_poll(caller)
    known = vote(caller, members[1], "yes").get_json()
    number = merge(caller, members[0], members[1])
    refused = vote(caller, members[0], "no")
    assert (refused.status_code, refused.get_json()["reason"]) == (409, "answered")
    assert vote(caller, members[0], "yes").get_json() == known
    assert caller.get("/polls/p/results").get_json()["members"] == 1
    undo(caller, members[0], number)
    assert vote(caller, members[0], "no").status_code == 201
    assert caller.get("/polls/p/results").get_json()["members"] == 2


def test_answers_that_both_gave_before_the_merge_stay(caller: Caller, members: list[str]) -> None:
    make_poll(caller)
    known = [vote(caller, members[0], "yes").get_json(), vote(caller, members[1], "no").get_json()]
    merge(caller, members[0], members[1])
    assert [vote(caller, members[0], option).get_json() for option in ("yes", "no")] == known


def test_submissions_of_both_count_toward_the_limit(caller: Caller, members: list[str]) -> None:
    make_challenge(caller, per_member=2)
    submit(caller, members[1])
    number = merge(caller, members[0], members[1])
    assert submit(caller, members[0]).status_code == 201
    refused = submit(caller, members[1])
    assert (refused.status_code, refused.get_json()["reason"]) == (409, "enough")
    undo(caller, members[0], number)
    assert [submit(caller, member).status_code for member in members[:2]] == [201, 201]


def test_approval_of_a_merged_members_submission_gives_the_survivor_points(
    caller: Caller, members: list[str]
) -> None:
    make_challenge(caller)
    sent = submit(caller, members[1]).get_json()["id"]
    merge(caller, members[0], members[1])
    judged = caller.post(f"/submissions/{sent}/verdict", {"approve": True})
    assert judged.status_code == 200, judged.get_json()
    assert (judged.get_json()["member"], judged.get_json()["counted"]) == (members[1], True)
    assert (bonuses(caller, members[0]), bonuses(caller, members[1])) == (1, 0)


def test_one_person_has_one_entry_in_a_draw_of_named_members(caller: Caller, members: list[str]) -> None:
    merge(caller, members[0], members[1])
    assert sorted(draw(caller, "d", {"kind": "members", "members": members})) == sorted(
        [members[0], *members[2:]]
    )
    assert caller.get("/draws/d/re-run").get_json()["same"] is True
    assert [bonuses(caller, member) for member in members] == [1, 0, 1, 1]


def test_two_who_signed_up_before_the_merge_have_one_entry(caller: Caller, members: list[str]) -> None:
    make_event(caller)
    sign_up(caller, *members[:3])
    merge(caller, members[0], members[1])
    taking_part = draw(caller, "d", {"kind": "event", "event": "tea", "state": "signed_up"})
    assert sorted(taking_part) == sorted([members[0], members[2]])


def test_what_a_merged_member_did_enters_the_survivor(caller: Caller, members: list[str]) -> None:
    for member in members[1:3]:
        caller.post("/activities", {"member": member, "kind": "share", "key": "1"})
    window = {"from": (utc_now() - HOUR).isoformat(), "until": (utc_now() + HOUR).isoformat()}
    rule = {"kind": "activity", "activity": "share", **window}
    for other in members[1:3]:
        merge(caller, members[0], other)
    assert draw(caller, "d", rule) == [members[0]]


def test_a_draw_that_was_made_for_both_is_one_entry_once_they_are_merged_and_two_when_freed(
    caller: Caller, members: list[str]
) -> None:
    pair = {"kind": "members", "members": members[:2]}
    number = merge(caller, members[0], members[1])
    assert draw(caller, "one", pair) == [members[0]]
    undo(caller, members[0], number)
    assert sorted(draw(caller, "two", pair)) == sorted(members[:2])
    assert [counts(caller, member)[3] for member in members[:2]] == [2, 1]


def test_caps_of_activities_count_what_both_did(caller: Caller, members: list[str]) -> None:
    def share(member: str, key: str) -> Any:
        return caller.post("/activities", {"member": member, "kind": "share", "key": key})

    known = share(members[1], "1").get_json()
    number = merge(caller, members[0], members[1])
    again = share(members[0], "1")
    assert (again.status_code, again.get_json()["number"]) == (201, known["number"])
    assert share(members[1], "2").get_json()["type"] == "urn:laurel:member-merged"
    assert [share(members[0], key).status_code for key in ("2", "3")] == [201, 409]
    assert share(members[1], "4").status_code == 409
    undo(caller, members[0], number)
    assert [share(member, "4").status_code for member in members[:2]] == [201, 201]


def test_the_audience_is_judged_by_who_stands_for_him(caller: Caller, members: list[str]) -> None:
    caller.post(f"/members/{members[0]}/tags", {"add": ["vip"], "reason": "x"})
    make_event(caller, audience={"tags": ["vip"]})
    assert event(caller, "sign-ups", members[1]).get_json()["reason"] == "not_invited"
    merge(caller, members[0], members[1])
    assert sign_up(caller, members[1]) == ["signed_up"]


def test_a_stranger_takes_no_part_for_merged_members(
    caller: Caller, stranger: Caller, members: list[str]
) -> None:
    merge(caller, members[0], members[1])
    make_event(stranger)
    make_poll(stranger)
    make_challenge(stranger)
    for member in members[:2]:
        assert event(stranger, "sign-ups", member).status_code == 404
        assert event(stranger, "cancellations", member).status_code == 404
        assert vote(stranger, member, "yes").status_code == 404
        assert submit(stranger, member).status_code == 404
        assert stranger.get(f"/members/{member}/participation").status_code == 404
