"""Fifty claims at once: tickets never exceed seats, nor samples the stock, and who has neither keeps his points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from builders import Shop, make_document, make_runtime, make_shop
from sqlalchemy import Connection
from test_seats import CALLS, NOW, at_once, differences, event, people, read, taken

from embedded import ServerUrls
from loyalty.accounts.service import next_command_numbers
from loyalty.community.refusals import ParticipationRefused
from loyalty.engine.apply import carry_out_many
from loyalty.engine.book import AccountBook
from loyalty.engine.commands import AdjustPoints
from loyalty.engine.ending import cancel_redemption
from loyalty.engine.fulfilling import fulfil
from loyalty.engine.gatherings import sign_up
from loyalty.engine.redemptions import Wish, redeem_reward
from loyalty.engine.returning import call_off
from loyalty.engine.tickets import cancel_sign_up
from loyalty.errors import LoyaltyError, RewardNotAvailable
from loyalty.rewards.redemption import Fulfilment
from workers.runtime import Runtime

PRICE = 10
PROGRAM = make_document(
    rewards=[
        {"key": "seat", "kind": "event_ticket", "points": PRICE, "event": "tea"},
        {"key": "taste", "kind": "sample", "points": PRICE, "stock": 7},
    ]
)
SEATED = "select fulfilment, count(*) from redemptions where state = 'captured' group by fulfilment"
HELD = "select count(*) from sign_ups where state = 'signed_up'"


@pytest.fixture
def runtime(database: Any, servers: ServerUrls) -> Iterator[Runtime]:
    made = make_runtime(database.app_url, database.owner_url, servers.redis)
    yield made
    made.database.dispose()


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, PROGRAM)


@pytest.fixture
def members(runtime: Runtime, shop: Shop) -> list[UUID]:
    """Fifty members who can each pay once."""
    found = people(runtime, shop, CALLS)

    def give(connection: Connection, book: AccountBook, _: int) -> None:
        numbers = next_command_numbers(connection, CALLS)
        commands = {
            member: AdjustPoints(number, NOW, PRICE, "x", False, "staff")
            for member, number in zip(found, numbers, strict=True)
        }
        carry_out_many(connection, book, commands, NOW)

    at_once(runtime, shop, give, 1)
    return found


def claim(connection: Connection, book: AccountBook, member: UUID, reward: str = "seat") -> str:
    number = redeem_reward(connection, book, member, Wish(reward), NOW, "api").number
    return str(rows_of(connection, f"select fulfilment from redemptions where number = {number}")[0][0])


def rows_of(connection: Connection, statement: str) -> list[Any]:
    return list(connection.exec_driver_sql(statement))


def is_consistent(runtime: Runtime, shop: Shop) -> bool:
    """Points are gone exactly where a redemption stands, and each accepted one has its seat."""
    states = dict(read(runtime, shop, SEATED))
    spent = read(
        runtime, shop, "select coalesce(-sum(points), 0) from ledger_entries where kind <> 'adjustment'"
    )
    assert spent == [(PRICE * sum(states.values()),)]
    assert states.get("accepted", 0) == read(runtime, shop, HELD)[0][0] == taken(runtime, shop) <= 10
    waiting = read(runtime, shop, "select count(*) from sign_ups where state = 'waiting'")
    assert waiting == [(states.get("open", 0),)]
    assert differences(runtime, shop) == []
    return True


@pytest.mark.parametrize("waiting", [False, True])
def test_fifty_claims_at_once_take_exactly_the_ten_seats(
    runtime: Runtime, shop: Shop, members: list[UUID], waiting: bool
) -> None:
    event(runtime, shop, has_waiting_list=waiting)
    told = at_once(runtime, shop, lambda it, book, n: claim(it, book, members[n]))
    rest: Any = "open" if waiting else ParticipationRefused
    assert Counter(told) == {"accepted": 10, rest: CALLS - 10}
    assert is_consistent(runtime, shop)


def test_one_member_who_claims_fifty_times_pays_once(
    runtime: Runtime, shop: Shop, members: list[UUID]
) -> None:
    event(runtime, shop)
    told = Counter(at_once(runtime, shop, lambda it, book, _: claim(it, book, members[0])))
    assert told["accepted"] == taken(runtime, shop) == 1
    assert is_consistent(runtime, shop)


def test_seats_and_points_agree_while_members_come_and_go(
    runtime: Runtime, shop: Shop, members: list[UUID]
) -> None:
    """Some claim, some take tickets or sign-ups back, staff refuses some, others sign up without a ticket."""
    event(runtime, shop, has_waiting_list=True)

    def come_or_go(connection: Connection, book: AccountBook, number: int) -> None:
        member = members[number // 4]
        own = f"select id from redemptions where state = 'captured' and member_id = '{member}'"
        tickets = [row[0] for row in rows_of(connection, own)]
        if number % 4 == 3 and tickets and number % 3 == 0:
            fulfil(connection, book, tickets[0], Fulfilment.REFUSED, "x", NOW, "staff")
        elif number % 4 == 3 and tickets:
            cancel_redemption(connection, book, tickets[0], "x", NOW, "api")
        elif number % 8 == 6:
            cancel_sign_up(connection, book, "tea", member, NOW, "api")
        else:
            claim(connection, book, member)

    told = at_once(runtime, shop, come_or_go, 4 * CALLS, workers=12)
    assert all(each is None or issubclass(each, LoyaltyError) for each in told)
    states = dict(read(runtime, shop, "select state, count(*) from sign_ups group by state"))
    assert states.get("waiting", 0) == 0 or states["signed_up"] == 10
    assert is_consistent(runtime, shop)


def test_plain_sign_ups_and_tickets_share_the_seats(
    runtime: Runtime, shop: Shop, members: list[UUID]
) -> None:
    event(runtime, shop)

    def come(connection: Connection, book: AccountBook, number: int) -> str:
        if number % 2:
            return str(sign_up(connection, book, "tea", members[number], NOW)["state"])
        return claim(connection, book, members[number])

    told = Counter(at_once(runtime, shop, come))
    assert told["accepted"] + told["signed_up"] == taken(runtime, shop) == 10
    standing = read(runtime, shop, "select count(*) from redemptions where state = 'captured'")
    assert standing == [(told["accepted"],)]
    assert differences(runtime, shop) == []


def test_event_that_is_called_off_while_fifty_claim_keeps_nobodys_points(
    runtime: Runtime, shop: Shop, members: list[UUID]
) -> None:
    event(runtime, shop, has_waiting_list=True)

    def claim_or_call_off(connection: Connection, book: AccountBook, number: int) -> None:
        if number == CALLS // 2:
            call_off(connection, book, "tea", "ill", NOW, "staff")
        else:
            claim(connection, book, members[number])

    at_once(runtime, shop, claim_or_call_off)
    assert read(runtime, shop, "select count(*) from redemptions where state = 'captured'") == [(0,)]
    assert read(runtime, shop, "select sum(points_sum) from members") == [(CALLS * PRICE,)]
    assert (taken(runtime, shop), is_consistent(runtime, shop)) == (0, True)


def test_fifty_claims_of_a_sample_take_the_stock_there_is(
    runtime: Runtime, shop: Shop, members: list[UUID]
) -> None:
    told = at_once(runtime, shop, lambda it, book, n: claim(it, book, members[n], "taste"))
    assert Counter(told) == {"open": 7, RewardNotAvailable: CALLS - 7}
    spent = read(runtime, shop, "select -sum(points) from ledger_entries where kind = 'redemption'")
    assert spent == [(7 * PRICE,)]
    assert differences(runtime, shop) == []
