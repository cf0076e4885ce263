"""Correct a campaign for everybody whom it gave points: look first, carry out, take back; the folds do the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import lock_account
from loyalty.activity.service import note
from loyalty.earning import repository as earning
from loyalty.earning.allotments import Allotments
from loyalty.engine.budgets import read_allotments
from loyalty.engine.decide import refold
from loyalty.engine.loading import load_histories, make_works
from loyalty.engine.work import MemberWork
from loyalty.errors import NotFound
from loyalty.members import repository as members
from loyalty.orders import repository as orders
from loyalty.programs import repository as programs
from loyalty.programs.corrections import Correction, correct, get_campaign
from loyalty.programs.program import Versions
from loyalty.programs.service import load_versions
from loyalty.values import AccountId

PAGE = 200
TOP = 20


@dataclass(frozen=True, slots=True)
class Changed:
    """One member's points as they are and as they would be."""

    member: UUID
    before: int
    after: int

    @property
    def change(self) -> int:
        """Return how many points come (or go, below 0)."""
        return self.after - self.before


@dataclass(slots=True)
class Preview:
    """What a correction would do: members with orders in the campaign, those whose points change, and by how much."""

    looked_at: int = 0
    members: int = 0
    gained: int = 0
    lost: int = 0
    top: list[Changed] = field(default_factory=list)

    def add(self, changed: Changed) -> None:
        """Count one member; the largest changes are kept."""
        self.looked_at += 1
        if not changed.change:
            return
        self.members += 1
        self.gained += max(0, changed.change)
        self.lost += max(0, -changed.change)
        self.top = sorted([*self.top, changed], key=lambda each: (-abs(each.change), each.member))[:TOP]


def preview_correction(
    connection: Connection, account: AccountId, correction: Correction, now: datetime
) -> Preview:
    """Fold everybody concerned in memory, without and with a correction; nothing is written. Raises NotFound."""
    versions = load_versions(connection, account)
    wanted = replace(correction, number=1 + max(_numbers(connection), default=0))
    corrected = correct(versions, [wanted])
    spent = earning.list_budgets(connection)
    budgets = dict(spent), dict(spent)
    preview = Preview()
    for ids in _pages(list(_concerned(connection, versions, correction))):
        for work in _load(connection, ids, versions):
            points = [
                _points(work, rules, budget, now)
                for rules, budget in zip((versions, corrected), budgets, strict=True)
            ]
            preview.add(Changed(work.id, *points))
    return preview


def _numbers(connection: Connection) -> list[int]:
    return [correction.number for correction in programs.list_corrections(connection)]


def _concerned(connection: Connection, versions: Versions, correction: Correction) -> Sequence[UUID]:
    """Return the members with orders that were paid while a campaign ran, in sorted order."""
    campaign = get_campaign(versions, correction.version, correction.campaign)
    return orders.list_payers(connection, correction.version, campaign.opens, campaign.closes)


def _pages(ids: list[UUID]) -> Iterator[list[UUID]]:
    return (ids[start : start + PAGE] for start in range(0, len(ids), PAGE))


def _load(connection: Connection, ids: list[UUID], versions: Versions) -> list[MemberWork]:
    works = make_works(connection, members.list_members(connection, ids))
    for work in works:
        work.refold = True
    load_histories(connection, works)
    read_allotments(connection, works, versions)
    return works


def _points(work: MemberWork, versions: Versions, spent: dict[str, int], now: datetime) -> int:
    """Return what a member's entries would sum to; what limited campaigns give is shared by all who are folded."""
    rows = work.state.allotments.stored
    start = replace(work.state, allotments=Allotments(spent, dict(rows), dict(rows)))
    return sum(movement.points for movement in refold(start, versions, now).movements)


def correct_campaign(connection: Connection, account: AccountId, correction: Correction) -> tuple[int, int]:
    """Accept a correction; return its number and how many members must be folded again. Raises NotFound.

    The caller wakes the account once it is committed.
    """
    lock_account(connection)
    concerned = _concerned(connection, load_versions(connection, account), correction)
    number = programs.add_correction(connection, account, correction)
    to_refold = members.mark_for_refold(connection, concerned)
    note(
        connection, account, correction.actor, "program.corrected", str(number),
        version=correction.version, campaign=correction.campaign,
    )  # fmt: skip
    return number, to_refold


def undo_correction(
    connection: Connection, account: AccountId, number: int, *, actor: str, now: datetime
) -> tuple[Correction, int]:
    """Let a correction be in force no longer; return it, and how many members must be folded again. Raises NotFound."""
    lock_account(connection)
    versions = load_versions(connection, account)
    if not programs.undo_correction(connection, number, now):
        raise NotFound("There is no such correction in force.", number=number)
    undone = next(each for each in programs.list_corrections(connection) if each.number == number)
    to_refold = members.mark_for_refold(connection, _concerned(connection, versions, undone))
    note(connection, account, actor, "program.correction_undone", str(number))
    return undone, to_refold
