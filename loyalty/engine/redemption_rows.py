"""Write what became of redemptions, and what a merchant should look at; law: the fold decides, rows only show it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty.db import Row
from loyalty.engine.book import AccountBook
from loyalty.engine.commands import EndRedemption, RedeemReward
from loyalty.engine.work import MemberWork
from loyalty.incidents import repository as incidents
from loyalty.rewards import redemption_repository as redemptions
from loyalty.rewards.redemption import Redemption
from loyalty.values import new_id, plain_text

USED_AGAIN = "code_used_again"
USED_BY_OTHER = "code_used_by_other"
CREDIT_USED_AGAIN = "credit_used_again"
_SHOWN = ("reward_key", "points", "state", "ends_at", "ended_at", "uses", "used_by", "restored")


def save_redemptions(
    connection: Connection, book: AccountBook, works: Sequence[MemberWork], now: datetime
) -> None:
    """Write the redemptions that a batch may have changed, and what is odd about their uses."""
    rows = [row for work in works for row in changed_rows(work)]
    if rows:
        redemptions.put_redemptions(connection, book.id, rows)
    odd = [row for work in works for row in (*_incidents(work, now), *_incidents_of_credit(work, now))]
    if odd:
        incidents.note_incidents(connection, book.id, odd)


def changed_rows(work: MemberWork) -> list[Row]:
    """Return the redemptions that a fold may have changed, as they are written."""
    if not _may_have_changed(work):
        return []
    return [_row(work, redemption) for redemption in work.state.redemptions.values()]


def _may_have_changed(work: MemberWork) -> bool:
    if not work.state.redemptions:
        return False
    return work.refold or isinstance(work.command, RedeemReward | EndRedemption)


def differing(work: MemberWork, rows: Sequence[Row]) -> Iterator[tuple[str, object, object]]:
    """Yield what stored redemptions of a member, folded from nothing, show otherwise: what it is, stored, expected."""
    stored = {row["number"]: row for row in rows if row["number"] is not None}  # others are what rules gave
    folded = work.state.redemptions
    for number in sorted(stored.keys() | folded.keys()):
        wanted = _row(work, folded[number]) if number in folded else {}
        shown = stored.get(number, {})
        for name in _SHOWN:
            if shown.get(name) != wanted.get(name):
                yield f"{name} of redemption {number}", shown.get(name), wanted.get(name)


def _row(work: MemberWork, redemption: Redemption) -> Row:
    return {
        "id": new_id(),
        "number": redemption.number,
        "member_id": work.id,
        "reward_key": redemption.reward_key,
        "kind": redemption.kind,
        "program_version": redemption.version,
        "points": redemption.charge.points,
        "amount": redemption.amount,
        "state": redemption.state.value,
        "asked_at": redemption.at,
        "hold_until": redemption.hold_until,
        "ends_at": redemption.ends_at,
        "ended_at": redemption.ended_at,
        "uses": len(redemption.uses),
        "used_by": next(iter(redemption.uses), None),
        "restored": redemption.restored,
    }


def _incidents(work: MemberWork, now: datetime) -> Iterator[Row]:
    for redemption in work.state.redemptions.values() if _may_have_changed(work) else ():
        if redemption.is_card:
            continue  # it is money, which may be passed on and spent bit by bit
        data = {"reward": redemption.reward_key, "points": redemption.charge.points}
        for kind, order_key in _odd(work, redemption.uses, USED_AGAIN):
            yield _incident(work, kind, redemption.cause, order_key, data, now)


def _incidents_of_credit(work: MemberWork, now: datetime) -> Iterator[Row]:
    for code in work.state.credit.codes.values():
        for kind, order_key in _odd(work, code.uses, CREDIT_USED_AGAIN):
            data = {"amount": plain_text(code.uses[order_key].taken)}
            yield _incident(work, kind, code.cause, order_key, data, now)


def _odd(work: MemberWork, uses: Iterable[str], again: str) -> Iterator[tuple[str, str]]:
    """Yield what is odd about the uses of a code, and by which order."""
    for place, order_key in enumerate(uses):
        if place:
            yield again, order_key
        if order_key not in work.state.orders:
            yield USED_BY_OTHER, order_key


def _incident(
    work: MemberWork, kind: str, cause: str, order_key: str, data: Mapping[str, Any], now: datetime
) -> Row:
    return {
        "kind": kind,
        "subject": cause,
        "member_id": work.id,
        "order_key": order_key,
        "data": data,
        "noticed_at": now,
    }
