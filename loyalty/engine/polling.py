"""Polls and surveys: one answer of each person; law: answering is recorded as an activity once (S100, S101)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import lock_account
from loyalty.community import poll_repository as polls
from loyalty.community.questions import QuestionKind, Result, check_answers, count_answers, read_questions
from loyalty.community.refusals import refusal
from loyalty.community.things import get_thing
from loyalty.db import Row
from loyalty.engine.activities import record_if_counted
from loyalty.engine.admitting import admit, check_words
from loyalty.engine.book import AccountBook
from loyalty.members.repository import get_roots

Found = Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, and the stores for which pushes were written."""

    answer: Found
    pushed: frozenset[UUID] = frozenset()


def make_poll(connection: Connection, book: AccountBook, data: Row, now: datetime) -> Found:
    """Write a new poll or survey; raises Invalid, ParticipationRefused when its key is in use."""
    check_words(connection, book, data, now)
    made = polls.add_poll(connection, book.id, data)
    if made is None:
        raise refusal("key_taken")
    return made


def answer(
    connection: Connection,
    book: AccountBook,
    key: str,
    member: UUID,
    answers: Mapping[str, Any],
    now: datetime,
    actor: str,
) -> Answered:
    """Keep a person's answers; the same again change nothing. Raises Invalid, ParticipationRefused, NotFound."""
    lock_account(connection)
    poll = get_thing(connection, polls.POLLS, key)
    roots = get_roots(connection, member)
    known = polls.list_own_answers(connection, poll["id"], roots)
    if known:
        return Answered(_repeated(known, answers))
    admit(connection, book, poll, roots[0], now)
    checked = check_answers(read_questions(poll["questions"]), answers)
    done = record_if_counted(connection, book, roots[0], poll["activity"], key, now, actor)
    kept = polls.add_answer(
        connection, book.id,
        {"poll_id": poll["id"], "member_id": roots[0], "answers": checked, "answered_at": now,
         "is_counted": done is not None},
    )  # fmt: skip
    return Answered(kept, done.pushed if done else frozenset())


def _repeated(known: Sequence[Found], answers: Mapping[str, Any]) -> Found:
    same = next((row for row in known if row["answers"] == answers), None)
    if same is None:
        raise refusal("answered")
    return same


def read_results(connection: Connection, poll: Found) -> tuple[int, list[Result]]:
    """Return how many members answered a poll, and the result of each question."""
    questions = read_questions(poll["questions"])
    counted = [question.key for question in questions if question.kind is not QuestionKind.TEXT]
    members, answered = polls.count_answered(connection, poll["id"])
    return members, count_answers(questions, answered, polls.count_choices(connection, poll["id"], counted))
