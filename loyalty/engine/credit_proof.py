"""Prove store credit: entries against balances, and what is posted against a fold from nothing; law: writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from loyalty.credit import repository as credit
from loyalty.credit.entries import CreditDraft, CreditKind, credit_hash
from loyalty.credit.purse import NOTHING
from loyalty.engine.work import MemberWork

Differs = Callable[[str, object, object], None]
"""Notes what is stored and what it should be, unless they are equal."""


def check_credit(connection: Connection, rows: Sequence[Any], reporter: Callable[[Any], Differs]) -> int:
    """Check the credit entries of a page of members; return how many there are."""
    own: dict[Any, list[Any]] = {row["id"]: [] for row in rows}
    entries = credit.list_entries(connection, list(own))
    for entry in entries:
        own[entry["member_id"]].append(entry)
    for row in rows:
        _check(reporter(row["id"]), row, own[row["id"]])
    return len(entries)


def _check(differs: Differs, row: Any, entries: Iterable[Any]) -> None:
    """Running balances run, contents have their hashes, and the sum is what is stored."""
    balance = NOTHING
    for entry in entries:
        balance += entry["amount"]
        key = entry["entry_key"]
        differs(f"credit after {key}", entry["balance_after"], balance)
        differs(f"content of credit {key}", bytes(entry["content_sha256"]).hex(), _hash(row["key"], entry))
    differs("sum of credit", row["credit"] or NOTHING, balance)


def _hash(member_key: str, entry: Any) -> str:
    draft = CreditDraft(
        entry_key=entry["entry_key"],
        cause=entry["cause"],
        kind=CreditKind(entry["kind"]),
        amount=entry["amount"],
        effective_at=entry["effective_at"],
        reason=entry["reason"],
        order_key=entry["order_key"],
        version=entry["program_version"],
        explanation={},
    )
    return credit_hash(member_key, draft).hex()


def compare_credit(differs: Differs, work: MemberWork) -> None:
    """Compare what is posted by cause, and the balance, with what a fold from nothing says."""
    wanted = {movement.cause: movement.amount for movement in work.state.credit.movements}
    for cause in sorted(wanted.keys() | work.posted_credit.keys()):
        stored = work.posted_credit[cause].amount if cause in work.posted_credit else NOTHING
        differs(f"credit entries of {cause}", stored, wanted.get(cause, NOTHING))
    differs("credit", work.row["credit"] or NOTHING, work.state.credit.balance)
