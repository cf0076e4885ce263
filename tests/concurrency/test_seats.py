"""Fifty calls at once: caps, seats, votes, submissions and draws never exceed their limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from builders import Shop, make_document, make_runtime, make_shop
from sqlalchemy import Connection, text

from bench.dumps import rows
from embedded import ServerUrls
from loyalty.clock import utc_now
from loyalty.community.refusals import ParticipationRefused
from loyalty.engine.activities import record_activity
from loyalty.engine.book import AccountBook
from loyalty.engine.capping import ActivityLimitReached
from loyalty.engine.challenging import judge, make_challenge, submit
from loyalty.engine.drawing import draw, make_draw, run_again
from loyalty.engine.gatherings import cancel, make_event, note_attendance, sign_up
from loyalty.engine.people import enrol
from loyalty.engine.polling import answer, make_poll
from loyalty.engine.verify import verify_ledger
from loyalty.errors import LoyaltyError
from loyalty.members.identity import Identity
from workers.runtime import Runtime

CALLS = 50
WORKERS = 50
NOW = utc_now()
HOUR = timedelta(hours=1)
CAPS = {
    "review": {"per_day": 7},
    "share": {"per_week": 3},
    "vote": {"per_month": 1},
    "photo": {"lifetime": 5},
}
POINTS = {
    "key": "paid", "trigger": "activity_recorded", "actions": [{"kind": "points", "points": 10}],
}  # fmt: skip
PROGRAM = make_document(limits={"activities": CAPS}, automations=[POINTS])
Work = Callable[[Connection, AccountBook, int], Any]


@pytest.fixture
def runtime(database: Any, servers: ServerUrls) -> Iterator[Runtime]:
    made = make_runtime(database.app_url, database.owner_url, servers.redis)
    yield made
    made.database.dispose()


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, PROGRAM)


def people(runtime: Runtime, shop: Shop, count: int) -> list[UUID]:
    identities = [Identity("customer", f"1:{number}") for number in range(1, count + 1)]
    with runtime.database.transaction(shop.account) as connection:
        found = enrol(connection, shop.account, identities)
    return [found[identity].id for identity in identities]


def at_once(
    runtime: Runtime, shop: Shop, work: Work, calls: int = CALLS, workers: int = WORKERS
) -> list[Any]:
    """Do the same in many transactions at once; a refusal is its class."""

    def call(number: int) -> Any:
        try:
            with runtime.database.transaction(shop.account) as connection:
                return work(connection, runtime.book(connection, shop.account, set()), number)
        except LoyaltyError as error:
            return type(error)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(call, range(calls)))


def read(runtime: Runtime, shop: Shop, statement: str) -> list[tuple[Any, ...]]:
    with runtime.database.transaction(shop.account) as connection:
        return rows(connection, statement)


def differences(runtime: Runtime, shop: Shop) -> list[Any]:
    with runtime.database.transaction(shop.account) as connection:
        return verify_ledger(connection, shop.account, rebuild=True).differences


def event(runtime: Runtime, shop: Shop, **parts: Any) -> None:
    row = {
        "key": "tea", "name": {"en": "Tea"}, "description": {}, "form": "meet", "check_in": "code", "is_online": False,
        "place": "x", "starts_at": NOW + HOUR / 2, "ends_at": NOW + 3 * HOUR, "opens_at": NOW - HOUR,
        "closes_at": NOW + HOUR, "capacity": 10, "has_waiting_list": False, "audience": {}, "goal": None, "theme": {},
        "activity": "event_participation", "message": None, "channels": [],
    }  # fmt: skip
    with runtime.database.transaction(shop.account) as connection:
        make_event(connection, runtime.book(connection, shop.account, set()), {**row, **parts}, NOW)


def taken(runtime: Runtime, shop: Shop) -> int:
    return int(read(runtime, shop, "select taken from gatherings")[0][0])


@pytest.mark.parametrize(("kind", "most"), [("review", 7), ("share", 3), ("vote", 1), ("photo", 5)])
def test_fifty_activities_at_once_count_up_to_the_cap_and_no_further(
    runtime: Runtime, shop: Shop, kind: str, most: int
) -> None:
    (member,) = people(runtime, shop, 1)
    told = at_once(
        runtime, shop, lambda it, book, n: record_activity(it, book, member, kind, str(n), NOW, "api").is_new
    )
    assert Counter(told) == {True: most, ActivityLimitReached: CALLS - most}
    assert read(runtime, shop, "select count(*), sum(points) from ledger_entries") == [(most, 10 * most)]
    assert differences(runtime, shop) == []


def test_fifty_times_the_same_activity_is_one(runtime: Runtime, shop: Shop) -> None:
    (member,) = people(runtime, shop, 1)
    told = at_once(
        runtime, shop, lambda it, book, _: record_activity(it, book, member, "vote", "p", NOW, "api").is_new
    )
    assert Counter(told) == {True: 1, False: CALLS - 1}


@pytest.mark.parametrize("waiting", [False, True])
def test_fifty_sign_ups_at_once_take_the_seats_there_are(runtime: Runtime, shop: Shop, waiting: bool) -> None:
    event(runtime, shop, has_waiting_list=waiting)
    members = people(runtime, shop, CALLS)
    told = at_once(runtime, shop, lambda it, book, n: sign_up(it, book, "tea", members[n], NOW)["state"])
    rest: Any = "waiting" if waiting else ParticipationRefused
    assert Counter(told) == {"signed_up": 10, rest: CALLS - 10}
    assert taken(runtime, shop) == 10


def test_one_member_who_signs_up_fifty_times_has_one_seat(runtime: Runtime, shop: Shop) -> None:
    event(runtime, shop)
    (member,) = people(runtime, shop, 1)
    at_once(runtime, shop, lambda it, book, _: sign_up(it, book, "tea", member, NOW))
    assert taken(runtime, shop) == 1
    assert read(runtime, shop, "select count(*) from sign_ups") == [(1,)]


def test_seats_stay_full_while_members_come_and_go(runtime: Runtime, shop: Shop) -> None:
    event(runtime, shop, has_waiting_list=True)
    members = people(runtime, shop, CALLS)

    def come_or_go(connection: Connection, book: AccountBook, number: int) -> None:
        does = cancel if number % 3 == 2 else sign_up
        does(connection, book, "tea", members[number // 3], NOW)

    at_once(runtime, shop, come_or_go, 3 * CALLS)
    states = dict(read(runtime, shop, "select state, count(*) from sign_ups group by state"))
    assert taken(runtime, shop) == states.get("signed_up", 0) <= 10
    assert states.get("waiting", 0) == 0 or states["signed_up"] == 10


def test_fifty_check_ins_at_once_give_points_once(runtime: Runtime, shop: Shop) -> None:
    event(runtime, shop)
    (member,) = people(runtime, shop, 1)
    at_once(runtime, shop, lambda it, book, _: sign_up(it, book, "tea", member, NOW), 1)
    at_once(runtime, shop, lambda it, book, _: note_attendance(it, book, "tea", member, NOW, "api"))
    assert read(runtime, shop, "select points from ledger_entries") == [(10,)]
    assert differences(runtime, shop) == []


def test_one_member_who_votes_fifty_times_at_once_has_one_vote(runtime: Runtime, shop: Shop) -> None:
    (member,) = people(runtime, shop, 1)
    options = [{"key": str(number), "text": {"en": "?"}} for number in range(CALLS)]
    row = {
        "key": "p", "kind": "poll", "name": {"en": "?"}, "description": {}, "opens_at": NOW - HOUR, "closes_at": None,
        "audience": {}, "activity": "answered",
        "questions": [{"key": "q", "kind": "single", "text": {"en": "?"}, "options": options}],
    }  # fmt: skip
    at_once(runtime, shop, lambda it, book, _: make_poll(it, book, row, NOW), 1)
    told = at_once(
        runtime,
        shop,
        lambda it, book, n: answer(it, book, "p", member, {"q": str(n)}, NOW, "api").answer["id"],
    )
    assert Counter(told)[ParticipationRefused] == CALLS - 1
    assert read(runtime, shop, "select points from ledger_entries") == [(10,)]


def challenge(runtime: Runtime, shop: Shop, per_member: int) -> None:
    row = {
        "key": "run", "name": {"en": "Run"}, "description": {}, "opens_at": NOW - HOUR, "closes_at": None,
        "audience": {}, "activity": "challenge", "per_member": per_member,
    }  # fmt: skip
    at_once(runtime, shop, lambda it, book, _: make_challenge(it, book, row, NOW), 1)


def test_fifty_submissions_at_once_stay_within_the_members_own(runtime: Runtime, shop: Shop) -> None:
    (member,) = people(runtime, shop, 1)
    challenge(runtime, shop, 4)
    told = at_once(
        runtime, shop, lambda it, book, n: submit(it, book, "run", member, str(n), [], NOW)["state"]
    )
    assert Counter(told) == {"submitted": 4, ParticipationRefused: CALLS - 4}


def test_fifty_verdicts_at_once_are_one(runtime: Runtime, shop: Shop) -> None:
    (member,) = people(runtime, shop, 1)
    challenge(runtime, shop, 1)
    at_once(runtime, shop, lambda it, book, _: submit(it, book, "run", member, "x", [], NOW), 1)
    ((number,),) = read(runtime, shop, "select id from submissions")

    def decide(connection: Connection, book: AccountBook, call: int) -> str:
        done = judge(connection, book, number, NOW, "staff", approve=call % 2 == 0, reason="x")
        return str(done.submission["state"])

    told = Counter(at_once(runtime, shop, decide))
    assert told[ParticipationRefused] == CALLS - 1
    assert read(runtime, shop, "select count(*) from ledger_entries") == [(told["approved"],)]


def test_fifty_draws_at_once_are_one(runtime: Runtime, shop: Shop) -> None:
    members = people(runtime, shop, 30)
    row = {
        "key": "d", "name": {"en": "Draw"}, "description": {}, "winners": 4, "activity": "draw_won",
        "entrants": {"kind": "members", "members": [str(member) for member in members]},
    }  # fmt: skip
    at_once(runtime, shop, lambda it, book, _: make_draw(it, book, row, NOW), 1)
    told = at_once(
        runtime, shop,
        lambda it, book, _: tuple(row["member_id"] for row in draw(it, book, "d", NOW, "api").winners),
    )  # fmt: skip
    assert len(set(told)) == 1
    assert len(set(told[0])) == 4
    paid = "select count(*), count(distinct member_id), sum(points) from ledger_entries"
    assert read(runtime, shop, paid) == [(4, 4, 40)]
    with runtime.database.transaction(shop.account) as connection:
        assert run_again(connection, "d").is_same
    assert differences(runtime, shop) == []


def test_the_database_itself_refuses_one_seat_too_many(runtime: Runtime, shop: Shop) -> None:
    event(runtime, shop, capacity=1)
    with (
        pytest.raises(Exception, match="ck_gatherings_seats"),
        runtime.database.transaction(shop.account) as connection,
    ):
        connection.execute(text("update gatherings set taken = 2"))
