"""Tickets: redemptions with a seat at an event, or a place on its waiting list;
law: never more seats than there are, and who has none any more gets his points back, once.

Locks are taken in one order: account, event, member, sign-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import lock_account, next_command_numbers
from loyalty.community import ticket_repository as tickets
from loyalty.community.forms import State
from loyalty.community.refusals import refusal
from loyalty.community.repository import GATHERINGS
from loyalty.community.things import get_thing
from loyalty.engine import gatherings
from loyalty.engine.apply import carry_out_many
from loyalty.engine.book import AccountBook
from loyalty.engine.commands import Ending, EndRedemption
from loyalty.engine.gatherings import Attendance
from loyalty.engine.rounds import rounds
from loyalty.engine.work import MemberWork
from loyalty.errors import NotFound
from loyalty.programs.catalogue import Reward
from loyalty.rewards import redemption_repository as redemptions

BY = "laurel"
Found = Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class Seat:
    """The sign-up of a ticket, and its event, which is locked."""

    event: Found
    sign_up: Found


@dataclass(frozen=True, slots=True)
class CalledOff:
    """An event that does not take place, and the stores for which pushes were written."""

    event: Found
    pushed: frozenset[UUID]


def lock_event(connection: Connection, reward: Reward) -> Found | None:
    """Lock the event to which a reward admits; None where it names none. Raises ParticipationRefused."""
    if reward.event is None:
        return None
    try:
        return get_thing(connection, GATHERINGS, reward.event, lock=True)
    except NotFound:
        raise refusal("no_event") from None


def lock_seat(connection: Connection, redemption: UUID) -> Seat | None:
    """Return the seat of a redemption with its event locked; None where it has none."""
    found = tickets.find_ticket(connection, redemption)
    if found is None:
        return None
    event = get_thing(connection, GATHERINGS, found["key"], lock=True)
    found = tickets.find_ticket(connection, redemption)
    return Seat(event, found) if found is not None else None


def book_seat(
    connection: Connection, book: AccountBook, event: Found, work: MemberWork, redemption: UUID, now: datetime
) -> bool:
    """Sign a redeemer up for an event that is locked; return whether he has a seat, else he waits.

    Raises ParticipationRefused, also when he is signed up already.
    """
    if tickets.has_sign_up(connection, event["id"], work.roots):
        raise refusal("signed_up")
    signed = gatherings.sign_up(connection, book, event["key"], work.id, now)
    tickets.note_ticket(connection, signed["id"], redemption)
    return State(signed["state"]).has_seat


def give_up(connection: Connection, book: AccountBook, seat: Seat, now: datetime) -> None:
    """Give the seat of a ticket back, if nobody sat on it; the first who waits gets it before the event begins."""
    if seat.sign_up["state"] in (State.SIGNED_UP, State.WAITING):
        gatherings.release(connection, book, seat.event, [seat.sign_up], now)


def cancel_sign_up(
    connection: Connection, book: AccountBook, key: str, member: UUID, now: datetime, actor: str
) -> Attendance:
    """Take a sign-up back before the event begins; of a ticket the points return. Raises ParticipationRefused."""
    cancelled = gatherings.cancel(connection, book, key, member, now)
    gathering = cancelled["gathering_id"]
    pushed = _return_points(connection, book, gathering, "The sign-up was cancelled.", now, actor)
    return Attendance(cancelled, pushed)


def call_off(
    connection: Connection, book: AccountBook, key: str, reason: str, now: datetime, actor: str
) -> CalledOff:
    """Let an event not take place before it ends: everybody's sign-up is cancelled, and tickets give their points
    back. Raises NotFound, ParticipationRefused.
    """
    lock_account(connection)
    event = get_thing(connection, GATHERINGS, key, lock=True)
    if event["called_off_at"] is not None:
        return CalledOff(event, frozenset())
    if now >= event["ends_at"]:
        raise refusal("too_late")
    tickets.call_off(connection, event["id"], now)
    pushed = _return_points(connection, book, event["id"], reason, now, actor)
    return CalledOff(get_thing(connection, GATHERINGS, key), pushed)


def return_late(connection: Connection, book: AccountBook, now: datetime) -> frozenset[UUID] | None:
    """Give their points back to those who still waited for a seat when an event began, of one event; return the
    stores with pushes, None when there is no such event.
    """
    key = tickets.find_begun(connection, now)
    if key is None:
        return None
    lock_account(connection)
    event = get_thing(connection, GATHERINGS, key, lock=True)
    if now < event["starts_at"]:
        return frozenset()
    tickets.cancel_waiting(connection, event["id"], now)
    return _return_points(connection, book, event["id"], "No seat became free.", now, BY)


def _return_points(
    connection: Connection, book: AccountBook, gathering: int, reason: str, now: datetime, actor: str
) -> frozenset[UUID]:
    """Cancel the redemptions that stand though their sign-ups are cancelled; the account is locked."""
    rows = redemptions.list_standing(connection, tickets.list_without_seat(connection, gathering))
    numbers = iter(next_command_numbers(connection, len(rows)) if rows else ())
    pushed: frozenset[UUID] = frozenset()
    for round_ in rounds(rows, lambda row: row["survivor"]):
        commands = {
            row["survivor"]: EndRedemption(next(numbers), now, row["number"], Ending.CANCELLED, reason, actor)
            for row in round_
        }
        pushed |= carry_out_many(connection, book, commands, now)
    return pushed
