"""Orders with what they stand at: those of a member, of a store, or of an id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text, Uuid

from loyalty.commerce import OrderState
from loyalty.engine.timeline import OrderRef
from loyalty.reports.persons import list_roots
from loyalty.stores.service import Place
from loyalty.values import StoreId

_TOLD = ("status", "currency", "total", "channel", "test")
_TIMES = ("placed_at", "paid_at", "completed_at")
_ORDERS = text(
    "select o.key, o.store_id, o.external_id as id, o.number, o.snapshot, o.modified_at, o.deleted_at, o.award_at,"
    " o.points, o.review, coalesce(m.merged_into, m.id) as member from orders o"
    " left join members m on m.id = o.member_id"
    " where (cast(:after as text) is null or o.key > :after) and o.store_id = any(:stores)"
    " and (cast(:members as uuid[]) is null or o.member_id = any(:members))"
    " and (cast(:keys as text[]) is null or o.key = any(:keys)) order by o.key limit :limit"
).bindparams(
    bindparam("stores", type_=ARRAY(Uuid)),
    bindparam("members", type_=ARRAY(Uuid)),
    bindparam("keys", type_=ARRAY(Text)),
)


def list_orders(
    connection: Connection,
    places: Sequence[Place],
    member: UUID | None,
    external_id: str | None,
    after: str | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Return orders of these stores above the key `after`, by key: those of an id, or of a member and everybody who is
    merged into him, where they are given.
    """
    values = {
        "stores": [place.store for place in places],
        "members": None if member is None else list_roots(connection, member),
        "keys": None if external_id is None else [OrderRef(it.number, external_id).key for it in places],
        "after": after,
        "limit": limit,
    }
    keys = {place.store: place.key for place in places}
    return [_order(row, keys) for row in connection.execute(_ORDERS, values).mappings()]


def _order(row: Mapping[Any, Any], keys: Mapping[StoreId, str]) -> dict[str, Any]:
    """An order of which only the end is known has no snapshot."""
    known = row["snapshot"] or {}
    told = {name: known.get(name) for name in _TOLD}
    times = {name: datetime.fromisoformat(known[name]) if known.get(name) else None for name in _TIMES}
    state = OrderState.DEAD if row["deleted_at"] else OrderState(known["state"])
    return {**row, **told, **times, "store": keys[row["store_id"]], "state": state.value}
