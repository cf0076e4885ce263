"""Published versions, the draft, and corrections of campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from loyalty.db import json_text
from loyalty.programs.corrections import Correction
from loyalty.programs.document import Context
from loyalty.values import AccountId, exact, fraction_text

ACTS_ON = 3
"""Which parts of a document the release acts on that publishes it: 2 with segments, automations, referral, limits;
3 with all kinds of rewards and cash back.
"""
_VERSIONS = text(
    "select version, effective_from, currency, time_zone, decimals, published_at, acts_on, past, document"
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
    *,
    past: bool = False,
) -> int:
    """Write the next version, `past` for one that lies before the first; return its number. The account's row must be
    locked.
    """
    statement = text(
        "insert into program_versions (account_id, version, effective_from, document, currency, time_zone, decimals,"
        " published_at, acts_on, past) select :account, coalesce(max(version), 0) + 1, :effective_from,"
        " cast(:document as json), :currency, :time_zone, :decimals, :now, :acts_on, :past"
        " from program_versions returning version"
    )
    values = {
        "account": account, "effective_from": effective_from, "document": json_text(document),
        "currency": context.currency, "time_zone": context.time_zone, "decimals": context.decimals, "now": now,
        "acts_on": ACTS_ON, "past": past,
    }  # fmt: skip
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


def list_corrections(connection: Connection) -> list[Correction]:
    """Return all corrections of campaigns, also those that were undone, oldest first."""
    statement = text(
        "select number, version, campaign_key, multiplier, bonus, reason, actor, accepted_at, undone_at"
        " from campaign_corrections order by number"
    )
    return [_correction(row) for row in connection.execute(statement).mappings()]


def _correction(row: RowMapping) -> Correction:
    multiplier = exact(row["multiplier"]) if row["multiplier"] is not None else None
    return Correction(
        version=row["version"],
        campaign=row["campaign_key"],
        multiplier=multiplier,
        bonus=row["bonus"],
        number=row["number"],
        reason=row["reason"],
        actor=row["actor"],
        accepted_at=row["accepted_at"],
        undone_at=row["undone_at"],
    )


def add_correction(connection: Connection, account: AccountId, correction: Correction) -> int:
    """Write the next correction; return its number. The account's row must be locked."""
    statement = text(
        "insert into campaign_corrections"
        " (account_id, number, version, campaign_key, multiplier, bonus, reason, actor, accepted_at)"
        " select :account, coalesce(max(number), 0) + 1, :version, :campaign, :multiplier, :bonus, :reason, :actor, :at"
        " from campaign_corrections returning number"
    )
    multiplier = fraction_text(correction.multiplier) if correction.multiplier is not None else None
    values = {
        "account": account,
        "version": correction.version,
        "campaign": correction.campaign,
        "multiplier": multiplier,
        "bonus": correction.bonus,
        "reason": correction.reason,
        "actor": correction.actor,
        "at": correction.accepted_at,
    }
    return int(connection.execute(statement, values).scalar_one())


def undo_correction(connection: Connection, number: int, now: datetime) -> bool:
    """Note that a correction is in force no longer; return whether it was."""
    statement = text(
        "update campaign_corrections set undone_at = :now where number = :number and undone_at is null"
    )
    return bool(connection.execute(statement, {"number": number, "now": now}).rowcount)
