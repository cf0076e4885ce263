"""Everything that is stored about a person, for himself (S148)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from loyalty.engine.book import AccountBook
from loyalty.engine.erasing import list_messages_about
from loyalty.engine.finishing import require_standing
from loyalty.engine.loading import load
from loyalty.inbox.erasing import list_bodies

TABLES = (
    "member_identities", "orders", "commands", "ledger_entries", "lots", "lot_consumptions", "tier_periods", "coupons",
    "campaign_allocations", "consents", "notices", "pushes", "messages", "segment_changes", "referral_codes",
    "referral_traces", "sign_ups", "poll_answers", "submissions", "draw_entries", "redemptions", "credit_entries",
    "import_rows", "data_requests",
)  # fmt: skip


def export_person(connection: Connection, book: AccountBook, member: UUID) -> dict[str, Any]:
    """Return every row about a member and those merged into him, and every stored message about them.

    Raises NotFound and MemberMerged. Locks the member.
    """
    batch = load(connection, [member], [])
    require_standing(batch, member)
    work = batch.works[member]
    found = {"members": _rows(connection, "members", "id", work.roots)}
    found |= {name: _rows(connection, name, "member_id", work.roots) for name in TABLES}
    found["referrals"] = [
        row
        for side in ("referrer_id", "friend_id")
        for row in _rows(connection, "referrals", side, work.roots)
    ]
    messages = list_messages_about(connection, book, work.roots)
    return {**found, "deliveries": list(list_bodies(connection, messages))}


def _rows(connection: Connection, table: str, column: str, ids: tuple[UUID, ...]) -> list[Any]:
    statement = text(
        f"select to_jsonb(it) - 'account_id' - 'content_sha256' as row from {table} it"
        f" where {column} = any(cast(:ids as uuid[])) order by row"
    )
    return list(connection.execute(statement, {"ids": [str(one) for one in ids]}).scalars())
