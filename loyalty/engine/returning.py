"""Give points back for tickets that have no seat: their event was called off, or began while they still waited;
law: once each, and of so few at a time that nobody waits long for the account.

Locks are taken in the order of `tickets`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import lock_account
from loyalty.community import ticket_repository as tickets
from loyalty.community.refusals import refusal
from loyalty.community.repository import GATHERINGS
from loyalty.community.things import get_thing
from loyalty.engine.book import AccountBook
from loyalty.engine.tickets import Found, return_points

BATCH = 100
BY = "laurel"
NO_SEAT = "No seat became free."


@dataclass(frozen=True, slots=True)
class Returned:
    """An event as it is now, how many of its tickets were looked at, and the stores for which pushes were written."""

    event: Found
    tickets: int = 0
    pushed: frozenset[UUID] = frozenset()

    @property
    def is_over(self) -> bool:
        """Whether nobody has points to get back because the event was called off."""
        return self.event["owed_after"] is None


def call_off(
    connection: Connection, book: AccountBook, key: str, reason: str, now: datetime, actor: str
) -> Returned:
    """Let an event not take place before it ends: everybody's sign-up is cancelled, and the first tickets give their
    points back; `return_some` goes on with the rest. Raises NotFound, ParticipationRefused.
    """
    lock_account(connection)
    event = get_thing(connection, GATHERINGS, key, lock=True)
    if event["called_off_at"] is not None:
        return Returned(event)
    if now >= event["ends_at"]:
        raise refusal("too_late")
    tickets.call_off(connection, event["id"], reason, now, actor)
    return _return_owed(connection, book, key, now)


def return_some(connection: Connection, book: AccountBook, now: datetime) -> Returned | None:
    """Give some of the points back that are owed for tickets of one event; None when none are owed."""
    key = tickets.find_owed(connection)
    if key is not None:
        lock_account(connection)
        return _return_owed(connection, book, key, now)
    key = tickets.find_begun(connection, now)
    if key is None:
        return None
    lock_account(connection)
    return _return_late(connection, book, key, now)


def _return_owed(connection: Connection, book: AccountBook, key: str, now: datetime) -> Returned:
    event = get_thing(connection, GATHERINGS, key, lock=True)
    if event["owed_after"] is None:
        return Returned(event)
    rows = tickets.list_cancelled(connection, event["id"], event["owed_after"], BATCH)
    tickets.note_owed(connection, event["id"], rows[-1]["id"] if len(rows) == BATCH else None)
    redemptions = [row["redemption_id"] for row in rows]
    because, by = event["called_off_because"], event["called_off_by"]
    return _returned(connection, book, key, redemptions, because, now, by)


def _return_late(connection: Connection, book: AccountBook, key: str, now: datetime) -> Returned:
    """Give their points back to those who still waited for a seat when an event began, with their places."""
    event = get_thing(connection, GATHERINGS, key, lock=True)
    if now < event["starts_at"]:
        return Returned(event)
    redemptions = tickets.cancel_waiting(connection, event["id"], now, BATCH)
    return _returned(connection, book, key, redemptions, NO_SEAT, now, BY)


def _returned(
    connection: Connection,
    book: AccountBook,
    key: str,
    redemptions: Sequence[UUID],
    reason: str,
    now: datetime,
    actor: str,
) -> Returned:
    pushed = return_points(connection, book, redemptions, reason, now, actor)
    return Returned(get_thing(connection, GATHERINGS, key), len(redemptions), pushed)
