"""Segments for people: their sizes, who is in, and why a member is in or not."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from loyalty.automations.repository import count_members, list_changes
from loyalty.engine import codec
from loyalty.engine.due import settle
from loyalty.engine.segmenting import is_in, meets
from loyalty.errors import NotFound
from loyalty.members.repository import list_members
from loyalty.programs.program import Program
from loyalty.programs.segments import Between, Criterion, Days, Figure, OneOf
from loyalty.programs.service import load_versions
from loyalty.tiers.qualification import window_start
from loyalty.values import AccountId, fraction_text

CHANGES = 50
Data = dict[str, Any]


def list_segments(connection: Connection, account: AccountId, now: datetime) -> list[Data]:
    """Return the segments of the program in force, each with how many members it has."""
    program = load_versions(connection, account).at(now)
    counts = count_members(connection)
    return [
        {"key": segment.key, "name": segment.name, "members": counts.get(segment.key, 0)}
        for segment in (program.segments if program else ())
    ]


def list_segment_members(connection: Connection, key: str, after: UUID, limit: int) -> list[UUID]:
    """Return the next members of a segment by id."""
    statement = text(
        "select id from members where segments @> array[:key] and id > :after order by id limit :limit"
    )
    return [row[0] for row in connection.execute(statement, {"key": key, "after": after, "limit": limit})]


def explain_segments(connection: Connection, account: AccountId, member: UUID, now: datetime) -> Data:
    """Return each segment with every criterion and whether the member meets it now; raises NotFound."""
    rows = list_members(connection, [member])
    if not rows:
        raise NotFound("There is no member of that id.")
    versions = load_versions(connection, account)
    program, state = versions.at(now), codec.member_state(rows[0])
    settle(state, now, versions)
    found = []
    for segment in program.segments if program else ():
        assert program is not None
        criteria = [
            {**_criterion(criterion), **_figure(state, program, criterion, now),
             "met": state.joined_at is not None and meets(state, program, criterion, now)}
            for criterion in segment.criteria
        ]  # fmt: skip
        is_member = state.joined_at is not None and is_in(state, program, segment, now)
        found.append(
            {
                "key": segment.key,
                "name": segment.name,
                "any": segment.any_of,
                "is_in": is_member,
                "criteria": criteria,
            }
        )
    return {"segments": found, "history": list_changes(connection, member, CHANGES)}


def _criterion(criterion: Criterion) -> Data:
    if isinstance(criterion, OneOf):
        return {
            "kind": criterion.kind,
            "any_of": sorted(criterion.any_of),
            "none_of": sorted(criterion.none_of),
        }
    if isinstance(criterion, Between):
        return {"kind": "date", "from": criterion.opens.isoformat(), "until": criterion.closes.isoformat()}
    bounds = {
        name: None if value is None else fraction_text(Fraction(value))
        for name, value in (("at_least", criterion.at_least), ("below", criterion.below))
    }
    if isinstance(criterion, Days):
        return {"kind": "days_since", "since": criterion.since.value, **bounds}
    window = {**asdict(criterion.window), "kind": criterion.window.kind.value}
    return {"kind": "metric", "metric": criterion.metric.value, "window": window, **bounds}


def _figure(state: Any, program: Program, criterion: Criterion, now: datetime) -> Data:
    """Return the member's own figure that a criterion is about, as text."""
    if isinstance(criterion, Figure):
        start = window_start(criterion.window, now, program.time_zone, state.joined_at)
        return {"value": fraction_text(state.tally.sum(start, now).value(criterion.metric))}
    if isinstance(criterion, OneOf):
        own = {"tier": [state.tier_key], "tag": sorted(state.tags), "region": [state.region]}.get(
            criterion.kind, []
        )
        return {"value": ", ".join(word for word in own if word)}
    return {"value": ""}
