"""What a person took part in: sign-ups, answers, submissions and draws, newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from loyalty.community.forms import STATE_NAMES, SUBMISSION_NAMES
from loyalty.reports.persons import list_roots
from loyalty.reports.statements import require_member

MOST = 100
Data = dict[str, Any]
_MEMBERS = bindparam("members", type_=ARRAY(Uuid))
_SIGN_UPS = text(
    "select gatherings.key, gatherings.name, starts_at, ends_at, state, queued_at, changed_at, is_counted"
    " from sign_ups join gatherings on gatherings.id = gathering_id"
    " where member_id = any(:members) order by sign_ups.id desc limit :most"
)
_ANSWERS = text(
    "select polls.key, polls.kind, polls.name, answers, answered_at, is_counted from poll_answers"
    " join polls on polls.id = poll_id where member_id = any(:members) order by poll_answers.id desc limit :most"
)
_SUBMISSIONS = text(
    "select challenges.key, challenges.name, submissions.id, submissions.text, urls, state, submitted_at, reason,"
    " judged_at, is_counted from submissions join challenges on challenges.id = challenge_id"
    " where member_id = any(:members) order by submissions.id desc limit :most"
)
_DRAWS = text(
    "select draws.key, draws.name, drawn_at, rank, is_counted from draw_entries join draws on draws.id = draw_id"
    " where member_id = any(:members) order by draws.id desc limit :most"
)


def read_participation(connection: Connection, member: UUID) -> Data:
    """Return the newest 100 of each, also those of who is merged into the member; raises NotFound."""
    require_member(connection, member)
    values = {"members": list_roots(connection, member), "most": MOST}
    signed, answered, sent, drawn = (
        connection.execute(statement.bindparams(_MEMBERS), values).mappings().all()
        for statement in (_SIGN_UPS, _ANSWERS, _SUBMISSIONS, _DRAWS)
    )
    states = {state.value: name for state, name in STATE_NAMES.items()}
    return {
        "sign_ups": _named(signed, states),
        "answers": answered,
        "submissions": _named(sent, SUBMISSION_NAMES),
        "draws": drawn,
    }


def _named(rows: Sequence[Mapping[Any, Any]], names: Mapping[str, Any]) -> list[Data]:
    return [{**row, "state_name": names[row["state"]]} for row in rows]
