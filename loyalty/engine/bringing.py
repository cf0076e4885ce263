"""The rows of one part of a file become members with what they bring; law: the number of statements does not depend on
the number of rows, and what is wrong with one row stops no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError, StatementError

from loyalty.accounts.service import next_command_numbers
from loyalty.db import Row
from loyalty.engine.apply import carry_out_many
from loyalty.engine.book import AccountBook
from loyalty.engine.commands import ImportMember
from loyalty.engine.import_people import Brought, Found, Part, identify
from loyalty.engine.import_reader import Ground
from loyalty.engine.import_rows import Arrival, read_arrival
from loyalty.engine.passing import PASSING
from loyalty.engine.people import enrol
from loyalty.errors import LoyaltyError
from loyalty.imports import repository as imports
from loyalty.logs import where
from loyalty.members import arrivals
from loyalty.members import repository as members
from loyalty.referrals import arrivals as referrals

FORESEEN = (DataError, IntegrityError, LoyaltyError)
"""What a row may be refused for, besides what is wrong in its cells."""
WRONG = (
    StatementError, LoyaltyError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError, AssertionError,
    RuntimeError,
)  # fmt: skip
"""What one row may be to blame for, also by a mistake of ours; what passes by itself is no row's fault."""

log = structlog.get_logger(__name__)


class TriedOut(Exception):
    """A dry run has seen what would come of its rows."""

    def __init__(self, carried: list[Row]) -> None:
        super().__init__()
        self.carried = carried


def bring(
    connection: Connection, book: AccountBook, file: Mapping[Any, Any], ground: Ground, rows: Sequence[Row]
) -> Brought:
    """Import the rows of a part, or of a dry run find out what would happen; the account is locked."""
    part = Part(connection, book, file, ground, {row["number"]: row["cells"] for row in rows})
    read = [arrival for row in rows if (arrival := _read(part, row)) is not None]
    found = identify(part, read)
    try:
        with connection.begin_nested():
            _bring(part, found)
    except PASSING:
        raise
    except WRONG:  # nothing of it was counted
        for one in found:
            _bring_alone(part, one)
    return part.brought


def _read(part: Part, row: Row) -> Arrival | None:
    if row["mistake"]:
        part.refuse(row["number"], [("", row["mistake"])])
        return None
    try:
        arrival, mistakes = read_arrival(row["number"], row["cells"], part.ground)
    except WRONG as error:
        _refuse(part, row["number"], error)
        return None
    if arrival is None:
        part.refuse(row["number"], mistakes)
    return arrival


def _bring_alone(part: Part, one: Found) -> None:
    try:
        with part.connection.begin_nested():
            _bring(part, [one])
    except PASSING:
        raise
    except WRONG as error:
        _refuse(part, one.arrival.number, error)


def _refuse(part: Part, number: int, error: Exception) -> None:
    text = "The row has a value that cannot be stored."
    if not isinstance(error, FORESEEN):
        ids = {"account": str(part.book.id), "number": part.file["id"], "row": number}
        log.error("row_failed", **ids, error=where(error))
    part.refuse(number, [("", error.message if isinstance(error, LoyaltyError) else text)])


def _bring(part: Part, found: Sequence[Found]) -> None:
    """Import rows, in a savepoint of the caller's; of a dry run only what was found out is left."""
    if part.file["is_dry"]:
        carried = _try_out(part, found)
        kept = [{**row, "member_id": None, "command": None} for row in carried]
    else:
        kept = carried = _carry_out(part, found)
    if kept:
        imports.add_rows(part.connection, part.book.id, part.file["id"], kept)
    brought, by_row = part.brought, {one.arrival.number: one.arrival.opening for one in found}
    openings = [by_row[row["row_number"]] for row in carried]
    brought.valid += len(carried)
    brought.created += sum(row["is_new"] for row in carried)
    brought.points += sum(sum(lot.points for lot in it.lots) - it.debt for it in openings)


def _try_out(part: Part, found: Sequence[Found]) -> list[Row]:
    """Do everything in earnest, find out what came of it, and let nothing of it be left."""
    try:
        with part.connection.begin_nested():
            raise TriedOut(_carry_out(part, found))
    except TriedOut as tried:
        return tried.carried


def _carry_out(part: Part, found: Sequence[Found]) -> list[Row]:
    """Make and name the members, note their profiles, and accept one command for each; return what came of the rows."""
    if not found:
        return []
    owners = _own(part, found)
    _name(part, owners)
    registered = _note_profiles(part, owners)
    numbers = next_command_numbers(part.connection, len(owners))
    commands = {
        member: _command(part, one.arrival, number)
        for (member, one), number in zip(owners.items(), numbers, strict=True)
    }
    part.brought.stores |= carry_out_many(part.connection, part.book, commands, part.ground.now)
    _note_rest(part, owners)
    return [
        {**_row(part, member, one), "command": commands[member].number, "registers": member in registered}
        for member, one in owners.items()
    ]


def _command(part: Part, arrival: Arrival, number: int) -> ImportMember:
    file = part.file
    return ImportMember(number, part.ground.now, arrival.opening, file["key"], file["reason"], file["actor"])


def _own(part: Part, found: Sequence[Found]) -> dict[UUID, Found]:
    new = [one.arrival.identities[0] for one in found if one.member is None]
    made = enrol(part.connection, part.book.id, new)
    return {one.member or made[one.arrival.identities[0]].survivor: one for one in found}


def _name(part: Part, owners: Mapping[UUID, Found]) -> None:
    names = [arrivals.Named(it, member) for member, one in owners.items() for it in one.arrival.identities]
    arrivals.add_names(part.connection, part.book.id, names)


def _note_profiles(part: Part, owners: Mapping[UUID, Found]) -> set[UUID]:
    """Note what a file says of persons where nothing is known; who was a guest is registered from now on. Return who
    is registered by imports alone, this one too.
    """
    rows = {row["id"]: row for row in members.lock_members(part.connection, owners)}
    profiles, again, by_import = [], [], set()
    for member, one in owners.items():
        row, said = rows[member], one.arrival.profile
        registered, by = row["registered"] or one.arrival.registered, row["registered_by"]
        if registered and not row["registered"]:
            by = part.file["id"]
            again += [member] if row["head"] else []
        if by is not None and one.arrival.registered:
            by_import.add(member)
        known = {name: row[name] or text for name, text in said.items()}
        at = row["profile_at"] or part.ground.now
        profiles.append(
            {"id": member, "profile_at": at, "registered": registered, "registered_by": by, **known}
        )
    members.put_profiles(part.connection, profiles)
    if again:
        members.mark_for_refold(part.connection, again)
    return by_import


def _note_rest(part: Part, owners: Mapping[UUID, Found]) -> None:
    born = [
        {"id": member, **dict(zip(("month", "day", "year"), one.arrival.birthday, strict=True))}
        for member, one in owners.items()
        if one.arrival.birthday is not None
    ]
    arrivals.note_birthdays(part.connection, born, part.ground.now)
    codes = [
        {"code": one.arrival.referral_code, "member_id": member}
        for member, one in owners.items()
        if one.arrival.referral_code
    ]
    referrals.put_codes(part.connection, part.book.id, codes)


def _row(part: Part, member: UUID, one: Found) -> Row:
    arrival = one.arrival
    return {
        "row_number": arrival.number,
        "subject": one.subject,
        "key": part.file["key"],
        "member_id": member,
        "is_new": one.member is None,
        "link": dict(arrival.link) if arrival.link else None,
    }
