"""Write and read the audit log."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from loyalty.db import json_text
from loyalty.values import AccountId


def note(
    connection: Connection, account: AccountId, actor: str, action: str, subject: str = "", **data: Any
) -> None:
    """Write who did what to what; never secrets, never personal data."""
    statement = text(
        "insert into activities (account_id, actor, action, subject, data)"
        " values (:account, :actor, :action, :subject, cast(:data as jsonb))"
    )
    values = {
        "account": account,
        "actor": actor,
        "action": action,
        "subject": subject,
        "data": json_text(data),
    }
    connection.execute(statement, values)


def list_activities(connection: Connection, before: int | None, limit: int) -> list[dict[str, Any]]:
    """Return entries of the account's log, newest first, below the id `before`."""
    statement = text(
        "select id, actor, action, subject, data, at from activities"
        " where (cast(:before as bigint) is null or id < :before) order by id desc limit :limit"
    )
    return [dict(row) for row in connection.execute(statement, {"before": before, "limit": limit}).mappings()]
