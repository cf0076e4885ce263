"""Bring a friend: claims, the wait for his first order to outlive its return days, pay and take back;
law: nobody is paid twice for a friend, nobody beyond his limits, nobody for himself (U88).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import lock_account, next_command_number
from loyalty.clock import day_end, day_start, local_date
from loyalty.db import Row
from loyalty.engine.apply import carry_out
from loyalty.engine.book import AccountBook
from loyalty.engine.commands import Command, RunActions, Source, UndoActions
from loyalty.errors import Conflict, Invalid, NotFound
from loyalty.members.repository import list_members
from loyalty.programs.program import Program
from loyalty.programs.service import load_versions
from loyalty.referrals import repository
from loyalty.referrals.code import referral_code, trace
from loyalty.values import exact

SIDES = ("referrer", "friend")


class ReferralRefused(Conflict):
    """This person cannot be brought as a friend."""


@dataclass(slots=True)
class Advanced:
    """What a page of referrals became: how many changed, the stores with pushes, the last one looked at."""

    changed: int = 0
    pushed: frozenset[UUID] = frozenset()
    last: int | None = None
    outcomes: list[Row] = field(default_factory=list)


def personal_code(connection: Connection, book: AccountBook, member: UUID) -> str:
    """Return a member's referral code, kept so that a friend can use it; raises NotFound."""
    rows = list_members(connection, [member])
    if not rows:
        raise NotFound("There is no member of that id.")
    known = repository.find_code(connection, member)
    if known is not None:
        return known
    code = referral_code(book.coupon_key, rows[0]["key"])
    repository.put_code(connection, book.id, member, code)
    return code


def claim(
    connection: Connection, book: AccountBook, code: str, friend: UUID, device: str, now: datetime
) -> Mapping[Any, Any]:
    """Note that a member was brought by the owner of a code; the same claim again changes nothing.

    Raises Invalid for an unknown code, ReferralRefused for the owner himself, for who was brought by another or has
    bought before, and when no program in force pays for friends.
    """
    program = load_versions(connection, book.id).at(now)
    if program is None or not program.referral.is_offered:
        raise ReferralRefused("The program in force does not pay for friends.")
    referrer = repository.find_referrer(connection, code)
    if referrer is None:
        raise Invalid("There is no such code.", {"/code": ["There is no such code."]})
    if referrer == friend:
        raise ReferralRefused("Nobody can bring himself.")
    _note_traces(connection, book, (referrer, friend), friend, device)
    return _claimed(connection, book, referrer, friend, now)


def _note_traces(
    connection: Connection, book: AccountBook, both: Iterable[UUID], friend: UUID, device: str
) -> None:
    """Keep what the profiles of both say, and the friend's device."""
    said = [
        (row["id"], kind, row[kind]) for row in list_members(connection, both) for kind in ("email", "phone")
    ]
    digests = [
        (member, trace(book.coupon_key, kind, value))
        for member, kind, value in [*said, (friend, "device", device)]
    ]
    repository.add_traces(connection, book.id, [(member, one) for member, one in digests if one is not None])


def _claimed(
    connection: Connection, book: AccountBook, referrer: UUID, friend: UUID, now: datetime
) -> Mapping[Any, Any]:
    known = repository.find_referral_of(connection, friend)
    if known is None:
        if repository.has_awarded_orders(connection, friend):
            raise ReferralRefused("Who has bought before cannot be brought any more.")
        repository.add_referral(connection, book.id, referrer, friend, now)
        known = repository.find_referral_of(connection, friend)
    assert known is not None
    if known["referrer_id"] != referrer:
        raise ReferralRefused("Somebody else brought this member.")
    return known


@dataclass(slots=True)
class Turn:
    """One look at a page of referrals."""

    connection: Connection
    book: AccountBook
    program: Program
    now: datetime
    advanced: Advanced

    def become(self, row: Mapping[Any, Any], status: str, reason: str = "", **changes: Any) -> None:
        """Note what became of a referral."""
        kept = {name: row[name] for name in ("id", "order_key", "due_at", "completed_at")}
        self.advanced.outcomes.append({**kept, "status": status, "reason": reason, **changes})

    def tell_both(self, row: Mapping[Any, Any], build: Callable[[int, str], Command]) -> None:
        """Carry out a command on either side, by whoever stands for it now."""
        for side in SIDES:
            command = build(next_command_number(self.connection), side)
            _, pushed = carry_out(self.connection, self.book, row[f"{side}_now"], command, self.now)
            self.advanced.pushed |= pushed


