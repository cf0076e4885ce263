"""Forget what members wrote with their own words; what they chose, and that they came, stays for the counts."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

_SUBMISSIONS = text("update submissions set text = '', urls = '{}' where member_id = any(:ids)")
_ANSWERS = text(
    "update poll_answers set answers = answers - (select coalesce(array_agg(question->>'key'), '{}') from polls,"
    "   jsonb_array_elements(questions) question where polls.id = poll_id and question->>'kind' = 'text')"
    " where member_id = any(:ids)"
)


def forget_words(connection: Connection, members: Sequence[UUID]) -> None:
    """Empty the submissions of members, and drop their answers in their own words."""
    for statement in (_SUBMISSIONS, _ANSWERS):
        wanted = statement.bindparams(bindparam("ids", type_=ARRAY(Uuid)))
        connection.execute(wanted, {"ids": list(members)})
