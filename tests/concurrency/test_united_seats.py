"""One person under several members calls fifty times at once: seats, votes, submissions and caps are one person's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any
from uuid import UUID

import pytest
from builders import Shop, make_runtime, make_shop
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from test_racing_merges import merge_again_and_again
from test_seats import (
    CALLS,
    HOUR,
    NOW,
    PROGRAM,
    at_once,
    challenge,
    differences,
    event,
    people,
    read,
    taken,
)

from embedded import ServerUrls
from loyalty.community.refusals import ParticipationRefused
from loyalty.engine.activities import record_activity
from loyalty.engine.book import AccountBook
from loyalty.engine.capping import ActivityLimitReached
from loyalty.engine.challenging import submit
from loyalty.engine.gatherings import cancel, note_attendance, sign_up
from loyalty.engine.merging import merge_members
from loyalty.engine.polling import answer, make_poll
from loyalty.engine.work import Word
from loyalty.errors import LoyaltyError
from workers.runtime import Runtime

WORD = Word("x", "staff")
STEPS = 60


@pytest.fixture
def runtime(database: Any, servers: ServerUrls) -> Iterator[Runtime]:
    made = make_runtime(database.app_url, database.owner_url, servers.redis)
    yield made
    made.database.dispose()


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, PROGRAM)


@pytest.fixture
def person(runtime: Runtime, shop: Shop) -> list[UUID]:
    """Three members, the last two of whom are merged into the first, one through the other."""
    members = people(runtime, shop, 3)

    def merge(connection: Connection, book: AccountBook, step: int) -> None:
        survivor, other = ((members[1], members[2]), (members[0], members[1]))[step]
        merge_members(connection, book, survivor, other, WORD, NOW)

    for step in range(2):
        at_once(runtime, shop, lambda connection, book, _, step=step: merge(connection, book, step), 1)
    assert read(runtime, shop, "select count(*) from members where merged_into is not null") == [(2,)]
    return members


def test_one_person_who_signs_up_fifty_times_has_one_seat(
    runtime: Runtime, shop: Shop, person: list[UUID]
) -> None:
    event(runtime, shop)
    told = at_once(runtime, shop, lambda it, book, n: sign_up(it, book, "tea", person[n % 3], NOW)["id"])
    assert len(set(told)) == 1
    assert taken(runtime, shop) == 1
    assert read(runtime, shop, "select count(*) from sign_ups") == [(1,)]


def test_one_person_who_checks_in_fifty_times_is_given_points_once(
    runtime: Runtime, shop: Shop, person: list[UUID]
) -> None:
    event(runtime, shop)
    at_once(runtime, shop, lambda it, book, _: sign_up(it, book, "tea", person[1], NOW), 1)
    at_once(runtime, shop, lambda it, book, n: note_attendance(it, book, "tea", person[n % 3], NOW, "api"))
    assert read(runtime, shop, "select points from ledger_entries") == [(10,)]
    assert differences(runtime, shop) == []


def test_one_person_who_votes_fifty_times_has_one_vote(
    runtime: Runtime, shop: Shop, person: list[UUID]
) -> None:
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
        lambda it, book, n: answer(it, book, "p", person[n % 3], {"q": str(n)}, NOW, "api").answer["id"],
    )
    assert Counter(told)[ParticipationRefused] == CALLS - 1
    assert read(runtime, shop, "select count(*) from poll_answers") == [(1,)]


def test_fifty_submissions_of_one_person_stay_within_his_own(
    runtime: Runtime, shop: Shop, person: list[UUID]
) -> None:
    challenge(runtime, shop, 4)
    told = at_once(
        runtime, shop, lambda it, book, n: submit(it, book, "run", person[n % 3], str(n), [], NOW)["state"]
    )
    assert Counter(told) == {"submitted": 4, ParticipationRefused: CALLS - 4}


def test_what_he_did_before_he_was_merged_counts_toward_the_cap(runtime: Runtime, shop: Shop) -> None:
    members = people(runtime, shop, 2)
    for number in range(3):
        at_once(
            runtime, shop,
            lambda it, book, _, key=str(number): record_activity(it, book, members[1], "photo", key, NOW, "api"),
            1,
        )  # fmt: skip
    at_once(runtime, shop, lambda it, book, _: merge_members(it, book, *members, WORD, NOW), 1)
    told = at_once(
        runtime, shop, lambda it, book, n: record_activity(it, book, members[0], "photo", str(n), NOW, "api").is_new
    )  # fmt: skip
    assert Counter(told) == {False: 3, True: 2, ActivityLimitReached: CALLS - 5}
    assert differences(runtime, shop) == []


def come_and_go(runtime: Runtime, shop: Shop, members: list[UUID], seed: int) -> int:
    """Sign up, cancel and come at random, as whoever is merged at that moment; return how often it worked."""
    random, done = Random(seed), 0
    for _ in range(STEPS):
        does = random.choice((sign_up, sign_up, cancel, come))
        try:
            with runtime.database.transaction(shop.account) as connection:
                does(
                    connection,
                    runtime.book(connection, shop.account, set()),
                    "tea",
                    random.choice(members),
                    NOW,
                )
            done += 1
        except (LoyaltyError, OperationalError):
            continue
    return done


def come(connection: Connection, book: AccountBook, key: str, member: UUID, now: Any) -> None:
    note_attendance(connection, book, key, member, now, "api")


def test_seats_and_points_add_up_while_members_are_merged_and_freed(runtime: Runtime, shop: Shop) -> None:
    event(runtime, shop, capacity=3, has_waiting_list=True)
    members = people(runtime, shop, 6)
    with ThreadPoolExecutor(6) as pool:
        merging = [pool.submit(merge_again_and_again, runtime, shop, seed) for seed in range(2)]
        coming = [pool.submit(come_and_go, runtime, shop, members, seed) for seed in range(4)]
        assert sum(each.result() for each in merging) > 5
        assert sum(each.result() for each in coming) > STEPS
    seated = "select count(*) from sign_ups where state in ('signed_up', 'attended', 'absent')"
    assert [(taken(runtime, shop),)] == read(runtime, shop, seated)
    assert taken(runtime, shop) <= 3
    came = read(runtime, shop, "select count(*) from commands where kind = 'activity'")
    assert read(runtime, shop, "select coalesce(sum(points), 0) / 10 from ledger_entries") == came
    assert differences(runtime, shop) == []
