"""What a merchant should look at, in words, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from loyalty.errors import NotFound
from loyalty.incidents import repository as incidents
from loyalty.incidents.words import Facts, incident_text
from loyalty.programs.ladder import Text
from loyalty.programs.service import load_versions
from loyalty.values import AccountId

Data = dict[str, Any]


def list_incidents(
    connection: Connection, account: AccountId, before: int | None, limit: int, *, is_open: bool | None
) -> list[Data]:
    """Return incidents below the id `before`: open ones, resolved ones, or all."""
    names = _reward_names(connection, account)
    rows = incidents.list_incidents(connection, before, limit, is_open=is_open)
    return [_shown(row, names) for row in rows]


def read_incident(connection: Connection, account: AccountId, incident: int) -> Data:
    """Return an incident; raises NotFound."""
    rows = incidents.list_incidents(connection, incident + 1, 1, is_open=None)
    if not rows or rows[0]["id"] != incident:
        raise NotFound("There is no incident of that id.", incident=incident)
    return _shown(rows[0], _reward_names(connection, account))


def _reward_names(connection: Connection, account: AccountId) -> dict[str, Text]:
    """Return the newest name of each reward that any version had."""
    versions = load_versions(connection, account)
    return {reward.key: reward.name for program in versions.programs for reward in program.rewards}


def _shown(row: Mapping[Any, Any], names: Mapping[str, Text]) -> Data:
    reward = names.get(row["data"].get("reward", ""), {})
    order = {"id": row["order_id"], "number": row["order_number"]} if row["order_id"] else None
    number = row["order_number"] or row["order_key"].partition(":")[2]
    facts = Facts(row["kind"], row["data"], reward, number)
    return {**row, "text": incident_text(facts), "order": order, "is_open": row["resolved_at"] is None}