def advance(connection: Connection, book: AccountBook, now: datetime, after: int, limit: int) -> Advanced:
    """Look at the next open referrals by id: note first orders, pay for those that outlived their return days, take
    back what was paid for orders that were refunded since.
    """
    program = load_versions(connection, book.id).at(now)
    if program is None:
        return Advanced()
    lock_account(connection)
    rows = repository.claim_open(connection, after, limit)
    turn = Turn(connection, book, program, now, Advanced(last=rows[-1]["id"] if rows else None))
    for row in rows:
        _STEPS[row["status"]](turn, row)
    _write(turn)
    return turn.advanced


def _write(turn: Turn) -> None:
    advanced = turn.advanced
    if advanced.outcomes:
        repository.put_outcomes(turn.connection, advanced.outcomes)
    advanced.changed += len(advanced.outcomes)
    advanced.outcomes = []


def _note_first_order(turn: Turn, row: Mapping[Any, Any]) -> None:
    if row["first_key"] is None:
        return
    tz = turn.program.time_zone
    day = local_date(row["first_at"], tz) + timedelta(days=turn.program.referral.hold_days)
    due = {"order_key": row["first_key"], "due_at": day_end(day, tz)}
    shared = repository.list_shared_traces(turn.connection, row["referrer_id"], row["friend_id"])
    if shared and row["reviewed_by"] is None:
        turn.become(row, "review", ", ".join(shared), **due)
    else:
        turn.become(row, "pending", **due)


def _pay(turn: Turn, row: Mapping[Any, Any]) -> None:
    """Pay both sides once the order has outlived its return days and still stands; a refunded one does not count."""
    if not row["counts"] or exact(row["net_base"]) < turn.program.referral.minimum_order:
        turn.become(row, "claimed", "the order was refunded", order_key=None, due_at=None)
        return
    if row["due_at"] > turn.now:
        return
    refusal = _refusal(turn, row)
    if refusal:
        turn.become(row, "refused", refusal)
        return
    occasion = row["friend_key"]
    turn.tell_both(row, lambda number, side: RunActions(
        number, turn.now, Source.REFERRAL, side, occasion, {}, "referral_completed", "laurel"))  # fmt: skip
    turn.become(row, "completed", completed_at=turn.now)
    _write(turn)  # the limits of the next one count it


def _refusal(turn: Turn, row: Mapping[Any, Any]) -> str | None:
    """Return why nobody is paid, None when both are."""
    if row["friend_now"] == row["referrer_now"]:
        return "both are one person"
    tz, referral = turn.program.time_zone, turn.program.referral
    month = day_start(local_date(turn.now, tz).replace(day=1), tz)
    for limit, since, name in ((referral.per_month, month, "month"), (referral.lifetime, None, "lifetime")):
        paid = repository.count_completed(turn.connection, row["referrer_id"], since) if limit else 0
        if limit is not None and paid >= limit:
            return f"limit per {name}"
    return None


def _take_back(turn: Turn, row: Mapping[Any, Any]) -> None:
    """Withdraw what is unused on both sides when the order does not stand any more."""
    if row["counts"]:
        return
    turn.tell_both(row, lambda number, side: UndoActions(
        number, turn.now, Source.REFERRAL, side, row["friend_key"], "the order was refunded", "laurel"))  # fmt: skip
    turn.become(row, "reversed", "the order was refunded")


_STEPS = {"claimed": _note_first_order, "pending": _pay, "completed": _take_back}


def decide_review(
    connection: Connection, number: int, *, accept: bool, reason: str, reviewer: str
) -> Mapping[Any, Any]:
    """Let somebody who was held back go on, or refuse him; raises NotFound, Conflict."""
    row = repository.find_referral(connection, number)
    if row is None:
        raise NotFound("There is no referral of that number.")
    if row["status"] != "review":
        raise Conflict("This referral does not wait for a review.")
    repository.review(connection, number, "pending" if accept else "refused", reason, reviewer)
    found = repository.find_referral(connection, number)
    assert found is not None
    return found
