"""Event tickets by API: a redemption is a seat, or a place on the waiting list, and never points without either."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from loyalty.clock import utc_now
from loyalty.engine import returning
from tests.builders import Shop, make_document, make_shop
from tests.web.conftest import Caller, make_caller, place_order
from tests.web.test_events_api import HOUR, MOVED_UP, event, make, sign_up, states
from workers.automating import run_automations
from workers.queues import RETURN_POINTS, Queues
from workers.returning import return_points
from workers.runtime import Runtime

REWARDS: list[dict[str, Any]] = [
    {"key": "tea", "kind": "event_ticket", "points": 400, "event": "tea", "valid_days": 1},
    {"key": "ghost", "kind": "event_ticket", "points": 0, "event": "nowhere"},
]


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document(rewards=REWARDS, messages={"moved-up": MOVED_UP}))


@pytest.fixture
def members(runtime: Runtime, client: FlaskClient, caller: Caller, shop: Shop) -> list[str]:
    """Three members with 1000 points each."""
    for number in (7, 8, 9):
        place_order(runtime, client, shop, id=20 + number, customer_id=number)
    return [row["id"] for row in caller.get("/members").get_json()["data"]]


@pytest.fixture
def writer(runtime: Runtime, client: FlaskClient, shop: Shop) -> Caller:
    return make_caller(runtime, client, shop, ("read", "write"))


def ask(caller: Caller, member: str, reward: str = "tea") -> Any:
    return caller.post(f"/members/{member}/redemptions", {"reward": reward})


def redeem(caller: Caller, member: str) -> dict[str, Any]:
    answer = ask(caller, member)
    assert answer.status_code == 201, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def cancel(caller: Caller, ticket: dict[str, Any]) -> Any:
    return caller.client.delete(f"/api/v1/redemptions/{ticket['id']}", json={}, headers=caller.headers())


def see(caller: Caller, ticket: dict[str, Any]) -> tuple[str, str, str]:
    """State, fulfilment and sign-up of a ticket."""
    row = caller.get(f"/redemptions/{ticket['id']}").get_json()
    return row["state"], row["fulfilment"], row["event"]["state"]


def points(caller: Caller, *members: str) -> list[int]:
    return [caller.get(f"/members/{member}").get_json()["balance"]["available"] for member in members]


def proves(caller: Caller) -> bool:
    proof = caller.get("/ledger/verification", rebuild="true").get_json()
    assert proof["differences"] == 0, proof
    return True


def begin(runtime: Runtime, shop: Shop, ago: timedelta = HOUR / 6) -> None:
    """Let the event have begun."""
    with runtime.database.transaction(shop.account) as connection:
        connection.execute(
            text("update gatherings set starts_at = :at, closes_at = :at"), {"at": utc_now() - ago}
        )


def test_s85_ticket_is_a_seat_at_once(caller: Caller, members: list[str]) -> None:
    make(caller, capacity=1)
    ticket = redeem(caller, members[0])
    assert (ticket["state"], ticket["fulfilment"], ticket["ends_at"]) == ("issued", "accepted", None)
    assert ticket["event"] == {"key": "tea", "state": "signed_up"}
    (row,) = caller.get("/events/tea/sign-ups").get_json()["data"]
    assert (row["member"], row["redemption"]) == (members[0], ticket["id"])
    assert (points(caller, *members), proves(caller)) == ([600, 1000, 1000], True)


def test_full_event_without_waiting_list_takes_nothing(caller: Caller, members: list[str]) -> None:
    make(caller, capacity=1)
    redeem(caller, members[0])
    refused = ask(caller, members[1])
    assert (refused.status_code, refused.get_json()["reason"]) == (409, "full")
    assert points(caller, members[1]) == [1000]
    assert caller.get("/redemptions", member=members[1]).get_json()["data"] == []


def test_who_waits_gets_the_seat_of_who_cancels_and_is_told(caller: Caller, members: list[str]) -> None:
    make(caller, capacity=1, waiting_list=True, message="moved-up")
    seated, second, third = (redeem(caller, member) for member in members)
    assert [see(caller, each)[1:] for each in (seated, second, third)] == [
        ("accepted", "signed_up"), ("open", "waiting"), ("open", "waiting"),
    ]  # fmt: skip
    assert points(caller, *members) == [600, 600, 600]
    assert cancel(caller, seated).get_json()["fulfilment"] == "cancelled"
    assert [see(caller, each)[1:] for each in (seated, second, third)] == [
        ("cancelled", "cancelled"), ("accepted", "signed_up"), ("open", "waiting"),
    ]  # fmt: skip
    assert points(caller, *members) == [1000, 600, 600]
    assert [row["member"] for row in caller.get("/messages").get_json()["data"]] == [members[1]]
    assert (caller.get("/events/tea").get_json()["taken"], proves(caller)) == (1, True)


def test_cancelled_sign_up_gives_its_points_back_and_the_seat_to_the_next(
    caller: Caller, members: list[str]
) -> None:
    make(caller, capacity=1, waiting_list=True)
    first, second = (redeem(caller, member) for member in members[:2])
    for _ in range(2):
        assert sign_up(caller, members[0], "cancellations").get_json()["state"] == "cancelled"
    assert see(caller, first) == ("cancelled", "cancelled", "cancelled")
    assert see(caller, second) == ("issued", "accepted", "signed_up")
    assert points(caller, *members) == [1000, 600, 1000]
    assert sign_up(caller, members[1], "cancellations").status_code == 200
    assert (points(caller, *members), states(caller)) == ([1000, 1000, 1000], ["cancelled", "cancelled"])
    assert proves(caller)


def test_more_seats_are_given_to_tickets_that_wait(caller: Caller, members: list[str]) -> None:
    make(caller, capacity=1, waiting_list=True)
    redeem(caller, members[0])
    second = redeem(caller, members[1])
    parts = {name: value for name, value in event(waiting_list=True).items() if name != "key"}
    assert caller.put("/events/tea", {**parts, "capacity": 5}).status_code == 200
    assert see(caller, second) == ("issued", "accepted", "signed_up")


def test_who_is_signed_up_already_pays_nothing(caller: Caller, members: list[str]) -> None:
    make(caller, capacity=1, waiting_list=True)
    sign_up(caller, members[0])
    sign_up(caller, members[1])
    redeem(caller, members[2])
    for member in members:
        refused = ask(caller, member)
        assert (refused.status_code, refused.get_json()["reason"]) == (409, "signed_up")
    assert points(caller, *members) == [1000, 1000, 600]
    assert states(caller) == ["signed_up", "waiting", "waiting"]


def test_ticket_may_be_redeemed_again_after_it_was_cancelled(caller: Caller, members: list[str]) -> None:
    make(caller)
    first = redeem(caller, members[0])
    cancel(caller, first)
    again = redeem(caller, members[0])
    assert see(caller, again) == ("issued", "accepted", "signed_up")
    assert caller.get(f"/redemptions/{first['id']}").get_json()["event"] is None
    cancel(caller, again)
    assert sign_up(caller, members[0]).get_json()["redemption"] is None
    assert sign_up(caller, members[0], "cancellations").status_code == 200
    assert (points(caller, members[0]), proves(caller)) == ([1000], True)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"audience": {"tags": ["press"]}}, "not_invited"),
        ({"opens_at": HOUR / 6}, "not_open"),
    ],
    ids=["audience", "window"],
)
def test_gate_of_the_event_holds_for_tickets(
    caller: Caller, members: list[str], parts: dict[str, Any], reason: str
) -> None:
    now = utc_now()
    soon = {name: (now + part).isoformat() for name, part in parts.items() if isinstance(part, timedelta)}
    make(caller, starts=now + 2 * HOUR, **parts | soon)
    assert ask(caller, members[0]).get_json()["reason"] == reason
    assert points(caller, members[0]) == [1000]


def test_ticket_to_an_event_that_is_not_there_is_refused(caller: Caller, members: list[str]) -> None:
    refused = ask(caller, members[0], "ghost")
    assert (refused.status_code, refused.get_json()["reason"]) == (409, "no_event")


def test_called_off_event_gives_everybody_his_points_back(caller: Caller, members: list[str]) -> None:
    make(caller, capacity=1, waiting_list=True)
    tickets = [redeem(caller, member) for member in members[:2]]
    sign_up(caller, members[2])
    for _ in range(2):
        answer = caller.post("/events/tea/calling-off", {"reason": "The maker is ill."})
        assert (answer.status_code, answer.get_json()["taken"]) == (200, 0)
        assert answer.get_json()["called_off_at"] is not None
    assert [see(caller, each) for each in tickets] == [("cancelled", "cancelled", "cancelled")] * 2
    assert (points(caller, *members), states(caller)) == ([1000] * 3, ["cancelled"] * 3)
    assert ask(caller, members[0]).get_json()["reason"] == "called_off"
    assert sign_up(caller, members[0]).get_json()["reason"] == "called_off"
    parts = {name: value for name, value in event().items() if name != "key"}
    assert caller.put("/events/tea", parts).get_json()["reason"] == "called_off"
    assert proves(caller)


def test_points_of_a_called_off_event_return_some_at_once_and_the_rest_by_a_job(
    runtime: Runtime, shop: Shop, caller: Caller, members: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(returning, "BATCH", 1)
    make(caller)
    tickets = [redeem(caller, member) for member in members]
    caller.post("/events/tea/calling-off", {"reason": "The maker is ill."})
    assert [see(caller, each)[0] for each in tickets] == ["cancelled", "issued", "issued"]
    assert (states(caller), points(caller, *members)) == (["cancelled"] * 3, [1000, 600, 600])
    assert not runtime.wakes.wake_now(
        Queues.DRAIN, RETURN_POINTS, f"tickets:{shop.account}", shop.account
    )  # it waits already
    assert [return_points(runtime, shop.account) for _ in range(2)] == [2, 0]
    assert [see(caller, each) for each in tickets] == [("cancelled", "cancelled", "cancelled")] * 3
    with runtime.database.transaction(shop.account) as connection:
        words = connection.execute(
            text(
                "select reason, count(distinct actor), count(*) from commands where kind = 'end_redemption' group by 1"
            )
        )
        assert [tuple(row) for row in words] == [("The maker is ill.", 1, 3)]
    assert (points(caller, *members), proves(caller)) == ([1000] * 3, True)


def test_who_takes_back_what_was_called_off_gets_his_own_points(
    runtime: Runtime, shop: Shop, caller: Caller, members: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(returning, "BATCH", 1)
    make(caller)
    for member in members:
        redeem(caller, member)
    caller.post("/events/tea/calling-off", {"reason": "The maker is ill."})
    assert sign_up(caller, members[2], "cancellations").get_json()["state"] == "cancelled"
    assert points(caller, *members) == [1000, 600, 1000]
    run_automations(runtime, shop.account)
    assert (points(caller, *members), proves(caller)) == ([1000] * 3, True)


def test_job_that_returns_points_stops_in_time_and_wakes_another(runtime: Runtime, shop: Shop) -> None:
    assert return_points(runtime, shop.account, seconds=0) == 0
    assert not runtime.wakes.wake_now(Queues.DRAIN, RETURN_POINTS, f"tickets:{shop.account}", shop.account)


def test_event_that_is_over_is_not_called_off(
    runtime: Runtime, shop: Shop, caller: Caller, members: list[str]
) -> None:
    now = utc_now()
    window = {"opens_at": (now - 3 * HOUR).isoformat(), "closes_at": (now + HOUR).isoformat()}
    make(caller, starts=now - 2 * HOUR, **window)
    answer = caller.post("/events/tea/calling-off", {"reason": "x"})
    assert (answer.status_code, answer.get_json()["reason"]) == (409, "too_late")


def test_who_came_has_used_his_ticket_up(caller: Caller, members: list[str]) -> None:
    make(caller)
    ticket = redeem(caller, members[0])
    assert sign_up(caller, members[0], "attendance").get_json()["state"] == "attended"
    assert see(caller, ticket) == ("issued", "done", "attended")
    assert cancel(caller, ticket).status_code == 409
    caller.post("/events/tea/calling-off", {"reason": "x"})
    assert (see(caller, ticket), points(caller, members[0])) == (("issued", "done", "attended"), [600])
    assert caller.get("/events/tea").get_json()["taken"] == 1


def test_once_it_has_begun_only_staff_gives_points_back(
    runtime: Runtime, shop: Shop, caller: Caller, writer: Caller, members: list[str]
) -> None:
    make(caller)
    first, second, absent = (redeem(writer, member) for member in members)
    begin(runtime, shop)
    refused = cancel(writer, first)
    assert (refused.status_code, refused.get_json()["reason"]) == (409, "too_late")
    assert cancel(caller, first).status_code == 202
    note = {"state": "refused", "note": "No chair was left."}
    assert caller.post(f"/redemptions/{second['id']}/fulfilment", note).status_code == 200
    sign_up(caller, members[2], "attendance", came=False)
    assert cancel(caller, absent).status_code == 202
    assert [see(caller, each)[1:] for each in (first, second, absent)] == [
        ("cancelled", "cancelled"), ("refused", "cancelled"), ("cancelled", "absent"),
    ]  # fmt: skip
    assert (points(caller, *members), proves(caller)) == ([1000] * 3, True)


@pytest.mark.parametrize("state", ["accepted", "done"])
def test_seats_are_the_events_to_give(caller: Caller, members: list[str], state: str) -> None:
    make(caller, capacity=1, waiting_list=True)
    tickets = [redeem(caller, member) for member in members[:2]]
    for ticket, before in zip(tickets, ("accepted", "open"), strict=True):
        answer = caller.post(f"/redemptions/{ticket['id']}/fulfilment", {"state": state})
        assert answer.status_code == (200 if state == before else 409)
    assert states(caller) == ["signed_up", "waiting"]


def test_who_still_waits_when_it_begins_gets_his_points_back(
    runtime: Runtime, shop: Shop, caller: Caller, members: list[str]
) -> None:
    make(caller, capacity=1, waiting_list=True)
    tickets = [redeem(caller, member) for member in members[:2]]
    sign_up(caller, members[2])
    run_automations(runtime, shop.account)
    assert see(caller, tickets[1]) == ("issued", "open", "waiting")
    begin(runtime, shop)
    assert [run_automations(runtime, shop.account) for _ in range(2)] == [1, 0]
    assert [see(caller, each)[1:] for each in tickets] == [
        ("accepted", "signed_up"),
        ("cancelled", "cancelled"),
    ]
    assert (points(caller, *members), states(caller)[2]) == ([600, 1000, 1000], "waiting")
    assert proves(caller)


def test_those_who_wait_too_long_get_their_points_back_some_at_a_time(
    runtime: Runtime, shop: Shop, caller: Caller, members: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(returning, "BATCH", 1)
    make(caller, capacity=1, waiting_list=True)
    tickets = [redeem(caller, member) for member in members]
    begin(runtime, shop)
    with runtime.database.transaction(shop.account) as connection:
        done = returning.return_some(connection, runtime.book(connection, shop.account, set()), utc_now())
    assert done is not None
    assert [see(caller, each)[2] for each in tickets] == ["signed_up", "cancelled", "waiting"]
    assert points(caller, *members) == [600, 1000, 600]
    assert [run_automations(runtime, shop.account) for _ in range(2)] == [1, 0]
    assert (points(caller, *members), proves(caller)) == ([600, 1000, 1000], True)


def test_ticket_of_who_was_merged_still_gives_its_seat_back(caller: Caller, members: list[str]) -> None:
    make(caller, capacity=1, waiting_list=True)
    ticket, waiting = redeem(caller, members[1]), redeem(caller, members[2])
    assert (
        caller.post(f"/members/{members[0]}/merges", {"member": members[1], "reason": "x"}).status_code == 201
    )
    refused = ask(caller, members[0])
    assert refused.get_json()["reason"] == "signed_up"
    assert cancel(caller, ticket).status_code == 202
    assert see(caller, waiting) == ("issued", "accepted", "signed_up")
    assert (points(caller, members[0]), proves(caller)) == ([2000], True)


def test_a_stranger_neither_redeems_nor_calls_off(
    stranger: Caller, caller: Caller, members: list[str]
) -> None:
    make(caller)
    ticket = redeem(caller, members[0])
    assert ask(stranger, members[1]).status_code in (404, 409)
    assert cancel(stranger, ticket).status_code == 404
    assert stranger.post("/events/tea/calling-off", {"reason": "x"}).status_code == 404
    assert see(caller, ticket) == ("issued", "accepted", "signed_up")
