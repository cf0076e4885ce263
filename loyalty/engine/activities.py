"""Record what a member did: once for each kind and key, within the caps of its kind; law: the account is locked first,
so that no cap is exceeded, however many record at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import lock_account, next_command_number
from loyalty.engine import codec
from loyalty.engine.apply import carry_out
from loyalty.engine.book import AccountBook
from loyalty.engine.capping import ActivityLimitReached, open_caps
from loyalty.engine.commands import RecordActivity
from loyalty.members.commands import count_activities, find_activity
from loyalty.members.repository import get_roots
from loyalty.programs.automations import ActivityLimit
from loyalty.programs.service import load_versions


@dataclass(frozen=True, slots=True)
class Recorded:
    """The activity, whether it was recorded just now, and the stores for which pushes were written."""

    command: RecordActivity
    is_new: bool = True
    pushed: frozenset[UUID] = frozenset()


def record_activity(
    connection: Connection,
    book: AccountBook,
    member: UUID,
    kind: str,
    key: str,
    now: datetime,
    actor: str,
    *,
    score: int | None = None,
    is_event: bool | None = None,
) -> Recorded:
    """Record an activity of a member; the same kind and key again, of whoever is merged into him too, returns the
    known one.

    What is not said of score and event is the program's for that kind, else 1 and no event. Raises
    ActivityLimitReached, NotFound, MemberMerged, and Invalid before a program is in force.
    """
    lock_account(connection)
    roots = get_roots(connection, member)
    known = find_activity(connection, roots, kind, key)
    if known is not None:
        return Recorded(_activity(codec.command(dict(known))), is_new=False)
    limit = _judge(connection, book, roots, kind, now)
    counts = limit.score if score is None else score, limit.is_event if is_event is None else is_event
    command = RecordActivity(next_command_number(connection), now, kind, key, *counts, kind, actor)
    return Recorded(command, pushed=carry_out(connection, book, member, command, now)[1])


def record_if_counted(
    connection: Connection,
    book: AccountBook,
    member: UUID,
    kind: str,
    key: str,
    now: datetime,
    actor: str,
    *,
    is_event: bool | None = None,
) -> Recorded | None:
    """Record an activity of a member who took part in something; None when a cap of the kind is reached."""
    try:
        return record_activity(connection, book, member, kind, key, now, actor, is_event=is_event)
    except ActivityLimitReached:
        return None


def _judge(
    connection: Connection, book: AccountBook, roots: Sequence[UUID], kind: str, now: datetime
) -> ActivityLimit:
    """Return what the program in force says of a kind; raises ActivityLimitReached."""
    program = load_versions(connection, book.id).at(now)
    limits = program.activities if program else ()
    limit = next((limit for limit in limits if limit.kind == kind), ActivityLimit(kind))
    caps = open_caps(limit, now, program.time_zone) if program else []
    counts = count_activities(connection, roots, kind, [(cap.start, cap.end) for cap in caps])
    for cap, count in zip(caps, counts, strict=True):
        if count >= cap.most:
            raise cap.refusal(kind)
    return limit


def _activity(command: object) -> RecordActivity:
    assert isinstance(command, RecordActivity)
    return command
