"""Write what folds want told, once for each cause; law: nobody is told late of what happened long ago."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.db import Row
from loyalty.engine.book import AccountBook
from loyalty.engine.state import Telling
from loyalty.engine.work import MemberWork
from loyalty.messages.repository import add_messages
from loyalty.outbox.repository import NewPush
from loyalty.pushes import PostWebhook
from loyalty.rewards.coupon import coupon_code

LATE = timedelta(days=7)
"""What is found later than this after it happened, a backfill for instance, is noted and not sent."""


def tell(
    connection: Connection, book: AccountBook, works: Sequence[MemberWork], now: datetime
) -> list[NewPush]:
    """Note messages and calls that are new; return the pushes of the calls."""
    wanted = {(work.id, telling.cause): telling for work in works for telling in work.state.told}
    if not wanted:
        return []
    balances: dict[UUID, int] = {work.id: work.row["points_sum"] for work in works if work.state.told}
    rows = {
        place: _row(book, place[0], telling, balances[place[0]], now) for place, telling in wanted.items()
    }
    new = add_messages(connection, book.id, list(rows.values()))
    return [
        _call(book, place, wanted[place], rows[place]["data"])
        for place in rows
        if place in new and wanted[place].kind == "webhook" and rows[place]["status"] == "queued"
    ]


def _row(book: AccountBook, member: UUID, telling: Telling, balance: int, now: datetime) -> Row:
    codes = [coupon_code(book.coupon_key, cause) for cause in telling.data.get("coupons", ())]
    return {
        "member_id": member,
        "cause": telling.cause,
        "kind": telling.kind,
        "target": telling.target,
        "program_version": telling.version,
        "data": {**telling.data, "coupons": codes, "balance": balance},
        "caused_at": telling.at,
        "noted_at": now,
        "status": "queued" if now - telling.at < LATE else "skipped",
    }


def _call(book: AccountBook, place: tuple[UUID, str], telling: Telling, data: dict[str, Any]) -> NewPush:
    """Return the push of a call; it goes with those of a store."""
    member, cause = place
    event = {"member": str(member), "cause": cause, "at": telling.at.isoformat(), **data}
    command = PostWebhook(telling.target, f"{member}:{cause}", event)
    return NewPush(book.caller, member, f"webhook:{member}:{cause}", command)
