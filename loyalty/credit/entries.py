"""Credit entries and the movements they record: exact money of the account's currency;
law: posted entries never change, differences by cause are posted beside them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from loyalty.values import plain_text


class CreditKind(StrEnum):
    """What moves store credit."""

    CASH_BACK = "cash_back"
    """An order's share of what was spent."""
    REVERSAL = "reversal"
    PURCHASE = "purchase"
    """A reward of points."""
    SPEND = "spend"
    """An order used a code of it."""
    RETURN = "return"
    """An order that used it was refunded."""
    FORGIVENESS = "forgiveness"
    ADJUSTMENT = "adjustment"
    OPENING = "opening"
    """What was there before Laurel."""


_OPPOSITE = {
    CreditKind.CASH_BACK: CreditKind.REVERSAL,
    CreditKind.PURCHASE: CreditKind.REVERSAL,
    CreditKind.REVERSAL: CreditKind.CASH_BACK,
    CreditKind.SPEND: CreditKind.RETURN,
    CreditKind.RETURN: CreditKind.SPEND,
    CreditKind.FORGIVENESS: CreditKind.REVERSAL,
}


@dataclass(frozen=True, slots=True)
class CreditMovement:
    """What one cause moves in the fold, at its effective time, with the version and reason to cite."""

    cause: str
    kind: CreditKind
    amount: Decimal
    effective_at: datetime
    reason: str
    order_key: str | None = None
    version: int | None = None
    explanation: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CreditPosted:
    """What is already posted of a cause: the sum of its entries, how many they are, and its first entry's place."""

    amount: Decimal
    entries: int
    kind: CreditKind
    effective_at: datetime
    order_key: str | None
    version: int | None


@dataclass(frozen=True, slots=True)
class CreditDraft:
    """An entry to be posted; `entry_key` is unique of the member, so that nothing is posted twice for one cause."""

    entry_key: str
    cause: str
    kind: CreditKind
    amount: Decimal
    effective_at: datetime
    reason: str
    order_key: str | None
    version: int | None
    explanation: Mapping[str, Any]


def credit_differences(
    movements: Iterable[CreditMovement], posted: Mapping[str, CreditPosted], because: str | None = None
) -> list[CreditDraft]:
    """Return the entries that bring what is posted to what the fold says; nothing where they agree.

    `because` is a reason that all of them share instead of each one's own.
    """
    wanted = {movement.cause: movement for movement in movements}
    drafts = [_difference(movement, posted.get(cause)) for cause, movement in wanted.items()]
    drafts += [_withdrawal(cause, old) for cause, old in posted.items() if cause not in wanted and old.amount]
    found = [draft for draft in drafts if draft is not None]
    return [replace(draft, reason=because) for draft in found] if because else found


def _difference(movement: CreditMovement, old: CreditPosted | None) -> CreditDraft | None:
    amount = movement.amount - (old.amount if old else 0)
    if not amount:
        return None
    return CreditDraft(
        entry_key=f"{movement.cause}#{old.entries if old else 0}",
        cause=movement.cause,
        kind=_kind(movement.kind, movement.amount, amount),
        amount=amount,
        effective_at=movement.effective_at,
        reason="re_rated" if old else movement.reason,
        order_key=movement.order_key,
        version=movement.version,
        explanation=movement.explanation or {},
    )


def _withdrawal(cause: str, old: CreditPosted) -> CreditDraft:
    kind, key = _OPPOSITE.get(old.kind, old.kind), f"{cause}#{old.entries}"
    return CreditDraft(
        key, cause, kind, -old.amount, old.effective_at, "re_rated", old.order_key, old.version, {}
    )


def _kind(kind: CreditKind, wanted: Decimal, amount: Decimal) -> CreditKind:
    return kind if (wanted >= 0) == (amount >= 0) else _OPPOSITE.get(kind, kind)


def credit_hash(member_key: str, draft: CreditDraft) -> bytes:
    """Return the SHA-256 of an entry's content; it holds no personal data, so erasing a person does not break it."""
    content = [
        member_key,
        draft.entry_key,
        draft.kind,
        plain_text(draft.amount),
        draft.effective_at.isoformat(),
        draft.reason,
        draft.order_key,
        draft.version,
    ]
    return hashlib.sha256(json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()).digest()
