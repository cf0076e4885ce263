"""The last seal of each day: keep its root elsewhere, and nobody can change what is older without its showing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from loyalty.accounts.service import get_account

# From the newest day backwards, one index look-up a day, however many seals a day has.
_ROOTS = text(
    "with recursive days as ("
    " (select seals.* from seals where cast(:before as integer) is null or sealed_at <"
    "   (select date_trunc('day', sealed_at, :zone) from seals where number = :before)"
    "   order by sealed_at desc, number desc limit 1)"
    " union all"
    " select earlier.* from days cross join lateral (select seals.* from seals"
    "   where sealed_at < date_trunc('day', days.sealed_at, :zone)"
    "   order by sealed_at desc, number desc limit 1) earlier)"
    " select cast(sealed_at at time zone :zone as date) as day, number, sealed_at, entries,"
    " encode(root, 'hex') as root, encode(previous, 'hex') as previous, encode(sha256, 'hex') as sha256"
    " from days limit :limit"
)


def list_roots(connection: Connection, before: int | None, limit: int) -> list[dict[str, Any]]:
    """Return the last seal of each of the account's days, newest first, of days before that of seal `before`."""
    zone = get_account(connection)["time_zone"]
    values = {"before": before, "limit": limit, "zone": zone}
    return [dict(row) for row in connection.execute(_ROOTS, values).mappings()]


def has_seal(connection: Connection, sha256: bytes) -> bool:
    """Return whether the account has a seal of this hash."""
    statement = text("select exists (select from seals where sha256 = :sha256)")
    return bool(connection.execute(statement, {"sha256": sha256}).scalar_one())
