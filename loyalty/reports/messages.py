"""Messages for people: what was asked to be told, in words."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.members.repository import list_members
from loyalty.messages.rendering import Rendered, render
from loyalty.messages.repository import list_messages
from loyalty.programs.program import Versions
from loyalty.programs.service import load_versions
from loyalty.values import AccountId

Data = dict[str, Any]
_NOTHING = Rendered({}, {})


def read_messages(
    connection: Connection, account: AccountId, member: UUID | None, before: int | None, limit: int
) -> list[Data]:
    """Return messages, newest first, below the id `before`, with subject and body in every language."""
    rows = list_messages(connection, member, before, limit)
    names = {row["id"]: row["name"] for row in list_members(connection, {row["member_id"] for row in rows})}
    versions = load_versions(connection, account)
    return [
        {
            **row,
            "member": row["member_id"],
            "text": _text(versions, dict(row), names.get(row["member_id"], "")),
        }
        for row in rows
    ]


def _text(versions: Versions, row: Data, name: str) -> Rendered:
    """Return a message as the version that asked for it words it; a call of another system has no words."""
    program = versions.numbered(row["program_version"])
    found = (message for message in (program.messages if program else ()) if message.key == row["target"])
    message = next(found, None) if row["kind"] == "message" else None
    return render(message, program, name, row["data"]) if message and program else _NOTHING
