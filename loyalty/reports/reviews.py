"""Orders that somebody should look at, because the rules could not judge them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

_REVIEWS = text(
    "select key, external_id as id, number, review as reason, snapshot ->> 'currency' as currency,"
    " snapshot ->> 'total' as total, snapshot ->> 'placed_at' as placed_at from orders"
    " where review is not null and (cast(:after as text) is null or key > :after) order by key limit :limit"
)


def list_orders_to_review(connection: Connection, after: str | None, limit: int) -> list[dict[str, Any]]:
    """Return marked orders above the key `after`, with why, and their own currency and total."""
    rows = connection.execute(_REVIEWS, {"after": after, "limit": limit})
    return [dict(row) for row in rows.mappings()]
