"""Campaigns that may give only so much: what an order gets, what refunds give back, what is kept for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from builders import NOON, make_line, make_order, make_program, make_refund, make_versions
from folding import DAY, HOUR, fold, make_file, moved, standing

from loyalty.commerce import OrderSnapshot, OrderState
from loyalty.earning.allotments import Allocation, Allotments
from loyalty.engine.planning import Change, events_to_append
from loyalty.engine.state import MemberState
from loyalty.programs.program import Versions

YEAR = {"key": "c", "from": "2026-01-01T00:00", "until": "2027-01-01T00:00", "multiplier": "2"}
CLOSES = NOON + DAY
"""The end of a campaign until this noon in Taipei."""


def campaign(**more: Any) -> dict[str, Any]:
    return {**YEAR, **more}


def member(spent: int = 0, **rows: Allocation) -> MemberState:
    """A member with allocations of campaign `c` by order (`o1` is order 1), beside what others have."""
    known = {("c", f"1:{name[1:]}"): row for name, row in rows.items()}
    used = spent + sum(row.used for row in rows.values())
    allotments = Allotments({"c": used}, dict(known), dict(known))
    return MemberState("customer:1:7", allotments=allotments)


def rows(state: MemberState) -> dict[str, tuple[int, int]]:
    return {order: (row.granted, row.returned) for (_, order), row in sorted(state.allotments.rows.items())}


@pytest.mark.parametrize(
    ("limit", "points"), [(1, 101), (99, 199), (100, 200), (101, 200)], ids=["least", "below", "at", "above"]
)
@pytest.mark.parametrize("kind", ["budget", "per_member"])
def test_what_exceeds_the_limit_is_cut_off(kind: str, limit: int, points: int) -> None:
    state = fold(make_order(), campaigns=[campaign(**{kind: limit})])
    assert moved(state) == [points]
    assert rows(state) == {"1:1": (points - 100, 0)}


@pytest.mark.parametrize("kind", ["budget", "per_member"])
def test_orders_get_what_those_before_left(kind: str) -> None:
    orders = [make_order(str(number), at=NOON + number * HOUR) for number in range(3)]
    state = fold(*orders, campaigns=[campaign(**{kind: 150})])
    assert standing(state) == [200, 150, 100]
    assert rows(state) == {"1:0": (100, 0), "1:1": (50, 0), "1:2": (0, 0)}
    assert state.allotments.spent == {"c": 150}


def test_a_budget_is_everybodys_and_a_cap_is_each_members() -> None:
    spent: dict[str, int] = {}
    found = []
    for number in range(3):
        person = MemberState(f"customer:1:{number}", allotments=Allotments(spent))
        listed = [campaign(budget=130, per_member=60)]
        found += standing(fold(make_order(str(number)), member=person, campaigns=listed))
    assert found == [160, 160, 110]
    assert spent == {"c": 130}


def test_a_campaign_without_limits_keeps_no_allocations() -> None:
    assert rows(fold(make_order(), campaigns=[campaign()])) == {}


@pytest.mark.parametrize(
    ("refund", "left"), [("0.01", 159), ("20", 140), ("40", 120), ("50", 100), ("100", 0)]
)
def test_refunds_take_the_allotted_part_last(refund: str, left: int) -> None:
    """The order would have had 200 and may have 60 of the second 100."""
    order = make_order(refunds=(make_refund(amount=refund),))
    assert sum(moved(fold(order, campaigns=[campaign(budget=60)]))) == left


def test_several_limited_campaigns_are_asked_one_after_the_other() -> None:
    listed = [
        campaign(key="a", multiplier="3", budget=120),
        campaign(key="b", bonus=40, multiplier=None, per_member=30),
        campaign(key="c", multiplier="2"),
        campaign(key="d", multiplier="1.5", stacking="add", budget=1000),
    ]
    state = fold(make_order(), campaigns=listed)
    gave = {key: row.granted for (key, _), row in state.allotments.rows.items()}
    assert gave == {"a": 100, "b": 30, "d": 50}
    assert moved(state) == [200 + 100 + 30 + 50]


def test_a_limited_campaign_that_adds_nothing_is_not_asked() -> None:
    listed = [campaign(key="a", multiplier="3"), campaign(key="b", multiplier="2", budget=10)]
    state = fold(make_order(), campaigns=listed)
    assert (moved(state), rows(state)) == ([300], {})


def test_a_limited_campaign_that_takes_away_needs_no_allocation() -> None:
    state = fold(make_order(), campaigns=[campaign(multiplier="0.5", stacking="add", budget=10)])
    assert (moved(state), rows(state)) == ([50], {})


@pytest.mark.parametrize(
    ("caps", "points", "granted"),
    [
        ({"per_order": 130}, [130, 120], [30, 20]),
        ({"per_day": 130}, [130, 0], [30]),
        ({"per_day": 250}, [150, 100], [50]),
        ({"per_month": 270}, [150, 100], [50, 0]),
    ],
)
def test_what_caps_take_away_is_not_asked_for(
    caps: dict[str, int], points: list[int], granted: list[int]
) -> None:
    orders = [make_order("1"), make_order("2", at=NOON + HOUR)]
    state = fold(*orders, campaigns=[campaign(budget=50)], earning={"caps": caps})
    assert standing(state) == points
    assert [given for given, _ in rows(state).values()] == granted


@pytest.mark.parametrize(
    "more", [{"earning": {"minimum_order": "101"}}, {"paused": True}], ids=["minimum", "paused"]
)
def test_an_order_that_earns_nothing_is_given_nothing(more: dict[str, Any]) -> None:
    assert rows(fold(make_order(), campaigns=[campaign(budget=50)], **more)) == {}


@pytest.mark.parametrize(("counts", "counted"), [(False, 100), (True, 160)])
def test_only_what_was_allotted_counts_toward_the_tier(counts: bool, counted: int) -> None:
    state = fold(make_order(), campaigns=[campaign(budget=60, counts_toward_tier=counts)])
    assert state.orders["1:1"].counted == counted


def test_an_order_keeps_its_allocation_when_it_is_rated_again() -> None:
    order = make_order(total="300")
    state = fold(order, member=member(o1=Allocation(10)), campaigns=[campaign(budget=1000)])
    assert (moved(state), rows(state)) == ([310], {"1:1": (10, 0)})


def test_who_got_none_gets_none_when_there_is_some_again() -> None:
    state = fold(make_order(), member=member(o1=Allocation(0)), campaigns=[campaign(budget=1000)])
    assert (moved(state), rows(state)) == ([100], {"1:1": (0, 0)})


def test_an_order_that_shrinks_leaves_the_rest_to_others() -> None:
    orders = [make_order("1", total="30"), make_order("2", at=NOON + HOUR)]
    state = fold(*orders, member=member(o1=Allocation(100)), campaigns=[campaign(budget=100)])
    assert rows(state) == {"1:1": (100, 70), "1:2": (70, 0)}


def ending(at: datetime, kind: str) -> OrderSnapshot:
    """An order of 100 that is refunded in full, stated so, or cancelled at an instant."""
    if kind == "refunds":
        return make_order(refunds=(make_refund(at=at),))
    state = OrderState.REFUNDED if kind == "refunded" else OrderState.DEAD
    return make_order(state=state, modified_at=at)


@pytest.mark.parametrize("kind", ["refunds", "refunded", "dead"])
@pytest.mark.parametrize(
    ("zone", "until"),
    [
        ("Asia/Taipei", "2026-03-11T12:00"),
        ("America/New_York", "2026-03-11T00:00"),
        ("Pacific/Auckland", "2026-03-11T17:00"),
    ],
)
@pytest.mark.parametrize(("seconds", "returned"), [(-1, 100), (0, 0), (1, 0)], ids=["before", "at", "after"])
def test_refunds_give_back_while_the_campaign_runs(
    seconds: int, returned: int, zone: str, until: str, kind: str
) -> None:
    order = ending(CLOSES + seconds * HOUR / 3600, kind)
    listed = [campaign(budget=100, until=until)]
    state = fold(order, member=member(o1=Allocation(100)), campaigns=listed, time_zone=zone)
    assert sum(moved(state)) == 0
    assert rows(state) == {"1:1": (100, returned)}
    assert state.allotments.spent == {"c": 100 - returned}


@pytest.mark.parametrize(("others", "granted", "points"), [(0, 100, 200), (30, 70, 170), (60, 40, 140)])
def test_a_deleted_refund_gets_back_what_nobody_took_and_loses_the_rest_for_good(
    others: int, granted: int, points: int
) -> None:
    """It had 100, gave 60 back by a refund, and others took some of them; then the refund is deleted."""
    listed = [campaign(budget=100)]
    state = fold(make_order(), member=member(others, o1=Allocation(100, 60)), campaigns=listed)
    assert (moved(state), rows(state)) == ([points], {"1:1": (granted, 0)})
    assert state.allotments.spent["c"] <= 100

    again = MemberState("customer:1:7", allotments=Allotments({"c": 0}, {}, dict(state.allotments.rows)))
    assert moved(fold(make_order(), member=again, campaigns=listed)) == [points]


def test_folding_again_changes_no_allocation() -> None:
    orders = [ending(NOON + HOUR, "refunds"), make_order("2", at=NOON + 2 * HOUR)]
    state = fold(*orders, campaigns=[campaign(budget=150)])
    kept = state.allotments
    assert rows(state) == {"1:1": (100, 100), "1:2": (100, 0)}
    again = MemberState("customer:1:7", allotments=Allotments(kept.spent, dict(kept.rows), dict(kept.rows)))
    assert fold(*orders, member=again, campaigns=[campaign(budget=150)]).allotments.news() == {}


def test_a_dead_order_is_given_nothing_new_and_asks_when_it_lives() -> None:
    dead = ending(NOON + HOUR, "dead")
    state = fold(dead, campaigns=[campaign(budget=100)])
    assert (moved(state), rows(state)) == ([100, -100], {})
    alive = fold(make_order(), member=MemberState("m", allotments=state.allotments), campaigns=[
        campaign(budget=100)])  # fmt: skip
    assert rows(alive) == {"1:1": (100, 0)}


def test_an_order_that_is_no_longer_paid_gives_everything_back() -> None:
    unpaid = replace(make_order(), state=OrderState.OPEN, paid_at=None)
    state = fold(unpaid, member=member(o1=Allocation(80, 20)), campaigns=[campaign(budget=100)])
    assert rows(state) == {"1:1": (80, 80)}
    assert state.allotments.spent == {"c": 0}


def test_a_lower_budget_of_a_later_version_takes_nothing_back() -> None:
    versions = Versions(
        (
            make_program(campaigns=[campaign(budget=100)]),
            make_program(2, NOON + HOUR / 2, campaigns=[campaign(budget=40)]),
        )
    )
    state = fold(make_order("1", total="80"), make_order("2", at=NOON + HOUR), versions=versions)
    assert rows(state) == {"1:1": (80, 0), "1:2": (0, 0)}


def test_the_reasons_say_what_limited_campaigns_gave() -> None:
    (movement,) = fold(make_order(), campaigns=[campaign(budget=60)]).movements
    assert movement.explanation["limited"] == {"c": 60}


@pytest.mark.parametrize(("until", "appended"), [("2027-01-01T00:00", False), ("2026-03-10T12:00", True)])
def test_a_refund_of_an_order_in_the_time_of_a_limited_campaign_folds_everything_again(
    until: str, appended: bool
) -> None:
    old, new = make_file(make_order()), make_file(make_order(refunds=(make_refund(),)))
    versions = make_versions(campaigns=[campaign(budget=5, until=until)])
    assert (events_to_append(MemberState("m"), [Change(old, new)], versions) is not None) is appended


def test_scoped_lines_only() -> None:
    lines = [make_line("1"), make_line("2")]
    listed = [campaign(budget=1000, scope={"product_ids": ["p1"]})]
    refunded = make_order(lines=lines, refunds=(make_refund(lines={"1": "100"}),))
    state = fold(refunded, campaigns=listed, until=datetime(2026, 4, 1, tzinfo=UTC))
    assert (moved(state), rows(state)) == ([300, -200], {"1:1": (100, 100)})
