"""Ledger entries and the movements they record; law: posted entries never change, differences are
posted beside them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any


class EntryKind(StrEnum):
    ACCRUAL = "accrual"
    REDEMPTION = "redemption"
    REVERSAL = "reversal"
    RESTORATION = "restoration"
    EXPIRY = "expiry"
    EXPIRY_VOID = "expiry_void"
    FORGIVENESS = "forgiveness"
    ADJUSTMENT = "adjustment"
    OPENING = "opening"


_OPPOSITE = {
    EntryKind.ACCRUAL: EntryKind.REVERSAL,
    EntryKind.REVERSAL: EntryKind.ACCRUAL,
    EntryKind.EXPIRY: EntryKind.EXPIRY_VOID,
    EntryKind.EXPIRY_VOID: EntryKind.EXPIRY,
    EntryKind.FORGIVENESS: EntryKind.REVERSAL,
}


@dataclass(frozen=True, slots=True)
class Movement:
    """What one cause moves in the fold: whole points, at its effective time, with the version and reason to cite."""

    cause: str
    kind: EntryKind
    points: int
    effective_at: datetime
    reason: str
    order_key: str | None = None
    version: int | None = None
    explanation: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """What is already posted of a cause: the sum of its entries, how many they are, and its newest order."""

    points: int
    entries: int
    kind: EntryKind
    effective_at: datetime
    order_key: str | None
    version: int | None


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """An entry to be posted; `entry_key` is unique in the account, so that nothing is posted twice for one cause."""

    entry_key: str
    cause: str
    kind: EntryKind
    points: int
    effective_at: datetime
    reason: str
    order_key: str | None
    version: int | None
    explanation: Mapping[str, Any]


def differences(
    movements: Iterable[Movement], posted: Mapping[str, Posted], because: str | None = None
) -> list[EntryDraft]:
    """Return the entries that bring what is posted to what the fold says; nothing where they agree.

    `because` is a reason that all of them share instead of each one's own.
    """
    wanted = {movement.cause: movement for movement in movements}
    drafts = [_difference(movement, posted.get(cause)) for cause, movement in wanted.items()]
    drafts += [_withdrawal(cause, old) for cause, old in posted.items() if cause not in wanted and old.points]
    found = [draft for draft in drafts if draft is not None]
    return [replace(draft, reason=because) for draft in found] if because else found


def _difference(movement: Movement, old: Posted | None) -> EntryDraft | None:
    points = movement.points - (old.points if old else 0)
    if points == 0:
        return None
    return EntryDraft(
        entry_key=f"{movement.cause}#{old.entries if old else 0}",
        cause=movement.cause,
        kind=_kind(movement.kind, movement.points, points),
        points=points,
        effective_at=movement.effective_at,
        reason="re_rated" if old else movement.reason,
        order_key=movement.order_key,
        version=movement.version,
        explanation=movement.explanation or {},
    )


def _withdrawal(cause: str, old: Posted) -> EntryDraft:
    kind = _OPPOSITE.get(old.kind, old.kind)
    key = f"{cause}#{old.entries}"
    return EntryDraft(
        key, cause, kind, -old.points, old.effective_at, "re_rated", old.order_key, old.version, {}
    )


def _kind(kind: EntryKind, wanted: int, points: int) -> EntryKind:
    if (wanted >= 0) == (points >= 0) or kind not in _OPPOSITE:
        return kind
    return _OPPOSITE[kind]


def content_hash(member_key: str, draft: EntryDraft) -> bytes:
    """Return the SHA-256 of an entry's content; it holds no personal data, so erasing a person does not break it."""
    content = [
        member_key,
        draft.entry_key,
        draft.kind,
        draft.points,
        draft.effective_at.isoformat(),
        draft.reason,
        draft.order_key,
        draft.version,
    ]
    return hashlib.sha256(json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()).digest()
