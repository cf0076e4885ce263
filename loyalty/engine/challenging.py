"""Challenges: members submit, somebody judges; law: a submission is judged once, and approval recorded once (S98)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import lock_account
from loyalty.community import challenge_repository as challenges
from loyalty.community.refusals import refusal
from loyalty.community.things import get_thing
from loyalty.db import Row
from loyalty.engine.activities import record_if_counted
from loyalty.engine.admitting import admit, check_words
from loyalty.engine.book import AccountBook
from loyalty.members.repository import get_roots

Found = Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """A submission after the verdict, and the stores for which pushes were written."""

    submission: Found
    pushed: frozenset[UUID] = frozenset()


def make_challenge(connection: Connection, book: AccountBook, data: Row, now: datetime) -> Found:
    """Write a new challenge; raises Invalid, ParticipationRefused when its key is in use."""
    check_words(connection, book, data, now)
    made = challenges.add_challenge(connection, book.id, data)
    if made is None:
        raise refusal("key_taken")
    return made


def submit(
    connection: Connection,
    book: AccountBook,
    key: str,
    member: UUID,
    text: str,
    urls: Sequence[str],
    now: datetime,
) -> Found:
    """Keep what a person submits; a rejected one leaves room for another. Raises ParticipationRefused, NotFound."""
    challenge = get_thing(connection, challenges.CHALLENGES, key, lock=True)
    roots = get_roots(connection, member)
    admit(connection, book, challenge, roots[0], now)
    if challenges.count_standing(connection, challenge["id"], roots) >= challenge["per_member"]:
        raise refusal("enough")
    row = {
        "challenge_id": challenge["id"],
        "member_id": roots[0],
        "text": text,
        "urls": list(urls),
        "submitted_at": now,
    }
    return challenges.add_submission(connection, book.id, row)


def judge(
    connection: Connection,
    book: AccountBook,
    number: int,
    now: datetime,
    moderator: str,
    *,
    approve: bool,
    reason: str,
) -> Judged:
    """Approve a submission, which is recorded as an activity of who stands for the member, or reject it.

    Raises ParticipationRefused, NotFound.
    """
    lock_account(connection)
    found = challenges.get_submission(connection, number)
    if found["state"] != "submitted":
        raise refusal("judged")
    if not approve:
        return Judged(
            challenges.put_verdict(connection, number, "rejected", reason, moderator, now, is_counted=False)
        )
    own, member = f"{found['key']}:{number}", get_roots(connection, found["member_id"])[0]
    done = record_if_counted(connection, book, member, found["activity"], own, now, moderator)
    row = challenges.put_verdict(
        connection, number, "approved", reason, moderator, now, is_counted=done is not None
    )
    return Judged(row, done.pushed if done else frozenset())
