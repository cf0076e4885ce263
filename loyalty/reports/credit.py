"""A member's store credit at an instant, and its statement, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from loyalty.accounts.service import get_account
from loyalty.credit.purse import CreditFigures
from loyalty.credit.reasons import CreditCause, credit_reason
from loyalty.engine import codec
from loyalty.errors import NotFound
from loyalty.members.repository import list_members
from loyalty.programs.ladder import Text
from loyalty.programs.program import Versions
from loyalty.programs.service import load_versions
from loyalty.reports.persons import list_roots
from loyalty.values import AccountId, decimal_floor, exact

Data = dict[str, Any]
_ENTRIES = text(
    "select e.id, e.sequence, e.kind, e.amount, e.balance_after, e.program_version, e.reason, e.explanation,"
    " e.effective_at, e.posted_at, o.external_id, o.number from credit_entries e"
    " left join orders o on o.account_id = e.account_id and o.key = e.order_key"
    " where e.member_id = :member and (cast(:before as bigint) is null or e.sequence < :before)"
    " order by e.sequence desc limit :limit"
)


_TRANSFERS = text(
    "select asked.number, asked.accepted_at as asked_at, cast(asked.data->>'amount' as numeric) as amount,"
    " stores.key as store, ended.data->>'ending' as ending, ended.reason as failure from commands asked"
    " join stores on stores.number = cast(asked.data->>'store' as integer)"
    " left join commands ended on ended.account_id = asked.account_id and ended.member_id = asked.member_id"
    "   and ended.kind = 'end_redemption' and cast(ended.data->>'redemption' as integer) = asked.number"
    " where asked.member_id = any(:members) and asked.kind = 'spend_credit' and asked.data->>'hold_until' is null"
    " and (cast(:before as integer) is null or asked.number < :before) order by asked.number desc limit :limit"
).bindparams(bindparam("members", type_=ARRAY(Uuid)))
_STATES = {None: "requested", "captured": "done"}


@dataclass(frozen=True, slots=True)
class CreditStanding:
    """Store credit as decimal texts in the account's currency (ISO 4217) and decimals; see `CreditFigures`."""

    currency: str
    balance: str
    available: str
    pending: str
    held: str


def read_credit(connection: Connection, member: UUID, now: datetime) -> CreditStanding:
    """Return a member's store credit at an instant; raises NotFound."""
    rows = list_members(connection, [member])
    if not rows:
        raise NotFound("There is no member of that id.")
    return credit_standing(get_account(connection), codec.member_state(rows[0]).credit.figures(now))


def credit_standing(account: Mapping[str, Any], figures: CreditFigures) -> CreditStanding:
    """Return figures as they are shown."""
    amounts = figures.balance, figures.available, figures.pending, figures.held
    return CreditStanding(account["currency"], *(money_text(it, account["decimals"]) for it in amounts))


def money_text(amount: Decimal, decimals: int) -> str:
    """Return money as a decimal text of so many decimals, more where it has more."""
    shown = decimal_floor(exact(amount), decimals)
    return f"{shown if shown == amount else amount.normalize():f}"


def list_credit_entries(
    connection: Connection, account: AccountId, member: UUID, before: int | None, limit: int
) -> list[Data]:
    """Return credit entries posted before that sequence, newest first, with their reasons in words."""
    rows = connection.execute(_ENTRIES, {"member": member, "before": before, "limit": limit}).mappings()
    versions, shop = load_versions(connection, account), get_account(connection)
    currency, decimals = shop["currency"], shop["decimals"]
    return [
        {
            **row,
            "amount": money_text(row["amount"], decimals),
            "balance_after": money_text(row["balance_after"], decimals),
            "order": {"id": row["external_id"], "number": row["number"]} if row["external_id"] else None,
            "reason": credit_reason(_cause(row, versions), currency, decimals),
        }
        for row in rows
    ]


def list_transfers(connection: Connection, member: UUID, before: int | None, limit: int) -> list[Data]:
    """Return the credit that went, or goes, over to shops' own below that number, newest first: requested until the
    shop has answered, done or failed.
    """
    values = {"members": list_roots(connection, member), "before": before, "limit": limit}
    rows = connection.execute(_TRANSFERS, values).mappings().all()
    decimals = get_account(connection)["decimals"]
    return [
        {
            **row,
            "amount": money_text(row["amount"], decimals),
            "state": (state := _STATES.get(row["ending"], "failed")),
            "failure": row["failure"] if state == "failed" else None,
        }
        for row in rows
    ]


def _cause(row: Mapping[Any, Any], versions: Versions) -> CreditCause:
    explained = row["explanation"]
    words = explained.get("text") or explained.get("reward", "")
    return CreditCause(
        row["reason"], row["amount"], row["number"] or "", str(words), _reward_name(row, versions)
    )


def _reward_name(row: Mapping[Any, Any], versions: Versions) -> Text:
    program = versions.numbered(row["program_version"] or 0)
    reward = program.reward(row["explanation"].get("reward", "")) if program else None
    return reward.name if reward else {}
