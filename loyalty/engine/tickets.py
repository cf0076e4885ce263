"""Tickets: redemptions with a seat at an event, or a place on its waiting list;
law: never more seats than there are, and who has none any more gets his points back, once.

Locks are taken in one order: account, event, member, sign-up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import next_command_numbers
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
from loyalty.members.repository import get_roots
from loyalty.programs.catalogue import Reward
from loyalty.rewards import redemption_repository as redemptions

Found = Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class Seat:
    """The sign-up of a ticket, and its event, which is locked."""

    event: Found
    sign_up: Found


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
    theirs = tickets.list_without_seat(connection, cancelled["gathering_id"], get_roots(connection, member))
    reason = "The sign-up was cancelled."
    return Attendance(cancelled, return_points(connection, book, theirs, reason, now, actor))


def return_points(
    connection: Connection,
    book: AccountBook,
    without_seat: Sequence[UUID],
    reason: str,
    now: datetime,
    actor: str,
) -> frozenset[UUID]:
    """Cancel those of these redemptions that stand; the account is locked. Return the stores with pushes."""
    rows = redemptions.list_standing(connection, without_seat) if without_seat else ()
    numbers = iter(next_command_numbers(connection, len(rows)) if rows else ())
    pushed: frozenset[UUID] = frozenset()
    for round_ in rounds(rows, lambda row: row["survivor"]):
        commands = {
            row["survivor"]: EndRedemption(next(numbers), now, row["number"], Ending.CANCELLED, reason, actor)
            for row in round_
        }
        pushed |= carry_out_many(connection, book, commands, now)
    return pushed
