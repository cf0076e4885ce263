"""Polls and surveys with their answers, in bulk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from loyalty.community.things import add_thing
from loyalty.db import Row, records

POLLS = "polls"
_POLL = {
    "key": "text", "kind": "text", "name": "jsonb", "description": "jsonb", "questions": "jsonb",
    "opens_at": "timestamptz", "closes_at": "timestamptz", "audience": "jsonb", "activity": "text",
}  # fmt: skip
_ANSWER = {
    "poll_id": "bigint", "member_id": "uuid", "answers": "jsonb", "answered_at": "timestamptz",
    "is_counted": "boolean",
}  # fmt: skip


def add_poll(connection: Connection, account: UUID, row: Row) -> RowMapping | None:
    """Write a poll or survey and return it; None when its key is in use."""
    return add_thing(connection, account, POLLS, _POLL, row)


def list_own_answers(connection: Connection, poll: int, members: Sequence[UUID]) -> Sequence[RowMapping]:
    """Return what these members answered."""
    statement = text(
        "select * from poll_answers where poll_id = :poll and member_id = any(:ids) order by id"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    return connection.execute(statement, {"poll": poll, "ids": list(members)}).mappings().all()


def add_answer(connection: Connection, account: UUID, row: Row) -> RowMapping:
    """Write what a member answered; the database refuses a second answer of his."""
    source, values = records(_ANSWER, [row])
    names = ", ".join(_ANSWER)
    statement = text(
        f"insert into poll_answers (account_id, {names}) select :account, {names} from {source} returning *"
    )
    return connection.execute(statement, {**values, "account": account}).mappings().one()


def list_answers(connection: Connection, poll: int, after: int, limit: int) -> Sequence[RowMapping]:
    """Return answers by id, above the id `after`."""
    statement = text(
        "select * from poll_answers where poll_id = :poll and id > :after order by id limit :limit"
    )
    return connection.execute(statement, {"poll": poll, "after": after, "limit": limit}).mappings().all()


def count_answered(connection: Connection, poll: int) -> tuple[int, Mapping[str, int]]:
    """Return how many members answered, and how many each question by its key."""
    statement = text(
        "select given.key, count(*) from poll_answers, jsonb_object_keys(answers) as given(key)"
        " where poll_id = :poll group by given.key"
    )
    members = text("select count(*) from poll_answers where poll_id = :poll")
    counts = {key: int(count) for key, count in connection.execute(statement, {"poll": poll})}
    return int(connection.execute(members, {"poll": poll}).scalar_one()), counts


def count_choices(connection: Connection, poll: int, keys: Sequence[str]) -> list[tuple[str, str, int]]:
    """Return (question, option or number, how often) of what was chosen in these questions."""
    statement = text(
        "select given.key, chosen.value, count(*) from poll_answers, jsonb_each(answers) as given(key, value),"
        " jsonb_array_elements_text(case jsonb_typeof(given.value) when 'array' then given.value"
        "   else jsonb_build_array(given.value) end) as chosen(value)"
        " where poll_id = :poll and given.key = any(:keys) group by given.key, chosen.value"
    )
    rows = connection.execute(statement, {"poll": poll, "keys": list(keys)})
    return [(key, value, int(count)) for key, value, count in rows]
