"""Whom an event, poll or challenge is for, judged by how a member stands at that instant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.community.audience import Audience, read_audience
from loyalty.community.refusals import refusal
from loyalty.engine import codec
from loyalty.engine.book import AccountBook
from loyalty.engine.due import settle
from loyalty.engine.segmenting import segments_of
from loyalty.errors import Invalid, NotFound
from loyalty.members.repository import list_members
from loyalty.programs.program import Program
from loyalty.programs.service import load_versions


def admit(
    connection: Connection, book: AccountBook, thing: Mapping[Any, Any], member: UUID, now: datetime
) -> None:
    """Raise ParticipationRefused unless a thing is open and the member is one of those it is for; NotFound."""
    rows = list_members(connection, [member])
    if not rows:
        raise NotFound("There is no member of that id.", member=str(member))
    closes = thing["closes_at"]
    if now < thing["opens_at"] or (closes is not None and now >= closes):
        raise refusal("not_open")
    audience = read_audience(thing["audience"])
    if not audience.is_everybody and not _is_one_of(connection, book, dict(rows[0]), audience, now):
        raise refusal("not_invited")


def _is_one_of(
    connection: Connection, book: AccountBook, row: dict[str, Any], audience: Audience, now: datetime
) -> bool:
    versions = load_versions(connection, book.id)
    program, state = versions.at(now), codec.member_state(row)
    if program is None:
        return False
    settle(state, now, versions)
    tier = state.tier_key if state.joined_at is not None else None
    return audience.admits(tier, segments_of(state, program, now), state.tags)


def check_words(
    connection: Connection, book: AccountBook, data: Mapping[str, Any], now: datetime
) -> Program | None:
    """Return the program in force; raises Invalid when an audience or a message names what it does not have."""
    program = load_versions(connection, book.id).at(now)
    audience = read_audience(data["audience"])
    tiers = {tier.key for tier in program.tiers} if program else set()
    segments = {segment.key for segment in program.segments} if program else set()
    messages = {message.key for message in program.messages} if program else set()
    asked = {
        "/audience/tiers": audience.tiers - tiers,
        "/audience/segments": audience.segments - segments,
        "/message": {data["message"]} - messages if data.get("message") else set(),
    }
    unknown = {
        path: [f"The program in force has no {word}." for word in sorted(words)]
        for path, words in asked.items()
        if words
    }
    if unknown:
        raise Invalid(None, unknown)
    return program
