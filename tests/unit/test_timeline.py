"""Effective times, and what goes first at the same instant."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise, permutations
from typing import Any

import pytest
from builders import NOON, make_order, make_program, make_refund, make_versions
from folding import DAY, HOUR, fold, make_command, make_file, make_two_versions, moved, net, standing

from loyalty.commerce import OrderState
from loyalty.earning.earning import award_time
from loyalty.engine.state import MemberState
from loyalty.engine.timeline import EventKey, EventType, OrderRef, Rank, order_events
from loyalty.programs.terms import AwardOn

AT_ONCE = {"earning": {"caps": {"per_day": 150}}}


def place(number: int, *, rank: Rank = Rank.ORDER, store: int = 1, at: datetime = NOON) -> EventKey:
    return EventKey(at, rank, store, number, str(number))


def test_places_sort_by_time_rank_store_and_number() -> None:
    ordered = [
        place(99, store=9, rank=Rank.COMMAND, at=NOON - HOUR),
        place(9, rank=Rank.MATURITY), place(9, rank=Rank.EXPIRY),
        place(9), place(10), place(1, store=2),
        place(1, rank=Rank.REFUND), place(1, rank=Rank.COMMAND),
    ]  # fmt: skip
    assert all(before < after for before, after in pairwise(ordered))


@pytest.mark.parametrize("ids", list(permutations(["9", "10", "11"])))
def test_orders_of_one_instant_go_by_their_number(ids: tuple[str, ...]) -> None:
    state = fold(*[make_order(each) for each in ids], **AT_ONCE)
    assert {key: file.points for key, file in state.orders.items()} == {"1:9": 100, "1:10": 50, "1:11": 0}


@pytest.mark.parametrize(("late", "debt"), [(-1, 0), (0, 100)])
def test_expiry_goes_before_a_command_of_the_same_instant(late: int, debt: int) -> None:
    death = datetime.fromisoformat("2026-03-20T16:00:00+00:00")
    spent = make_command(-100, at=death + late * HOUR)
    state = fold(make_order(), commands=[spent], expiry={"mode": "lot", "after": {"days": 10}})
    assert state.wallet.debt == debt


def test_refund_goes_before_a_command_of_the_same_instant() -> None:
    order = make_order(refunds=(make_refund(at=NOON + HOUR),))
    spent = make_command(-100, at=NOON + HOUR)
    assert moved(fold(order, commands=[spent], refunds={"negative_balance": "floor"})) == [100, -100]


def test_commands_of_one_instant_go_by_their_number() -> None:
    commands = [make_command(-50, number=2), make_command(50, number=1)]
    assert moved(fold(commands=commands, refunds={"negative_balance": "floor"})) == [50, -50]


@pytest.mark.parametrize(
    ("paid", "completed", "award_on", "expected"),
    [
        (NOON, None, AwardOn.PAID, NOON),
        (NOON, NOON + DAY, AwardOn.PAID, NOON),
        (None, None, AwardOn.PAID, None),
        (NOON, None, AwardOn.COMPLETED, None),
        (NOON, NOON + DAY, AwardOn.COMPLETED, NOON + DAY),
        (NOON + DAY, NOON, AwardOn.COMPLETED, NOON + DAY),
        (None, None, AwardOn.COMPLETED, None),
    ],
)
def test_award_time(
    paid: datetime | None, completed: datetime | None, award_on: AwardOn, expected: datetime | None
) -> None:
    assert award_time(make_order(paid_at=paid, completed_at=completed), award_on) == expected


@pytest.mark.parametrize(
    ("more", "types"),
    [
        ({}, ["AWARD"]),
        ({"state": OrderState.OPEN}, []),
        ({"paid_at": None}, []),
        ({"state": OrderState.DEAD}, ["AWARD", "END"]),
        ({"state": OrderState.REFUNDED}, ["AWARD", "END"]),
        ({"refunds": (make_refund(amount="0"),)}, ["AWARD"]),
        ({"refunds": (make_refund(),)}, ["AWARD", "REFUND"]),
    ],
)
def test_events_of_an_order(more: dict[str, Any], types: list[str]) -> None:
    events = order_events(OrderRef(1, "1"), make_order(**more), None, make_versions())
    assert [EventType(event.type).name for event in events] == types


def test_deleted_order_ends_when_the_shop_was_asked() -> None:
    state = fold(make_file(make_order(), deleted_at=NOON + DAY))
    assert [(each.points, each.effective_at) for each in state.movements] == [(100, NOON), (-100, NOON + DAY)]


def test_version_is_that_of_the_payment_not_of_the_completion() -> None:
    versions = make_two_versions(
        {"earning": {"award_on": "completed"}}, {"earning": {"points_per_unit": "2"}}
    )
    assert moved(fold(make_order(completed_at=NOON + DAY), versions=versions)) == [100]


def test_tier_is_that_of_the_payment_not_of_the_completion() -> None:
    tiers = [
        {"key": "regular", "name": {"en": "R"}},
        {
            "key": "gold", "name": {"en": "G"}, "benefits": {"multiplier": "2"},
            "enter": {"any": [{"metric": "spend", "at_least": "100"}]},
        },
    ]  # fmt: skip
    slow = make_order("1", completed_at=NOON + DAY)
    fast = make_order("2", at=NOON + HOUR, completed_at=NOON + 2 * HOUR)
    assert standing(fold(slow, fast, tiers=tiers, earning={"award_on": "completed"})) == [100, 100]


def test_how_to_treat_a_refund_follows_the_version_of_its_instant() -> None:
    versions = make_two_versions({}, {"refunds": {"negative_balance": "floor"}})
    order = make_order(refunds=(make_refund(at=NOON + 3 * HOUR),))
    assert fold(order, commands=[make_command(-100)], versions=versions).wallet.debt == 0


@pytest.mark.parametrize(
    ("exclude", "points"),
    [
        ({"guests": False}, 0),
        ({"exclude": {"roles": ["customer"]}}, 0),
        ({"exclude": {"roles": ["editor"]}}, 100),
    ],
)
def test_excluded_people_never_earn(exclude: dict[str, Any], points: int) -> None:
    member = MemberState("email:amy", guest=True, role="customer")
    assert net(fold(make_order(), member=member, enrolment=exclude)) == points


@pytest.mark.parametrize(("command_at", "points"), [(NOON + HOUR, [5]), (NOON - HOUR, [5, 100])])
def test_explicit_members_earn_from_their_first_command_on(command_at: datetime, points: list[int]) -> None:
    state = fold(make_order(), commands=[make_command(5, at=command_at)], enrolment={"mode": "explicit"})
    assert moved(state) == points


@pytest.mark.parametrize(
    ("commands", "joined"),
    [([], NOON), ([make_command(5, at=NOON - HOUR)], NOON - HOUR), ([make_command(5)], NOON)],
)
def test_member_joins_with_his_first_award_or_command(commands: list[Any], joined: datetime) -> None:
    dead = make_order(state=OrderState.DEAD, modified_at=NOON + DAY)
    assert fold(dead, commands=commands).joined_at == joined


def test_program_is_the_context_of_its_version() -> None:
    program = make_program(currency="USD", decimals=2, time_zone="America/New_York")
    assert (program.currency, program.decimals, program.time_zone) == ("USD", 2, "America/New_York")
