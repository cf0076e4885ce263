"""Which members must be told of points or a tier that end soon, with the exact amounts; law: once each, and nobody
whose points are gone or whose tier is safe (RULES §5, §6; S31, S76).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.clock import day_end, local_date
from loyalty.db import Row
from loyalty.engine import codec
from loyalty.engine.state import MemberState
from loyalty.engine.tiering import present_tier
from loyalty.members.repository import list_members, list_tiers_ending
from loyalty.notices import repository as notices
from loyalty.notices.repository import Span
from loyalty.programs.program import Program
from loyalty.programs.service import load_versions
from loyalty.tiers.holding import keep_conditions
from loyalty.tiers.progress import keep_text, missing_parts
from loyalty.tiers.qualification import reaches
from loyalty.values import AccountId


def remind_of_points(connection: Connection, account: AccountId, now: datetime, limit: int) -> int:
    """Note at most `limit` times who loses how many points when; return how many notices."""
    program = load_versions(connection, account).at(now)
    if program is None or not program.expiry.remind_days:
        return 0
    spans = _spans(program.expiry.remind_days, program.time_zone, now)
    return notices.note_expiring_points(connection, account, spans, now, limit)


def _spans(days: Sequence[int], tz: str, now: datetime) -> list[Span]:
    """Return what is told of now: each end belongs to the shortest notice whose day has come."""
    found, after, today = [], now, local_date(now, tz)
    for count in sorted(set(days)):
        until = day_end(today + timedelta(days=count), tz)
        found.append(Span(count, after, until))
        after = until
    return found


def remind_of_tiers(
    connection: Connection, account: AccountId, after: UUID, now: datetime, limit: int
) -> tuple[int, UUID | None]:
    """Note for the next `limit` members by id whose tier ends soon what they still need to keep it; return how many
    notices, and the last member looked at, None when nobody is left.
    """
    program = load_versions(connection, account).at(now)
    if program is None or not program.tier_policy.notice_days:
        return 0, None
    spans = _spans(program.tier_policy.notice_days, program.time_zone, now)
    ids = list_tiers_ending(connection, now, spans[-1].until, after, limit)
    rows = [
        notice
        for row in list_members(connection, ids)
        if (notice := _tier_notice(row["id"], codec.member_state(row), program, spans)) is not None
    ]
    written = notices.add_notices(connection, account, rows, now) if rows else 0
    return written, ids[-1] if ids else None


def _tier_notice(member: UUID, state: MemberState, program: Program, spans: Sequence[Span]) -> Row | None:
    """Return what a member is told of his tier's end, None when he has done enough to keep it."""
    key, until = present_tier(state, program)
    span = next((span for span in spans if until is not None and span.after < until <= span.until), None)
    data = _danger(state, program, key) if span is not None else None
    if span is None or data is None:
        return None
    return {"member_id": member, "kind": notices.TIER, "ends_at": until, "days": span.days, "data": data}


def _danger(state: MemberState, program: Program, key: str) -> dict[str, Any] | None:
    held, tier = state.held, program.tier(key)
    by_term = any(term.begun and term.tier_key == key for term in state.terms)
    if held is None or by_term or held.falls_to is not None:
        return {"tier": key, "missing": [], "text": keep_text(program, tier, (), any_of=True)}
    conditions = keep_conditions(tier)
    figures = state.tally.sum(held.since, held.until or held.since)
    if conditions is None or reaches(conditions, figures):
        return None
    missing = missing_parts(conditions, figures, program)
    return {
        "tier": key,
        "missing": [{"metric": str(part.metric), "amount": f"{part.amount:f}"} for part in missing],
        "text": keep_text(program, tier, missing, any_of=conditions.any_of),
    }
