"""Requests of persons who want to know what is stored of them: each noted once, listed, handed over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from loyalty.db import Row, dicts
from loyalty.values import AccountId, StoreId

_READ = (
    "select r.*, s.key as store_key, r.handed_at is null as is_open from data_requests r"
    " join stores s on s.account_id = r.account_id and s.id = r.store_id"
)


@dataclass(frozen=True, slots=True)
class DataRequest:
    """Who asked which shop, by the shop's own ids; `member` is None when nothing is stored of him."""

    store: StoreId
    external_id: str
    customer_id: str
    member: UUID | None
    asked_at: datetime


def add_request(connection: Connection, account: AccountId, request: DataRequest) -> bool:
    """Note a request unless it is known; return whether it was new."""
    statement = text(
        "insert into data_requests (account_id, store_id, external_id, customer_id, member_id, asked_at)"
        " values (:account, :store, :external_id, :customer_id, :member, :asked_at)"
        " on conflict (store_id, external_id) do nothing"
    )
    values = {
        "account": account, "store": request.store, "external_id": request.external_id,
        "customer_id": request.customer_id, "member": request.member, "asked_at": request.asked_at,
    }  # fmt: skip
    return bool(connection.execute(statement, values).rowcount)


def list_requests(
    connection: Connection, before: int | None, limit: int, *, is_open: bool | None
) -> list[Row]:
    """Return requests below the id `before`, newest first: open ones, those handed over, or all."""
    statement = text(
        f"{_READ} where (cast(:before as bigint) is null or r.id < :before)"
        " and (cast(:open as boolean) is null or (r.handed_at is null) = :open) order by r.id desc limit :limit"
    )
    values = {"before": before, "limit": limit, "open": is_open}
    return dicts(connection.execute(statement, values))


def find_request(connection: Connection, request: int) -> Row | None:
    """Return a request of the account."""
    rows = dicts(connection.execute(text(f"{_READ} where r.id = :id"), {"id": request}))
    return rows[0] if rows else None


def hand_over(connection: Connection, request: int, actor: str, now: datetime) -> bool:
    """Note that the data were handed over; return whether they were not before."""
    statement = text(
        "update data_requests set handed_at = :now, handed_by = :actor where id = :id and handed_at is null"
    )
    return bool(connection.execute(statement, {"id": request, "actor": actor, "now": now}).rowcount)
