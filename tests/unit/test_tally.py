"""The tally: figures by instant, what is forgotten of them, and what the whole life keeps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import NOON, make_order, make_refund, make_versions
from folding import DAY, HOUR, fold

from loyalty.programs.program import MONTH_AND_A_BIT, Versions
from loyalty.tiers.qualification import Metrics
from loyalty.tiers.tally import Tally, read_tally
from loyalty.values import exact

SECOND = timedelta(seconds=1)


def make_tally() -> Tally:
    """100.50 at noon, 10/3 an hour later, 7 marked points a day later."""
    tally = Tally()
    tally.add(NOON, Metrics(exact("100.50"), 1, 100))
    tally.add(NOON + HOUR, Metrics(exact("10/3"), 1, 3))
    tally.add(NOON + DAY, Metrics(points=7))
    tally.take(NOON, 100)
    return tally


@pytest.mark.parametrize(
    ("start", "until", "points"),
    [
        (NOON, NOON + DAY, 110), (NOON + SECOND, NOON + DAY, 10), (NOON, NOON, 100), (NOON, NOON - SECOND, 0),
        (None, NOON + HOUR, 103), (None, NOON - SECOND, 0), (NOON, NOON + DAY - SECOND, 103),
    ],
)  # fmt: skip
def test_a_sum_holds_both_its_ends(start: object, until: object, points: int) -> None:
    assert make_tally().sum(start, until).points == points  # type: ignore[arg-type]


def test_a_tally_comes_back_from_the_database_as_it_was() -> None:
    tally = make_tally()
    tally.forget_before(NOON + SECOND)
    assert read_tally(tally.data(), tally.total) == tally


def test_what_is_forgotten_still_counts_in_the_whole_life() -> None:
    tally = make_tally()
    tally.forget_before(NOON + SECOND)
    tally.add(NOON, Metrics(exact("-100.50"), -1, -100))
    assert tally.sum(None, NOON + DAY) == Metrics(exact("10/3"), 1, 10)
    assert tally.sum(NOON + SECOND, NOON + DAY) == Metrics(exact("10/3"), 1, 10)
    assert NOON not in tally.moments


def test_room_is_taken_within_half_open_days() -> None:
    tally = make_tally()
    assert tally.taken_between(NOON, NOON + SECOND) == 100
    assert tally.taken_between(NOON - DAY, NOON) == 0


def test_a_refunded_order_leaves_nothing_in_the_figures() -> None:
    state = fold(make_order("1", total="100", refunds=[make_refund("9", "100", at=NOON + HOUR)]))
    assert state.tally.total == Metrics()
    assert state.tally.data()["moments"] == [[NOON.isoformat(), "0", 0, 0, 100]]


@pytest.mark.parametrize(
    ("window", "months"),
    [
        ({"kind": "rolling", "months": 3}, 3), ({"kind": "rolling", "months": 24}, 24), ({"kind": "calendar_year"}, 12),
        ({"kind": "lifetime"}, 12),
    ],
)  # fmt: skip
def test_heads_keep_what_the_longest_window_of_any_version_needs(
    window: dict[str, object], months: int
) -> None:
    reach = make_versions(tier_policy={"window": window}).reach
    assert reach == months * MONTH_AND_A_BIT
    assert Versions(()).reach == timedelta()


def test_a_tally_that_nobody_changed_gives_back_the_very_data() -> None:
    data = make_tally().data()
    tally = read_tally(data, make_tally().total)
    tally.forget_before(NOON)
    assert tally.sum(NOON, NOON + DAY) == make_tally().sum(NOON, NOON + DAY)
    assert tally.data() is data


def test_news_leave_the_data_that_a_tally_was_read_from_alone() -> None:
    data = make_tally().data()
    tally = read_tally(data, make_tally().total)
    tally.add(NOON, Metrics(exact("1/3"), 1, 5, 2, 1))
    tally.take(NOON, 5)
    tally.take(NOON + HOUR, 3)
    assert data == make_tally().data()
    assert tally.data()["moments"] == [
        [NOON.isoformat(), "605/6", 2, 105, 105, 2, 1],
        [(NOON + HOUR).isoformat(), "10/3", 1, 3, 3],
        [(NOON + DAY).isoformat(), "0", 0, 7, 0],
    ]


def test_a_sum_adds_whole_money_fractions_and_engagement() -> None:
    tally = make_tally()
    tally.add(NOON, Metrics(exact("-1/2"), 0, 0, 4, 1))
    tally.add(NOON + 2 * HOUR, Metrics(exact("-50"), 0, -50, 0, 1))
    assert tally.sum(NOON, NOON + DAY) == Metrics(exact("160/3"), 2, 60, 4, 2)
    assert tally.sum(None, NOON) == Metrics(exact("100"), 1, 100, 4, 1)
