"""Up to when a store was told of what changes by time alone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from loyalty.values import StoreId


def find_matured_until(connection: Connection, store: StoreId) -> datetime | None:
    """Return up to which instant a store was told of points that became usable; None: never yet."""
    found: datetime | None = connection.execute(
        text("select matured_until from stores where id = :id"), {"id": store}
    ).scalar_one()
    return found


def note_matured(connection: Connection, store: StoreId, until: datetime) -> None:
    """Note up to when it was told; never backwards."""
    statement = text("update stores set matured_until = greatest(matured_until, :until) where id = :id")
    connection.execute(statement, {"id": store, "until": until})
