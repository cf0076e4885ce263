"""A member's statement: entries newest first with their reasons in words, and lots newest first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from loyalty.engine import codec
from loyalty.errors import NotFound
from loyalty.ledger.reasons import Cause, reason_text
from loyalty.programs.ladder import Text
from loyalty.programs.program import Versions
from loyalty.programs.service import load_versions
from loyalty.values import AccountId

Data = dict[str, Any]
_ENTRIES = text(
    "select e.id, e.sequence, e.kind, e.points, e.balance_after, e.program_version, e.reason, e.explanation,"
    " e.effective_at, e.posted_at, o.external_id, o.number from ledger_entries e"
    " left join orders o on o.account_id = e.account_id and o.key = e.order_key"
    " where e.member_id = :member and (cast(:before as bigint) is null or e.sequence < :before)"
    " order by e.sequence desc limit :limit"
)
_LOTS = text(
    "select l.*, o.external_id, o.number from lots l"
    " left join orders o on o.account_id = l.account_id and o.key = l.order_key"
    " where l.member_id = :member and (cast(:before as bigint) is null or l.sequence < :before)"
    " order by l.sequence desc limit :limit"
)


def require_member(connection: Connection, member: UUID) -> None:
    """Raise NotFound unless the account has this member."""
    if connection.execute(text("select 1 from members where id = :id"), {"id": member}).first() is None:
        raise NotFound("There is no member of that id.")


def list_entries(
    connection: Connection, account: AccountId, member: UUID, before: int | None, limit: int
) -> list[Data]:
    """Return entries posted before that sequence, newest first."""
    rows = connection.execute(_ENTRIES, {"member": member, "before": before, "limit": limit}).mappings()
    versions = load_versions(connection, account)
    return [
        {
            **row,
            "order": _order(row),
            "reason": reason_text(_cause(row, versions), _points_name(versions, row)),
        }
        for row in rows
    ]


def list_lots(
    connection: Connection, member: UUID, before: int | None, limit: int, now: datetime
) -> list[Data]:
    """Return lots of lower sequence, newest first, with their state at `now`: pending, available, used or expired."""
    rows = connection.execute(_LOTS, {"member": member, "before": before, "limit": limit}).mappings()
    return [{**row, "order": _order(row), "state": _state(row, now)} for row in rows]


def _order(row: Mapping[Any, Any]) -> Data | None:
    if row["external_id"] is None:
        return None
    return {"id": row["external_id"], "number": row["number"]}


def _cause(row: Mapping[Any, Any], versions: Versions) -> Cause:
    explained = row["explanation"]
    words = explained.get("text") or explained.get("key") or explained.get("reward", "")
    name = explained.get("name") or _reward_name(row, versions)
    return Cause(row["reason"], row["points"], row["number"] or "", str(words), name)


def _reward_name(row: Mapping[Any, Any], versions: Versions) -> Text:
    program = versions.numbered(row["program_version"] or 0)
    reward = program.reward(row["explanation"].get("reward", "")) if program else None
    return reward.name if reward else {}


def _points_name(versions: Versions, row: Mapping[Any, Any]) -> Text:
    program = versions.numbered(row["program_version"] or 0) or versions.at(row["effective_at"])
    return program.points_name if program else {}


def _state(row: Mapping[Any, Any], now: datetime) -> str:
    lot = codec.lot(row)
    if lot.expired or (lot.remaining and lot.is_dead(now)):
        return "expired"
    if not lot.remaining:
        return "used"
    return "pending" if lot.is_pending(now) else "available"
