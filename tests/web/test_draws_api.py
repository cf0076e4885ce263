"""Lucky draws by API: entrants by rule, a seed that was promised, winners who can be drawn again."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from loyalty.clock import utc_now
from loyalty.community.sampling import draw_winners
from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, make_caller, place_order
from workers.runtime import Runtime

HOUR = timedelta(hours=1)
NAME = {"zh-TW": "抽獎", "zh-CN": "抽奖", "en": "Lucky draw"}
PRIZE = {
    "key": "won", "trigger": "activity_recorded", "when": {"activities": ["draw_won"]},
    "actions": [{"kind": "points", "points": 777}],
}  # fmt: skip
BUYERS = {
    "key": "buyers", "name": {"en": "Buyers"},
    "all": [{"kind": "metric", "metric": "spend", "at_least": "1500"}],
}  # fmt: skip


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document(automations=[PRIZE], segments=[BUYERS]))


@pytest.fixture
def members(runtime: Runtime, client: FlaskClient, caller: Caller, shop: Shop) -> list[str]:
    for number in range(1, 7):
        place_order(runtime, client, shop, id=20 + number, customer_id=number, total=str(500 * number))
    return [row["id"] for row in caller.get("/members").get_json()["data"]]


def make(caller: Caller, entrants: dict[str, Any], **parts: Any) -> dict[str, Any]:
    asked = {"key": "spring", "name": NAME, "winners": 2, "entrants": entrants, **parts}
    answer = caller.post("/draws", asked)
    assert answer.status_code == 201, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def draw(caller: Caller) -> dict[str, Any]:
    answer = caller.post("/draws/spring/draw")
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def entrants_of(caller: Caller) -> list[str]:
    draw(caller)
    return [row["member"] for row in caller.get("/draws/spring/entries").get_json()["data"]]


def points(caller: Caller, member: str) -> list[int]:
    return [entry["points"] for entry in caller.get(f"/members/{member}/entries").get_json()["data"]]


def test_s99_a_draw_picks_winners_with_the_seed_it_promised(caller: Caller, members: list[str]) -> None:
    made = make(caller, {"kind": "members", "members": members})
    assert (made["seed"], made["drawn_at"], made["winners"]) == (None, None, 2)
    done = draw(caller)
    assert hashlib.sha256(bytes.fromhex(done["seed"])).hexdigest() == made["commitment"]
    keys = [f"customer:1:{number}" for number in range(1, 7)]
    places = draw_winners(bytes.fromhex(done["seed"]), keys, 2)
    assert [row["key"] for row in done["won"]] == [keys[place] for place in places]
    assert [row["rank"] for row in done["won"]] == [1, 2]
    won = {row["member"] for row in done["won"]}
    assert all((777 in points(caller, member)) == (member in won) for member in members)
    assert draw(caller) == done
    assert caller.get("/draws/spring").get_json() == done


def test_s99_running_it_again_gives_the_same_winners(caller: Caller, members: list[str]) -> None:
    make(caller, {"kind": "members", "members": members})
    done = draw(caller)
    again = caller.get("/draws/spring/re-run").get_json()
    assert again == {
        "same": True, "committed": True, "entrants": 6, "winners": [row["member"] for row in done["won"]],
    }  # fmt: skip


def test_running_it_again_finds_an_entry_that_was_put_in_afterwards(
    runtime: Runtime, shop: Shop, caller: Caller, members: list[str]
) -> None:
    make(caller, {"kind": "members", "members": members[:5]}, winners=4)
    draw(caller)
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(
            text(
                "insert into draw_entries (account_id, draw_id, position, member_id, member_key)"
                " select account_id, draw_id, 5, :member, 'customer:1:99' from draw_entries where position = 0"
            ),
            {"member": members[5]},
        )
    assert caller.get("/draws/spring/re-run").get_json()["entrants"] == 6
    assert caller.get("/draws/spring/re-run").get_json()["same"] is False


def test_before_it_is_drawn_there_is_nothing_to_run_again(caller: Caller, members: list[str]) -> None:
    make(caller, {"kind": "members", "members": members})
    answer = caller.get("/draws/spring/re-run")
    assert (answer.status_code, answer.get_json()["reason"]) == (409, "not_drawn")


def test_entrants_by_segment_are_those_in_it_at_the_draw(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, members: list[str]
) -> None:
    make(caller, {"kind": "segment", "segment": "buyers"})
    place_order(runtime, client, shop, id=41, customer_id=1, total="1000")
    assert sorted(entrants_of(caller)) == sorted([members[0], *members[2:]])


def test_entrants_by_activity_did_it_in_the_window(caller: Caller, members: list[str]) -> None:
    now = utc_now()
    for member, kind in ((members[0], "share"), (members[1], "review"), (members[2], "share")):
        caller.post("/activities", {"member": member, "kind": kind, "key": "1"})
    window = {"from": (now - HOUR).isoformat(), "until": (now + HOUR).isoformat()}
    make(caller, {"kind": "activity", "activity": "share", **window})
    assert sorted(entrants_of(caller)) == sorted([members[0], members[2]])


def test_activities_before_and_after_the_window_do_not_count(caller: Caller, members: list[str]) -> None:
    caller.post("/activities", {"member": members[0], "kind": "share", "key": "1"})
    now = utc_now()
    for key, since, until in (("past", -2 * HOUR, -HOUR), ("future", HOUR, 2 * HOUR)):
        window = {"from": (now + since).isoformat(), "until": (now + until).isoformat()}
        make(caller, {"kind": "activity", "activity": "share", **window}, key=key)
        assert caller.post(f"/draws/{key}/draw").get_json()["reason"] == "nobody"
        assert caller.get(f"/draws/{key}").get_json()["drawn_at"] is None


def test_entrants_of_an_event_came_or_signed_up(caller: Caller, members: list[str]) -> None:
    start = utc_now() + HOUR / 2
    caller.post(
        "/events",
        {"key": "tea", "name": NAME, "form": "meet", "online": True, "place": "https://example.com",
         "starts_at": start.isoformat(), "ends_at": (start + HOUR).isoformat()},
    )  # fmt: skip
    for member in members[:2]:
        caller.post("/events/tea/sign-ups", {"member": member})
    caller.post("/events/tea/attendance", {"member": members[0]})
    make(caller, {"kind": "event", "event": "tea", "state": "signed_up"}, key="other")
    make(caller, {"kind": "event", "event": "tea"})
    assert entrants_of(caller) == members[:1]
    assert [row["member"] for row in caller.post("/draws/other/draw").get_json()["won"]] == members[1:2]


def test_entries_come_page_by_page_by_member_key(caller: Caller, members: list[str]) -> None:
    make(caller, {"kind": "members", "members": members[::-1]})
    draw(caller)
    first = caller.get("/draws/spring/entries", limit=4).get_json()
    rest = caller.get("/draws/spring/entries", limit=4, cursor=first["next"]).get_json()
    told = [row["key"] for row in first["data"] + rest["data"]]
    assert told == [f"customer:1:{number}" for number in range(1, 7)]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"entrants": {"kind": "segment", "segment": "none"}}, "/entrants/segment"), ({"winners": 0}, "/winners"),
        ({"entrants": {"kind": "event", "event": "none"}}, "/entrants/event"), ({"winners": 501}, "/winners"),
        ({"entrants": {"kind": "members", "members": ["00000000-0000-0000-0000-000000000001"]}}, "/entrants/members"),
        ({"entrants": {"kind": "segment"}}, "/entrants/segment"), ({"entrants": {"kind": "luck"}}, "/entrants/kind"),
        ({"entrants": {"kind": "segment", "segment": "buyers", "event": "x"}}, "/entrants/event"),
    ],
)  # fmt: skip
def test_a_mistaken_draw_is_refused_with_its_field(
    caller: Caller, members: list[str], wrong: dict[str, Any], pointer: str
) -> None:
    good = {"key": "spring", "name": NAME, "winners": 2, "entrants": {"kind": "segment", "segment": "buyers"}}
    refused = caller.post("/draws", {**good, **wrong})
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.get_json()["errors"]] == [pointer]


def test_draws_need_the_scope_adjust_and_the_own_account(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, stranger: Caller, members: list[str]
) -> None:
    make(caller, {"kind": "members", "members": members})
    writer = make_caller(runtime, client, shop, ("read", "write"))
    assert writer.post("/draws/spring/draw").status_code == 403
    assert {stranger.get(f"/draws/spring{end}").status_code for end in ("", "/entries", "/re-run")} == {404}
    assert stranger.post("/draws/spring/draw").status_code == 404
    asked = {"key": "own", "name": NAME, "winners": 1, "entrants": {"kind": "members", "members": members}}
    assert stranger.post("/draws", asked).status_code == 422
