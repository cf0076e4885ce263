"""Whom a segment or an automation would mean, before it is published; law: writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import get_account
from loyalty.engine import codec
from loyalty.engine.commands import Source
from loyalty.engine.decide import refold
from loyalty.engine.due import settle
from loyalty.engine.loading import load_histories, make_works
from loyalty.engine.occasions import Rule, Search, find, is_searched
from loyalty.engine.segmenting import is_in, meets
from loyalty.engine.state import MemberState
from loyalty.errors import Invalid
from loyalty.members.repository import list_members, list_page
from loyalty.programs.automations import Automation
from loyalty.programs.document import Context, build_program
from loyalty.programs.program import Program, Versions
from loyalty.programs.service import get_document, load_versions
from loyalty.values import AccountId

PAGE = 500
NAMED = 50
"""So many members are named; the counts are of all."""
AHEAD = timedelta(days=30)
FIRST = UUID(int=0)
Data = dict[str, Any]


@dataclass(slots=True)
class Reached:
    """How many of how many members are meant, the first of them by id."""

    members: int = 0
    of: int = 0
    named: list[UUID] = field(default_factory=list)

    def add(self, member: UUID, *, is_meant: bool) -> None:
        """Count a member."""
        self.of += 1
        if is_meant:
            self.members += 1
            if len(self.named) < NAMED:
                self.named.append(member)


def preview_segment(connection: Connection, account: AccountId, segment: Data, now: datetime) -> Reached:
    """Return who would be in a segment now; raises Invalid for a segment that does not fit the program."""
    versions = load_versions(connection, account)
    candidate = _with(connection, versions, "segments", segment, now)
    found = candidate.segment(segment["key"])
    assert found is not None
    return _count(connection, versions, candidate, now, lambda state: is_in(state, candidate, found, now))


def preview_automation(
    connection: Connection, account: AccountId, automation: Data, now: datetime
) -> Reached:
    """Return whom a dated automation would reach in the next 30 days if nothing else happened; of one that events
    cause, who meets its conditions now. Raises Invalid.
    """
    versions = load_versions(connection, account)
    candidate = _with(connection, versions, "automations", automation, now)
    found = candidate.automation(automation["key"])
    assert found is not None
    rule = _rule(found, now)

    def meets_all(state: MemberState) -> bool:
        return all(meets(state, candidate, condition, now) for condition in found.conditions)

    if not is_searched(rule):
        return _count(connection, versions, candidate, now, meets_all)
    reached = Reached()
    for page in _found(connection, rule, candidate, now + AHEAD):
        for row in list_members(connection, page):
            state = codec.member_state(row)
            settle(state, now, versions)
            reached.add(row["id"], is_meant=state.joined_at is not None and meets_all(state))
    return reached


def _with(connection: Connection, versions: Versions, part: str, item: Data, now: datetime) -> Program:
    """Return the program in force with one part's item added, or put in the place of the one of its key."""
    program = versions.at(now)
    if program is None:
        raise Invalid("There is no program in force.", {"/": ["No program is in force."]})
    document = get_document(connection, program.version)
    others = [other for other in document.get(part, ()) if other["key"] != item.get("key")]
    row = get_account(connection)
    context = Context(row["currency"], row["time_zone"], row["decimals"])
    return build_program(
        {**document, part: [*others, item]}, context, program.version, program.effective_from
    )


def _rule(automation: Automation, now: datetime) -> Rule:
    return Rule(
        Source.AUTOMATION,
        automation.key,
        automation.trigger,
        automation.when,
        automation.conditions,
        automation.once_per,
        since=now,
    )


def _found(connection: Connection, rule: Rule, program: Program, until: datetime) -> Iterator[set[UUID]]:
    after = FIRST
    while found := find(connection, rule, Search(program, until, after, PAGE)):
        yield {each.member for each in found}
        after = max(each.member for each in found)


def _count(
    connection: Connection,
    versions: Versions,
    candidate: Program,
    now: datetime,
    is_meant: Callable[[MemberState], bool],
) -> Reached:
    """Look at every member; who looks further back than the stored figures is folded again in memory."""
    reached, after = Reached(), FIRST
    further = candidate.reach() > versions.reach
    while rows := list_page(connection, after, PAGE):
        works = make_works(connection, rows)
        if further:
            load_histories(connection, works)
        for work in works:
            state = work.state
            if further:
                state = refold(state, versions, now)
            else:
                settle(state, now, versions)
            if state.joined_at is not None:
                reached.add(work.id, is_meant=is_meant(state))
        after = rows[-1]["id"]
    return reached
