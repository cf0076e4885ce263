"""Notices in bulk: those of points that end are found by the database alone, the others are handed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, text

from loyalty.db import Row, records

POINTS, TIER, ANNOUNCED = "points_expiring", "tier_expiring", "expiry_announced"
_SPAN = {"days": "integer", "after": "timestamptz", "until": "timestamptz"}
_NOTICE = {
    "member_id": "uuid", "kind": "text", "ends_at": "timestamptz", "days": "integer", "data": "jsonb",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """What ends after one instant, up to and with another, is told of `days` days before."""

    days: int
    after: datetime
    until: datetime


def note_expiring_points(
    connection: Connection, account: UUID, spans: Sequence[Span], now: datetime, limit: int
) -> int:
    """Note for members how many points die at which instant, once for each span; return how many notices.

    At most `limit` notices: call again until it returns less.
    """
    rows: list[Row] = [{"days": span.days, "after": span.after, "until": span.until} for span in spans]
    source, values = records(_SPAN, rows, "spans")
    statement = text(
        "insert into notices (account_id, member_id, kind, ends_at, days, data, noted_at)"
        " select :account, member_id, :kind, expires_at, days, jsonb_build_object('points', sum(remaining)), :now"
        f" from {source} join lots on expires_at > spans.after and expires_at <= spans.until and remaining > 0"
        " where not exists (select from notices known where known.member_id = lots.member_id"
        "   and known.kind = :kind and known.ends_at = expires_at and known.days = spans.days)"
        " group by member_id, expires_at, days limit :limit on conflict do nothing"
    )
    given = {**values, "account": account, "kind": POINTS, "now": now, "limit": limit}
    return connection.execute(statement, given).rowcount


def list_unannounced(connection: Connection, start: datetime, after: UUID, limit: int) -> list[UUID]:
    """Return the next members by id who have points that live longer than `start` and were not told of the rules that
    take effect then.
    """
    statement = text(
        "select distinct member_id from lots where remaining > 0 and (expires_at is null or expires_at > :start)"
        " and member_id > :after and not exists (select from notices known where known.member_id = lots.member_id"
        "   and known.kind = :kind and known.ends_at = :start) order by member_id limit :limit"
    )
    values = {"kind": ANNOUNCED, "start": start, "after": after, "limit": limit}
    return [row[0] for row in connection.execute(statement, values)]


def add_notices(connection: Connection, account: UUID, rows: Sequence[Row], now: datetime) -> int:
    """Write notices that were not written before; return how many."""
    source, values = records(_NOTICE, rows)
    names = ", ".join(_NOTICE)
    statement = text(
        f"insert into notices (account_id, noted_at, {names}) select :account, :now, {names} from {source}"
        " on conflict do nothing"
    )
    return connection.execute(statement, {**values, "account": account, "now": now}).rowcount


def list_notices(
    connection: Connection, member: UUID | None, before: int | None, limit: int
) -> Sequence[RowMapping]:
    """Return notices, newest first, below the id `before`, those of a member where one is given."""
    statement = text(
        "select id, member_id as member, kind, ends_at, days, data, noted_at from notices"
        " where (cast(:before as bigint) is null or id < :before)"
        " and (cast(:member as uuid) is null or member_id = :member) order by id desc limit :limit"
    )
    values = {"member": member, "before": before, "limit": limit}
    return connection.execute(statement, values).mappings().all()
