"""Events: sign up, wait, cancel, come; law: never more seats than there are, and coming counts once (U56).

Of members who are merged the seats, limits and points are one person's. Locks are taken in one order: account, event,
sign-up. Whatever may give a seat to who waits locks the account first: a ticket of his is written too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import lock_account
from loyalty.community import repository
from loyalty.community.code import is_code
from loyalty.community.forms import CheckIn, State
from loyalty.community.refusals import refusal
from loyalty.community.things import get_thing
from loyalty.db import Row
from loyalty.engine.activities import record_if_counted
from loyalty.engine.admitting import admit, check_words
from loyalty.engine.book import AccountBook
from loyalty.members.repository import get_roots
from loyalty.messages.repository import add_messages
from loyalty.programs.service import load_versions
from loyalty.rewards.redemption import Fulfilment
from loyalty.rewards.redemption_repository import follow_seats

EARLIEST = timedelta(hours=1)
"""How long before an event begins people may check in."""
Found = Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class Attendance:
    """A sign-up after somebody looked, and the stores for which pushes were written."""

    sign_up: Found
    pushed: frozenset[UUID] = frozenset()


def make_event(connection: Connection, book: AccountBook, data: Row, now: datetime) -> Found:
    """Write a new event; raises Invalid, ParticipationRefused when its key is in use."""
    check_words(connection, book, data, now)
    made = repository.add_gathering(connection, book.id, data)
    if made is None:
        raise refusal("key_taken")
    return made


def change_event(connection: Connection, book: AccountBook, key: str, data: Row, now: datetime) -> Found:
    """Write what an event is from now on; who waits gets the seats that are new. Raises as `make_event`, NotFound."""
    lock_account(connection)
    check_words(connection, book, data, now)
    event = get_thing(connection, repository.GATHERINGS, key, lock=True)
    if event["called_off_at"] is not None:
        raise refusal("called_off")
    if data["capacity"] is not None and data["capacity"] < event["taken"]:
        raise refusal("fewer_seats")
    repository.put_gathering(connection, event["id"], data)
    changed = get_thing(connection, repository.GATHERINGS, key)
    _fill(connection, book, changed, now)
    return get_thing(connection, repository.GATHERINGS, key)


def sign_up(connection: Connection, book: AccountBook, key: str, member: UUID, now: datetime) -> Found:
    """Give a person a seat, or a place on the waiting list; who has either keeps it.

    Raises ParticipationRefused, NotFound.
    """
    event = get_thing(connection, repository.GATHERINGS, key, lock=True)
    if event["called_off_at"] is not None:
        raise refusal("called_off")
    roots = get_roots(connection, member)
    known = _own(connection, event, roots, member)
    if known and known[0]["state"] != State.CANCELLED:
        return known[0]
    admit(connection, book, event, roots[0], now)
    if event["has_waiting_list"]:
        _fill(connection, book, event, now)  # who waited beside a seat of his own may have been freed since
    state = State.SIGNED_UP
    if not repository.take_seat(connection, event["id"]):
        if not event["has_waiting_list"]:
            raise refusal("full")
        state = State.WAITING
    return repository.put_sign_up(connection, book.id, event["id"], roots[0], state, now)


def _own(connection: Connection, event: Found, roots: Sequence[UUID], member: UUID) -> list[Found]:
    """Return the sign-ups of a person, one with a seat first, then one that waits; of equal ones the named member's."""
    rows = repository.list_own_sign_ups(connection, event["id"], roots)

    def place(row: Found) -> tuple[bool, bool, bool, int]:
        state, own = State(row["state"]), row["member_id"]
        return not state.has_seat, state is State.CANCELLED, own != member, roots.index(own)

    return sorted(rows, key=place)


