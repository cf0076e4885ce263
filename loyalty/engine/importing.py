"""Files of members: staged once, then taken part by part, each part in a transaction of its own;
law: a row is imported wholly or refused with a reason, and what was imported is taken back by commands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping

from loyalty.accounts.service import lock_account, next_command_numbers
from loyalty.activity.service import note
from loyalty.db import Row
from loyalty.engine import codec, loading
from loyalty.engine.book import AccountBook
from loyalty.engine.bringing import bring
from loyalty.engine.commands import UndoImport
from loyalty.engine.finishing import finish
from loyalty.engine.import_people import Brought
from loyalty.engine.import_reader import Ground
from loyalty.errors import Conflict, ProgramNotPublished
from loyalty.imports import repository as imports
from loyalty.imports.sheets import Sheet
from loyalty.members import arrivals
from loyalty.members import repository as members
from loyalty.members.commands import add_commands
from loyalty.programs.service import load_versions
from loyalty.referrals import arrivals as referrals
from loyalty.values import AccountId

PART = 300
"""Rows of a transaction: for so long nobody else accepts a command of the account."""
LINKS = 1000
UNDONE = 100
UNKNOWN = "Nobody has this code; the member was imported without it."
NOBODY = frozenset[UUID]()


@dataclass(frozen=True, slots=True)
class NewImport:
    """A file to be imported: under which key, of which store's customers, and by whom."""

    key: str
    file_name: str
    actor: str
    reason: str = "imported"
    store_number: int | None = None
    is_dry: bool = False


@dataclass(slots=True)
class Turn:
    """One transaction of work on an import."""

    connection: Connection
    book: AccountBook
    row: RowMapping
    now: datetime

    @property
    def number(self) -> int:
        """Return the number of the import."""
        return int(self.row["id"])

    def progress(self, **changes: Any) -> None:
        """Write how far it is."""
        imports.put_progress(self.connection, self.number, changes)


def stage(connection: Connection, account: AccountId, new: NewImport, sheet: Sheet, now: datetime) -> int:
    """Keep the rows of a file until a worker takes them; return the number of the import.

    Raises ProgramNotPublished without a program in force, and Invalid for a file that cannot be read.
    """
    if load_versions(connection, account).at(now) is None:
        raise ProgramNotPublished
    columns = {"columns": sheet.columns, "ignored": sheet.ignored}
    named = {"file_name": new.file_name, "actor": new.actor, "reason": new.reason}
    told = {"store_number": new.store_number, "key": new.key, "is_dry": new.is_dry}
    number = imports.add_import(connection, account, {**columns, **named, **told})
    part: list[Row] = []
    parts = 0
    for row in sheet.rows:
        part.append({"number": row.number, "cells": row.cells, "mistake": row.mistake})
        if len(part) == PART:
            parts, part = _add_part(connection, account, number, parts, part)
    if part:
        _add_part(connection, account, number, parts, part)
    note(connection, account, new.actor, "import.staged", str(number), dry=new.is_dry, key=new.key)
    return number


def _add_part(
    connection: Connection, account: AccountId, number: int, parts: int, rows: list[Row]
) -> tuple[int, list[Row]]:
    imports.add_part(connection, account, number, parts + 1, rows)
    return parts + 1, []


def take_step(connection: Connection, book: AccountBook, row: RowMapping, now: datetime) -> frozenset[UUID]:
    """Do the next piece of an import that is claimed; return the stores with pushes."""
    turn = Turn(connection, book, row, now)
    return _STEPS[row["state"]](turn)


def fail_import(connection: Connection, account: AccountId, row: RowMapping, now: datetime) -> None:
    """Give up an import at whose next piece something failed that no row is to blame for, so that it holds up no
    other; what it brought so far stays until it is undone. Nothing happens when another worker did that piece since.
    """
    if imports.fail_import(connection, row, now):
        note(connection, account, row["actor"], "import.failed", str(row["id"]))


def _take_part(turn: Turn) -> frozenset[UUID]:
    row, part = turn.row, turn.row["next_part"]
    if part > row["parts"]:
        if row["is_dry"]:
            imports.forget_dry_rows(turn.connection, turn.number)
            _end(turn)
        else:
            turn.progress(state="linking", next_row=0)
        return NOBODY
    lock_account(turn.connection)
    rows = imports.take_part(turn.connection, turn.number, part)
    brought = bring(turn.connection, turn.book, row, _ground(turn), rows)
    turn.progress(
        next_part=part + 1,
        valid=brought.valid,
        created=brought.created,
        invalid=len(brought.refused),
        points=brought.points,
    )
    _note_refused(turn, brought)
    return brought.stores


