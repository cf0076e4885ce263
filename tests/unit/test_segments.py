"""Segments: who is in, just before, at and just after each bound, and when time alone changes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import NOON, make_order, make_versions
from folding import DAY, fold, net

from loyalty.engine.segmenting import next_change, segments_of
from loyalty.engine.state import MemberState

MOMENT = timedelta(microseconds=1)


def member(criterion: dict[str, Any], *orders: Any) -> tuple[MemberState, Any]:
    parts = {"segments": [{"key": "s", "all": [criterion]}]}
    return fold(*(orders or (make_order(),)), until=NOON, **parts), make_versions(**parts).programs[0]


def is_in(criterion: dict[str, Any], at: datetime, *orders: Any) -> bool:
    state, program = member(criterion, *orders)
    return segments_of(state, program, at) == {"s"}


def taipei(text: str) -> datetime:
    """An instant by the wall clock of Taipei."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


@pytest.mark.parametrize(("at_least", "found"), [("99.99", True), ("100", True), ("100.01", False)])
def test_a_figure_reached_exactly_is_enough(at_least: str, found: bool) -> None:
    assert is_in({"kind": "metric", "metric": "spend", "at_least": at_least}, NOON) is found


@pytest.mark.parametrize(("below", "found"), [("99.99", False), ("100", False), ("100.01", True)])
def test_a_figure_stays_below(below: str, found: bool) -> None:
    assert is_in({"kind": "metric", "metric": "spend", "below": below}, NOON) is found


ROLLING = {"kind": "metric", "metric": "orders", "at_least": 1, "window": {"kind": "rolling", "months": 3}}


def test_an_order_leaves_a_rolling_window_at_midnight_and_the_day_is_known() -> None:
    out = taipei("2026-06-11T00:00")
    state, program = member(ROLLING)
    assert next_change(state, program, NOON) == out
    assert segments_of(state, program, out - MOMENT) == {"s"}
    assert segments_of(state, program, out) == frozenset()
    assert next_change(state, program, out) is None


def test_a_window_that_ends_in_a_shorter_month() -> None:
    end_of_november = taipei("2026-11-30T12:00")
    state, program = member(ROLLING, make_order(at=end_of_november))
    state.last_order_at = end_of_november
    out = next_change(state, program, end_of_november)
    assert out == taipei("2027-03-01T00:00")
    assert segments_of(state, program, out - MOMENT) == {"s"}
    assert segments_of(state, program, out) == frozenset()


DAYS = {"kind": "days_since", "since": "last_order", "at_least": 30, "below": 60}


@pytest.mark.parametrize(
    ("at", "found"),
    [
        ("2026-04-08T23:59:59", False), ("2026-04-09T00:00", True), ("2026-05-08T23:59:59", True),
        ("2026-05-09T00:00", False),
    ],
)  # fmt: skip
def test_days_since_the_last_order(at: str, found: bool) -> None:
    assert is_in(DAYS, taipei(at)) is found


def test_the_days_on_which_days_since_change_are_known() -> None:
    state, program = member(DAYS)
    first = next_change(state, program, NOON)
    assert first == taipei("2026-04-09T00:00")
    assert next_change(state, program, first) == taipei("2026-05-09T00:00")


def test_years_begin_anew() -> None:
    window = {"kind": "calendar_year"}
    criterion = {"kind": "metric", "metric": "spend", "at_least": 1, "window": window}
    state, program = member(criterion)
    new_year = taipei("2027-01-01T00:00")
    assert next_change(state, program, NOON) == new_year
    assert segments_of(state, program, new_year) == frozenset()


def test_who_never_ordered_meets_no_days() -> None:
    parts = {"segments": [{"key": "s", "all": [DAYS]}]}
    state = fold(until=NOON, **parts)
    assert segments_of(state, make_versions(**parts).programs[0], NOON + 40 * DAY) == frozenset()


@pytest.mark.parametrize(("word", "found"), [("any", True), ("all", False)])
def test_any_or_all(word: str, found: bool) -> None:
    criteria = [{"kind": "tier", "any_of": ["regular"]}, {"kind": "tag", "any_of": ["vip"]}]
    parts = {"segments": [{"key": "s", word: criteria}]}
    state = fold(make_order(), until=NOON, **parts)
    assert bool(segments_of(state, make_versions(**parts).programs[0], NOON)) is found


def test_a_campaign_for_a_segment_means_those_who_were_in_it_before_the_order() -> None:
    campaign = {
        "key": "c", "from": "2026-03-01T00:00", "until": "2026-04-01T00:00", "multiplier": "2",
        "scope": {"segments": ["buyers"]},
    }  # fmt: skip
    segment = {"key": "buyers", "all": [{"kind": "metric", "metric": "orders", "at_least": 1}]}
    two = make_order("1"), make_order("2", at=NOON + DAY)
    assert net(fold(*two, segments=[segment], campaigns=[campaign])) == 100 + 200
