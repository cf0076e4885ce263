"""Who the rows of one part of a file are here already; law: whom a row names is found as everywhere (RULES §8), nobody
comes twice in one file, or under one key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.engine.book import AccountBook
from loyalty.engine.import_reader import Ground
from loyalty.engine.import_rows import Arrival
from loyalty.imports import repository as imports
from loyalty.members import arrivals
from loyalty.members import repository as members
from loyalty.referrals import arrivals as referrals

Mistakes = list[tuple[str, str]]
Refused = tuple[int, Mistakes, Any]


@dataclass(slots=True)
class Brought:
    """What a part did: rows imported, members made, points, rows refused with their reasons, stores with pushes."""

    valid: int = 0
    created: int = 0
    points: int = 0
    refused: list[Refused] = field(default_factory=list)
    stores: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """A row, and who it is here already; None: nobody."""

    arrival: Arrival
    member: UUID | None

    @property
    def subject(self) -> str:
        """Return under what nobody comes twice in one file."""
        return f"member:{self.member}" if self.member else self.arrival.identities[0].member_key()


@dataclass(slots=True)
class Part:
    """One part of a file while it is taken."""

    connection: Connection
    book: AccountBook
    file: Mapping[Any, Any]
    ground: Ground
    cells: dict[int, Any] = field(default_factory=dict)
    brought: Brought = field(default_factory=Brought)

    def refuse(self, number: int, mistakes: Mistakes) -> None:
        """Note that a row is not imported."""
        self.brought.refused.append((number, mistakes, self.cells.get(number, {})))


def identify(part: Part, read: Sequence[Arrival]) -> list[Found]:
    """Return who the rows are here; those that name two, name somebody again or take his code are refused."""
    return _without_taken_codes(part, _without_repeated(part, _find(part, read)))


def _find(part: Part, read: Sequence[Arrival]) -> list[Found]:
    """Find who is here already: by what names him, and who gave an address only also by his profile."""
    known = members.find_members(part.connection, [it for arrival in read for it in arrival.identities])
    emails = {
        it.value for arrival in read for it in arrival.identities if it.kind == "email" and it not in known
    }
    profiles = arrivals.find_by_profile(part.connection, emails) if emails else {}
    found = []
    for arrival in read:
        people = {known[it].survivor for it in arrival.identities if it in known}
        if not people and all(it.kind == "email" for it in arrival.identities):
            people = set().union(*(profiles.get(it.value, ()) for it in arrival.identities))
        if len(people) > 1:
            part.refuse(arrival.number, [(_column(arrival), "Names two members: merge them, or name one.")])
        else:
            found.append(Found(arrival, next(iter(people), None)))
    return found


def _column(arrival: Arrival) -> str:
    return {"customer": "customer_ids", "email": "email"}.get(arrival.identities[0].kind, "phone")


def _without_repeated(part: Part, found: Sequence[Found]) -> list[Found]:
    """Refuse whom the file named before, and who brought something under this key already."""
    number, key = part.file["id"], part.file["key"]
    subjects = imports.list_subjects(part.connection, number, [one.subject for one in found])
    there = [one.member for one in found if one.member is not None]
    imported = imports.list_imported(part.connection, there, key) if there else {}
    taken: dict[object, int] = {}
    left = []
    for one in found:
        arrival = one.arrival
        before = subjects.get(one.subject) or next(
            (taken[it] for it in (one.subject, *arrival.identities) if it in taken), None
        )
        if before is not None:
            part.refuse(arrival.number, [(_column(arrival), f"The same person as in row {before}.")])
        elif one.member in imported:
            told = "Imported already: import {}, row {}; undo that first.".format(*imported[one.member])
            part.refuse(arrival.number, [(_column(arrival), told)])
        else:
            taken.update(dict.fromkeys((one.subject, *arrival.identities), arrival.number))
            left.append(one)
    return left


def _without_taken_codes(part: Part, found: Sequence[Found]) -> list[Found]:
    """Refuse rows whose referral code is somebody else's, or another than the member has."""
    codes = [one.arrival.referral_code for one in found if one.arrival.referral_code]
    if not codes:
        return list(found)
    there = [one.member for one in found if one.member is not None]
    listed = referrals.list_codes(part.connection, codes, there)
    holders = {code: f"member:{member}" for code, member in listed.items()}
    own = {member: code for code, member in holders.items()}
    left = []
    for one in found:
        code = one.arrival.referral_code
        if code and (
            holders.setdefault(code, one.subject) != one.subject or own.get(one.subject, code) != code
        ):
            told = "Is somebody else's, or not the one that the member has here."
            part.refuse(one.arrival.number, [("referral_code", told)])
        else:
            left.append(one)
    return left
