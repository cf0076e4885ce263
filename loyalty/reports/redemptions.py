"""Redemptions as merchants and members see them, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from loyalty.errors import NotFound
from loyalty.programs.catalogue import EXTERNAL
from loyalty.rewards.redemption import RedemptionState

Data = dict[str, Any]
_SELECT = (
    "select r.*, c.code, c.state as coupon_state, c.expires_at, o.external_id as order_id, o.number as order_number,"
    " s.state as seat_state, g.key as event_key"
    " from redemptions r left join coupons c on c.account_id = r.account_id and c.cause = 'redemption:' || r.number"
    " left join orders o on o.account_id = r.account_id and o.key = r.used_by"
    " left join sign_ups s on s.account_id = r.account_id and s.redemption_id = r.id"
    " left join gatherings g on g.id = s.gathering_id"
)
_LIST = text(
    f"{_SELECT} where (cast(:member as uuid) is null or r.member_id = :member"
    "   or r.member_id in (select id from members where merged_into = :member))"
    " and (cast(:fulfilment as text) is null or r.fulfilment = :fulfilment)"
    " and (cast(:before as uuid) is null or r.id < :before) order by r.id desc limit :limit"
)


def list_redemptions(
    connection: Connection, member: UUID | None, fulfilment: str | None, before: UUID | None, limit: int
) -> list[Data]:
    """Return redemptions below the id `before`: of all or of one member, in a state of fulfilment or in any."""
    values = {"member": member, "fulfilment": fulfilment, "before": before, "limit": limit}
    return [_shown(row) for row in connection.execute(_LIST, values).mappings()]


def read_redemption(
    connection: Connection, *, redemption: UUID | None = None, number: int | None = None
) -> Data:
    """Return the redemption of an id or of a number; raises NotFound."""
    statement = text(f"{_SELECT} where r.id = :id or r.number = :number")
    row = connection.execute(statement, {"id": redemption, "number": number}).mappings().first()
    if row is None:
        raise NotFound("There is no redemption of that id.", redemption=str(redemption))
    return _shown(row)


def _shown(row: Mapping[Any, Any]) -> Data:
    coupon = {"code": row["code"], "expires_at": row["expires_at"]}
    is_there = row["code"] is not None and row["coupon_state"] not in ("requested", "failed")
    order = {"id": row["order_id"], "number": row["order_number"]} if row["order_id"] else None
    event = {"key": row["event_key"], "state": row["seat_state"]} if row["event_key"] else None
    shown = {"coupon": coupon if is_there else None, "order": order, "event": event}
    return {**row, **shown, "state": shown_state(row)}


def shown_state(row: Mapping[Any, Any]) -> str:
    """Return requested, held, issued, used, cancelling, cancelled, expired or failed."""
    state, coupon = row["state"], row["coupon_state"]
    if state == RedemptionState.HELD:
        waits = row["kind"] == EXTERNAL or coupon == "issued"
        return "cancelling" if row["cancel_asked_at"] else "held" if waits else "requested"
    if state == RedemptionState.CAPTURED:
        if row["uses"] or row["kind"] == EXTERNAL:
            return "used"
        return "cancelling" if row["cancel_asked_at"] else "issued"
    if coupon == "failed":
        return "failed"
    timed_out = state == RedemptionState.RELEASED and not row["cancel_asked_at"]
    return "expired" if timed_out or state == RedemptionState.EXPIRED else "cancelled"
