"""Post what a batch did to store credit; law: members without credit cost nothing, not even a statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from loyalty.credit import repository as credit
from loyalty.credit.entries import CreditDraft, credit_hash
from loyalty.credit.purse import NOTHING
from loyalty.db import Row
from loyalty.engine.credit_codec import posted_credit
from loyalty.engine.work import MemberWork
from loyalty.programs.program import Versions
from loyalty.values import new_id


def load_posted_credit(connection: Connection, works: Sequence[MemberWork], versions: Versions) -> None:
    """Read what is posted of the credit of members who are folded from nothing, as far as they may have any."""
    rules = versions.have_credit()
    by_id = {work.id: work for work in works if rules or work.row["credit"] is not None}
    for row in credit.list_posted(connection, list(by_id)) if by_id else ():
        by_id[row["member_id"]].posted_credit[row["cause"]] = posted_credit(row)


def save_credit(connection: Connection, account: UUID, works: Sequence[MemberWork], now: datetime) -> None:
    """Post the credit entries of a batch, and run the members' balances; raises LedgerConflict."""
    rows = [row for work in works for row in _rows(work, now)]
    if rows:
        credit.post(connection, account, rows)


def _rows(work: MemberWork, now: datetime) -> Iterator[Row]:
    if work.refold and work.posted_credit:
        work.row["credit"] = sum((each.amount for each in work.posted_credit.values()), NOTHING)
    for draft in work.credit_drafts:
        work.row["credit"] = (work.row["credit"] or NOTHING) + draft.amount
        yield _row(work, draft, now)


def _row(work: MemberWork, draft: CreditDraft, now: datetime) -> Row:
    return {
        "id": new_id(),
        "member_id": work.id,
        "entry_key": draft.entry_key,
        "cause": draft.cause,
        "kind": draft.kind.value,
        "amount": draft.amount,
        "balance_after": work.row["credit"],
        "order_key": draft.order_key,
        "program_version": draft.version,
        "reason": draft.reason,
        "explanation": draft.explanation,
        "effective_at": draft.effective_at,
        "posted_at": now,
        "content_sha256": credit_hash(work.state.key, draft),
    }
