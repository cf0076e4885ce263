"""Store credit in the head of a fold and in rows, and back; law: a head holds only what later events need."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from loyalty.clock import instant_text
from loyalty.credit.entries import CreditKind, CreditPosted
from loyalty.credit.purse import NOTHING, CreditCode, Pending, Purse
from loyalty.values import plain_text

Data = Mapping[Any, Any]


def read_purse(head: Data, balance: Decimal | None) -> Purse:
    """Return a member's credit from the part of his head and his stored balance, None where nothing ever moved."""
    if not head:
        return Purse(balance or NOTHING)
    pending = {
        key: Pending(datetime.fromisoformat(at), Decimal(it)) for key, at, it in head.get("pending", ())
    }
    forgiven = {key: Decimal(amount) for key, amount in head.get("forgiven", {}).items()}
    codes = (_code(item) for item in head.get("codes", ()))
    return Purse(balance or NOTHING, pending, forgiven, {code.number: code for code in codes})


def _code(item: list[Any]) -> CreditCode:
    number, at, amount, until, version, store = item
    end = datetime.fromisoformat(until) if until else None
    return CreditCode(number, datetime.fromisoformat(at), Decimal(amount), end, version, store)


def credit_head(purse: Purse) -> dict[str, Any]:
    """Return the part of a head that is about credit, as JSON data; empty where nothing of it is open."""
    if not (purse.pending or purse.forgiven or purse.codes):
        return {}
    parts = {
        "pending": [
            [key, instant_text(each.usable_from), plain_text(each.amount)]
            for key, each in sorted(purse.pending.items())
        ],
        "forgiven": {key: plain_text(amount) for key, amount in sorted(purse.forgiven.items())},
        "codes": [
            [
                it.number,
                instant_text(it.at),
                plain_text(it.amount),
                instant_text(it.until) if it.until else None,
                it.version,
                it.store,
            ]
            for _, it in sorted(purse.codes.items())
            if it.is_held
        ],
    }
    kept = {name: part for name, part in parts.items() if part}
    return {"credit": kept} if kept else {}


def posted_credit(row: Data) -> CreditPosted:
    """Return what is posted of a cause from its summed row."""
    return CreditPosted(
        row["amount"],
        row["entries"],
        CreditKind(row["kind"]),
        row["effective_at"],
        row["order_key"],
        row["version"],
    )
