"""Which segments a member is in, and when that may change by itself; law: his figures at an instant, nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from loyalty.clock import add_months, add_months_to_instant, day_start, local_date
from loyalty.engine.state import MemberState
from loyalty.programs.campaigns import names_region
from loyalty.programs.program import Program
from loyalty.programs.segments import Between, Criterion, Days, Figure, OneOf, Segment, Since
from loyalty.programs.terms import WindowKind
from loyalty.tiers.qualification import window_start

DAY = timedelta(days=1)


def segments_of(state: MemberState, program: Program, at: datetime) -> frozenset[str]:
    """Return the keys of the segments that a member is in at an instant; who has not joined is in none."""
    if state.joined_at is None:
        return frozenset()
    return frozenset(segment.key for segment in program.segments if is_in(state, program, segment, at))


def is_in(state: MemberState, program: Program, segment: Segment, at: datetime) -> bool:
    """Return whether a member meets any, or all, of a segment's criteria."""
    met = (meets(state, program, criterion, at) for criterion in segment.criteria)
    return any(met) if segment.any_of else all(met)


def meets(state: MemberState, program: Program, criterion: Criterion, at: datetime) -> bool:
    """Return whether a member meets a criterion at an instant."""
    if isinstance(criterion, OneOf):
        return _is_one_of(state, program, criterion, at)
    if isinstance(criterion, Figure):
        start = window_start(criterion.window, at, program.time_zone, state.joined_at)
        figure = state.tally.sum(start, at).value(criterion.metric)
        return (criterion.at_least is None or figure >= criterion.at_least) and (
            criterion.below is None or figure < criterion.below
        )
    if isinstance(criterion, Days):
        day = _day_of(state, criterion, program.time_zone)
        days = (local_date(at, program.time_zone) - day).days if day else None
        return days is not None and (criterion.at_least or 0) <= days < (criterion.below or days + 1)
    return criterion.opens <= at < criterion.closes


def _is_one_of(state: MemberState, program: Program, criterion: OneOf, at: datetime) -> bool:
    if criterion.kind == "region":
        return names_region(criterion.any_of, state.region) and (
            not criterion.none_of or not names_region(criterion.none_of, state.region)
        )
    words = _words(state, program, criterion.kind, at)
    return (not criterion.any_of or not words.isdisjoint(criterion.any_of)) and words.isdisjoint(
        criterion.none_of
    )


def _words(state: MemberState, program: Program, kind: str, at: datetime) -> frozenset[str]:
    if kind == "tag":
        return state.tags
    return frozenset({state.tier_key or ""}) if kind == "tier" else segments_of(state, program, at)


def _day_of(state: MemberState, criterion: Days, tz: str) -> date | None:
    instant = state.joined_at if criterion.since is Since.JOINED else state.last_order_at
    return local_date(instant, tz) if instant else None


def next_change(state: MemberState, program: Program, at: datetime) -> datetime | None:
    """Return the first instant after `at` at which time alone may change a segment of the member."""
    if state.joined_at is None:
        return None
    criteria = (criterion for segment in program.segments for criterion in segment.criteria)
    return min((moment for moment in _moments(state, program, criteria, at) if moment > at), default=None)


def _moments(
    state: MemberState, program: Program, criteria: Iterable[Criterion], at: datetime
) -> Iterator[datetime]:
    for criterion in criteria:
        if isinstance(criterion, Between):
            yield from (criterion.opens, criterion.closes)
        elif isinstance(criterion, Days):
            day = _day_of(state, criterion, program.time_zone)
            bounds = (criterion.at_least, criterion.below) if day else ()
            yield from (day_start(day + days * DAY, program.time_zone) for days in bounds if day and days)
        elif isinstance(criterion, Figure):
            yield from _window_moments(state, program, criterion, at)


def _window_moments(
    state: MemberState, program: Program, criterion: Figure, at: datetime
) -> Iterator[datetime]:
    window, tz, today = criterion.window, program.time_zone, local_date(at, program.time_zone)
    if window.kind is WindowKind.CALENDAR_YEAR:
        yield day_start(date(today.year + 1, 1, 1), tz)
    elif window.kind is WindowKind.MEMBERSHIP_YEAR and state.joined_at is not None:
        years = today.year - local_date(state.joined_at, tz).year
        yield from (add_months_to_instant(state.joined_at, 12 * (years + more), tz) for more in (0, 1))
    elif window.kind is WindowKind.ROLLING:
        start = window_start(window, at, tz, state.joined_at)
        first = state.tally.first_since(start) if start is not None else None
        if first is not None:
            yield day_start(_day_out(local_date(first, tz), window.months), tz)


def _day_out(day: date, months: int) -> date:
    """Return the first date on which a rolling window of so many months no longer holds a day."""
    out = add_months(day, months)
    while add_months(out, -months) <= day:
        out += DAY
    return out