def _ground(turn: Turn) -> Ground:
    program = load_versions(turn.connection, turn.book.id).at(turn.now)
    if program is None:
        raise ProgramNotPublished
    stores = frozenset(turn.book.store_numbers.values())
    return Ground(program, turn.now, stores, turn.row["store_number"])


def _note_refused(turn: Turn, brought: Brought) -> None:
    if brought.refused:
        imports.add_errors(turn.connection, turn.book.id, turn.number, imports.told(brought.refused))


def _link(turn: Turn) -> frozenset[UUID]:
    """Write by whom members were brought, once everybody is there."""
    rows = imports.list_links(turn.connection, turn.number, turn.row["next_row"], LINKS)
    if not rows:
        _end(turn)
        return NOBODY
    known = [row for row in rows if row["referrer"] not in (None, row["member_id"])]
    referrals.add_links(turn.connection, turn.book.id, [_link_row(row) for row in known])
    lost = [row for row in rows if row not in known]
    mistakes = [
        (row["row_number"], [("referred_by", UNKNOWN)], {"referred_by": row["link"]["code"]}) for row in lost
    ]
    if mistakes:
        imports.add_errors(turn.connection, turn.book.id, turn.number, imports.told(mistakes))
    turn.progress(next_row=rows[-1]["row_number"])
    return NOBODY


def _link_row(row: Mapping[Any, Any]) -> Row:
    link = row["link"]
    return {
        "referrer_id": row["referrer"],
        "friend_id": row["member_id"],
        "claimed_at": link["at"],
        "status": link["status"],
    }


def _end(turn: Turn) -> None:
    turn.progress(state="done", finished_at=turn.now)
    note(turn.connection, turn.book.id, turn.row["actor"], "import.done", str(turn.number))


def undo_import(connection: Connection, account: AccountId, number: int, actor: str) -> None:
    """Have all that an import brought taken back; raises NotFound, and Conflict for one that is not over."""
    row = imports.lock_import(connection, number)
    if row["state"] in ("undoing", "undone"):
        return
    if row["is_dry"] or row["state"] not in ("done", "failed"):
        raise Conflict("Only an import that is done or failed, and was no dry run, can be undone.")
    imports.put_progress(connection, number, {"state": "undoing", "next_row": 0})
    note(connection, account, actor, "import.undone", str(number))


def _undo(turn: Turn) -> frozenset[UUID]:
    """Take back what the next rows brought: each member is folded as if it had never been."""
    rows = imports.claim_rows_to_undo(turn.connection, turn.number, turn.row["next_row"], UNDONE)
    if not rows:
        turn.progress(state="undone", undone_at=turn.now)
        return NOBODY
    numbers = next_command_numbers(turn.connection, len(rows))
    ids = [row["member_id"] for row in rows]
    _unregister(turn, ids)
    batch = loading.load(turn.connection, ids, [])
    commands = [
        codec.command_row(
            row["member_id"],
            UndoImport(number, turn.now, row["command"], "the import was undone", turn.row["actor"]),
        )
        for number, row in zip(numbers, rows, strict=True)
    ]
    add_commands(turn.connection, turn.book.id, commands)
    for work in batch.works.values():
        work.because = "import_undone"
    versions = load_versions(turn.connection, turn.book.id)
    stores = finish(turn.connection, turn.book, batch.works, [], versions, turn.now, refold=True)
    _withdraw_rest(turn, rows)
    return stores


def _unregister(turn: Turn, ids: Sequence[UUID]) -> None:
    """Lock members; whom this import registered, and nobody else since, is registered no more."""
    members.lock_members(turn.connection, ids)
    others = imports.list_registering(turn.connection, turn.number, ids)
    arrivals.unregister(turn.connection, turn.number, ids, others)


def _withdraw_rest(turn: Turn, rows: Any) -> None:
    """The links of who was brought lead to nothing."""
    referrals.undo_links(turn.connection, [row["member_id"] for row in rows])
    imports.mark_undone(turn.connection, turn.number, [row["row_number"] for row in rows], turn.now)
    turn.progress(undone=len(rows), next_row=rows[-1]["row_number"])


_STEPS: Mapping[str, Callable[[Turn], frozenset[UUID]]] = {
    "waiting": _take_part,
    "linking": _link,
    "undoing": _undo,
}
