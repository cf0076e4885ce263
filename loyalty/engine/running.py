"""Run what time caused: find members page by page, judge the conditions, accept one command for each occasion;
law: no occasion twice, however often and late the job comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping

from loyalty.accounts.service import lock_account, next_command_numbers
from loyalty.automations import repository as automations
from loyalty.engine import codec
from loyalty.engine.apply import carry_out_many
from loyalty.engine.book import AccountBook
from loyalty.engine.commands import RunActions
from loyalty.engine.due import settle
from loyalty.engine.occasions import Found, Rule, Search, dated_rules, find, is_searched
from loyalty.engine.rounds import rounds
from loyalty.engine.segmenting import meets
from loyalty.engine.state import MemberState
from loyalty.members.repository import list_members
from loyalty.programs.automations import Trigger
from loyalty.programs.program import Program, Versions
from loyalty.programs.segments import Days, Since
from loyalty.programs.service import load_versions

FIRST = UUID(int=0)


@dataclass(slots=True)
class Ran:
    """What a page did: how many occasions it accepted, the stores with pushes, where the next page begins (None: the
    rule has no more).
    """

    accepted: int = 0
    pushed: frozenset[UUID] = frozenset()
    last: UUID | None = None


def list_rules(connection: Connection, book: AccountBook, now: datetime) -> list[Rule]:
    """Return the rules that a search finds members for."""
    return [rule for rule in dated_rules(load_versions(connection, book.id), now) if is_searched(rule)]


def run_page(
    connection: Connection, book: AccountBook, rule: Rule, now: datetime, after: UUID, limit: int
) -> Ran:
    """Run a rule for the next members by id."""
    versions = load_versions(connection, book.id)
    program = versions.at(now)
    if program is None:
        return Ran()
    found = find(connection, rule, Search(program, now, after, limit))
    if not found:
        return Ran()
    lock_account(connection)
    ran = _run(connection, book, rule, found, versions, now)
    ran.last = max(each.member for each in found)
    return ran


def run_segment_changes(connection: Connection, book: AccountBook, now: datetime, limit: int) -> Ran:
    """Run what entering and leaving segments caused, oldest first; `last` is set while more may wait."""
    versions, changes = load_versions(connection, book.id), automations.claim_changes(connection, limit)
    if not changes:
        return Ran()
    lock_account(connection)
    total = Ran(last=FIRST)
    for rule in dated_rules(versions, now):
        entered = {Trigger.SEGMENT_ENTERED: True, Trigger.SEGMENT_LEFT: False}.get(rule.trigger)
        meant = [
            change
            for change in changes
            if change["entered"] is entered and change["segment_key"] == rule.when.segment
        ]
        found = [_of_change(rule, change, versions) for change in meant]
        ran = _run(connection, book, rule, found, versions, now)
        total.accepted += ran.accepted
        total.pushed |= ran.pushed
    automations.mark_handled(connection, [change["id"] for change in changes], now)
    return total


def _of_change(rule: Rule, row: RowMapping, versions: Versions) -> Found:
    program = versions.at(row["changed_at"])
    cause = row["changed_at"].isoformat()
    occasion = rule.once_per.occasion(cause, row["changed_at"], program.time_zone if program else "UTC")
    return Found(row["member_id"], occasion, {"subject": row["segment_key"]})


def _run(
    connection: Connection,
    book: AccountBook,
    rule: Rule,
    found: Sequence[Found],
    versions: Versions,
    now: datetime,
) -> Ran:
    """Accept the occasions that are new and whose members meet the conditions; the account must be locked."""
    new = _new(connection, rule, found)
    ready = _ready(connection, rule, {each.member for each in new}, versions, now)
    total = Ran()
    for round_ in rounds((each for each in new if each.member in ready), lambda each: each.member):
        numbers = next_command_numbers(connection, len(round_))
        commands = {
            each.member: RunActions(
                number,
                now,
                rule.source,
                rule.key,
                each.occasion,
                dict(each.data),
                str(rule.trigger),
                "laurel",
            )
            for number, each in zip(numbers, round_, strict=True)
        }
        total.pushed |= carry_out_many(connection, book, commands, now)
        total.accepted += len(commands)
    return total


def _new(connection: Connection, rule: Rule, found: Sequence[Found]) -> list[Found]:
    known = automations.list_runs(connection, sorted({each.member for each in found}), rule.source, rule.key)
    unique = {(each.member, each.occasion): each for each in found}
    return [each for place, each in unique.items() if place not in known]


def _ready(
    connection: Connection, rule: Rule, ids: set[UUID], versions: Versions, now: datetime
) -> set[UUID]:
    """Return the members who meet the rule's conditions now; who is to be folded again first has to wait for that."""
    ready = set()
    for row in list_members(connection, ids):
        if row["must_refold"] or row["joined_at"] is None:
            continue
        state, program = codec.member_state(row), versions.at(now)
        if program is not None and rule.conditions:
            settle(state, now, versions)
        if program and _is_meant(rule, state, program, now):
            ready.add(row["id"])
    return ready


def _is_meant(rule: Rule, state: MemberState, program: Program, now: datetime) -> bool:
    """Return whether all conditions hold, and of who stays away that nobody merged into him has ordered since."""
    if rule.trigger is Trigger.INACTIVE_FOR:
        away = Days(Since.LAST_ORDER, at_least=rule.when.days)
        if not meets(state, program, away, now):
            return False
    return all(meets(state, program, condition, now) for condition in rule.conditions)
