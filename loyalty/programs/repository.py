"""Published versions and the draft."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from loyalty.db import json_text
from loyalty.programs.document import Context
from loyalty.values import AccountId

_VERSIONS = text(
    "select version, effective_from, currency, time_zone, decimals, published_at, document"
    " from program_versions order by effective_from, version"
)


def list_versions(connection: Connection) -> Sequence[RowMapping]:
    """Return the versions in the order in which they take effect."""
    return connection.execute(_VERSIONS).mappings().all()


def add_version(
    connection: Connection,
    account: AccountId,
    document: Any,
    context: Context,
    effective_from: datetime,
    now: datetime,
) -> int:
    """Write the next version; return its number. The account's row must be locked."""
    statement = text(
        "insert into program_versions (account_id, version, effective_from, document, currency, time_zone, decimals,"
        " published_at) select :account, coalesce(max(version), 0) + 1, :effective_from, cast(:document as json),"
        " :currency, :time_zone, :decimals, :now from program_versions returning version"
    )
    values = {
        "account": account,
        "effective_from": effective_from,
        "document": json_text(document),
        "currency": context.currency,
        "time_zone": context.time_zone,
        "decimals": context.decimals,
        "now": now,
    }
    return int(connection.execute(statement, values).scalar_one())


def put_draft(connection: Connection, account: AccountId, document: Any, now: datetime) -> None:
    """Write the account's draft."""
    statement = text(
        "insert into program_drafts (account_id, document, saved_at) values (:account, cast(:document as json), :now)"
        " on conflict (account_id) do update set document = excluded.document, saved_at = excluded.saved_at"
    )
    connection.execute(statement, {"account": account, "document": json_text(document), "now": now})


def find_draft(connection: Connection) -> Any | None:
    """Return the account's draft document."""
    return connection.execute(text("select document from program_drafts")).scalar_one_or_none()
