"""Challenges with their submissions, in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from loyalty.community.things import add_thing
from loyalty.db import Row, records
from loyalty.errors import NotFound

CHALLENGES = "challenges"
_CHALLENGE = {
    "key": "text", "name": "jsonb", "description": "jsonb", "opens_at": "timestamptz", "closes_at": "timestamptz",
    "audience": "jsonb", "activity": "text", "per_member": "integer",
}  # fmt: skip
_SUBMISSION = {
    "challenge_id": "bigint", "member_id": "uuid", "text": "text", "urls": "text[]", "submitted_at": "timestamptz",
}  # fmt: skip


def add_challenge(connection: Connection, account: UUID, row: Row) -> RowMapping | None:
    """Write a challenge and return it; None when its key is in use."""
    return add_thing(connection, account, CHALLENGES, _CHALLENGE, row)


def count_standing(connection: Connection, challenge: int, members: Sequence[UUID]) -> int:
    """Return how many submissions of these members wait or were approved."""
    statement = text(
        "select count(*) from submissions where challenge_id = :challenge and member_id = any(:ids)"
        " and state <> 'rejected'"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    return int(connection.execute(statement, {"challenge": challenge, "ids": list(members)}).scalar_one())


def add_submission(connection: Connection, account: UUID, row: Row) -> RowMapping:
    """Write what a member submits; return it."""
    source, values = records(_SUBMISSION, [row])
    names = ", ".join(_SUBMISSION)
    statement = text(
        f"insert into submissions (account_id, {names}, state) select :account, {names}, 'submitted' from {source}"
        " returning *"
    )
    return connection.execute(statement, {**values, "account": account}).mappings().one()


def get_submission(connection: Connection, number: int) -> RowMapping:
    """Return a submission with its challenge's key and activity, locked; raises NotFound."""
    statement = text(
        "select submissions.*, challenges.key, challenges.activity from submissions"
        " join challenges on challenges.id = challenge_id where submissions.id = :id for no key update of submissions"
    )
    row = connection.execute(statement, {"id": number}).mappings().first()
    if row is None:
        raise NotFound("There is no submission of that number.")
    return row


def put_verdict(
    connection: Connection,
    number: int,
    state: str,
    reason: str,
    moderator: str,
    now: datetime,
    *,
    is_counted: bool,
) -> RowMapping:
    """Write what somebody decided of a submission; return it."""
    statement = text(
        "update submissions set state = :state, reason = :reason, moderator = :moderator, judged_at = :now,"
        " is_counted = :counted where id = :id returning *"
    )
    values = {
        "id": number, "state": state, "reason": reason, "moderator": moderator, "now": now, "counted": is_counted,
    }  # fmt: skip
    return connection.execute(statement, values).mappings().one()


def list_submissions(
    connection: Connection, challenge: int, state: str | None, before: int | None, limit: int
) -> Sequence[RowMapping]:
    """Return submissions, newest first, below the id `before`, of a state where one is given."""
    statement = text(
        "select * from submissions where challenge_id = :challenge"
        " and (cast(:before as bigint) is null or id < :before)"
        " and (cast(:state as text) is null or state = :state) order by id desc limit :limit"
    )
    values = {"challenge": challenge, "state": state, "before": before, "limit": limit}
    return connection.execute(statement, values).mappings().all()