def cancel(connection: Connection, book: AccountBook, key: str, member: UUID, now: datetime) -> Found:
    """Take all sign-ups of a person back before the event begins; the first who waits gets the seat.

    Raises ParticipationRefused, NotFound.
    """
    lock_account(connection)
    event = get_thing(connection, repository.GATHERINGS, key, lock=True)
    known = _own(connection, event, get_roots(connection, member), member)
    if not known:
        raise refusal("not_signed_up")
    if known[0]["state"] == State.CANCELLED:
        return known[0]
    standing = [row for row in known if row["state"] in (State.SIGNED_UP, State.WAITING)]
    if now >= event["starts_at"] or not standing:
        raise refusal("too_late")
    return release(connection, book, event, standing, now)[0]


def release(
    connection: Connection, book: AccountBook, event: Found, standing: Sequence[Found], now: datetime
) -> Sequence[Found]:
    """Cancel sign-ups for an event that is locked, and return them; the first who waits gets the seats."""
    cancelled = [repository.set_state(connection, row["id"], State.CANCELLED, now) for row in standing]
    seats = sum(State(row["state"]).has_seat for row in standing)
    if seats:
        repository.give_seats_back(connection, event["id"], seats)
        _fill(connection, book, event, now)
    return cancelled


def _fill(connection: Connection, book: AccountBook, event: Found, now: datetime) -> None:
    if now >= event["starts_at"]:
        return
    moved = repository.fill_seats(connection, event["id"], now)
    tickets = [row["redemption_id"] for row in moved]
    follow_seats(connection, tickets, Fulfilment.OPEN, Fulfilment.ACCEPTED)
    _tell(connection, book, event, moved, now)


def _tell(
    connection: Connection, book: AccountBook, event: Found, moved: Sequence[Found], now: datetime
) -> None:
    """Write the event's message to those who moved up, once for each time they queued."""
    program = load_versions(connection, book.id).at(now)
    if program is None or not moved or event["message"] not in {it.key for it in program.messages}:
        return
    shared = {
        "kind": "message", "target": event["message"], "program_version": program.version, "status": "queued",
        "data": {"event": event["key"], "date": event["starts_at"].isoformat()}, "caused_at": now, "noted_at": now,
    }  # fmt: skip
    rows = [
        {
            **shared,
            "member_id": row["survivor"],
            "cause": f"event:{event['key']}:moved_up:{row['queued_at'].isoformat()}",
        }
        for row in moved
    ]
    add_messages(connection, book.id, rows)


def note_attendance(
    connection: Connection,
    book: AccountBook,
    key: str,
    member: UUID,
    now: datetime,
    actor: str,
    *,
    came: bool = True,
) -> Attendance:
    """Note whether a person with a seat came; coming is recorded as an activity of who stands for him, once.

    Raises ParticipationRefused, NotFound.
    """
    lock_account(connection)
    event = get_thing(connection, repository.GATHERINGS, key, lock=True)
    roots = get_roots(connection, member)
    known = next(iter(_own(connection, event, roots, member)), None)
    if known is None or not State(known["state"]).has_seat:
        raise refusal("not_signed_up")
    if now < event["starts_at"] - EARLIEST:
        raise refusal("too_early")
    if known["state"] == State.ATTENDED:
        return Attendance(known)
    if not came:
        return Attendance(repository.set_state(connection, known["id"], State.ABSENT, now))
    done = record_if_counted(connection, book, roots[0], event["activity"], key, now, actor, is_event=True)
    state = repository.set_state(connection, known["id"], State.ATTENDED, now, is_counted=done is not None)
    follow_seats(connection, [known["redemption_id"]], Fulfilment.ACCEPTED, Fulfilment.DONE)
    return Attendance(state, done.pushed if done else frozenset())


def check_in(
    connection: Connection, book: AccountBook, key: str, member: UUID, code: str, now: datetime, actor: str
) -> Attendance:
    """Note that a member came, by the event's code and until it ends. Raises ParticipationRefused."""
    event = get_thing(connection, repository.GATHERINGS, key)
    if event["check_in"] != CheckIn.CODE:
        raise refusal("code_by_staff")
    if not is_code(book.coupon_key, key, code):
        raise refusal("wrong_code")
    if now >= event["ends_at"]:
        raise refusal("not_open")
    return note_attendance(connection, book, key, member, now, actor)
