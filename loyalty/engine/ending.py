"""End redemptions by hand: take one back, or say that another system used it; law: points return once only, and not
before the code is out of use (RULES §7).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import next_command_number
from loyalty.credit.purse import Purse
from loyalty.engine import tickets
from loyalty.engine.apply import carry_out
from loyalty.engine.book import AccountBook
from loyalty.engine.commands import Ending, EndRedemption
from loyalty.engine.fulfilling import check_cancel
from loyalty.engine.issuing import COUPON_SUBJECT, disabling
from loyalty.errors import NotPermitted, RedemptionEnded
from loyalty.members.repository import lock_members
from loyalty.outbox.repository import NewPush, add_pushes
from loyalty.programs.catalogue import CODE_KINDS, EXTERNAL, STORE_CREDIT
from loyalty.rewards import redemption_repository as redemptions
from loyalty.rewards import repository as rewards
from loyalty.rewards.redemption import OPEN, Fulfilment, RedemptionState
from loyalty.rewards.redemption_repository import get_redemption

Found = Mapping[Any, Any]


def cancel_redemption(
    connection: Connection,
    book: AccountBook,
    redemption: UUID,
    reason: str,
    now: datetime,
    actor: str,
    *,
    by_staff: bool = False,
) -> frozenset[UUID]:
    """Take a redemption back: its points return once the shop no longer accepts its code and nobody has used it, at
    once where it has none, or staff gives up one in a disconnected store; its seat goes to the next one. Return the
    stores with pushes. Raises NotFound, RedemptionEnded and what `check_cancel` does; then roll back.
    """
    number = next_command_number(connection)
    seat = tickets.lock_seat(connection, redemption)
    row = _lock(connection, redemption)
    if row["state"] not in OPEN or row["uses"] or row["fulfilment"] == Fulfilment.DONE:
        raise RedemptionEnded
    check_cancel(row, seat, now, by_staff=by_staff)
    coupon = _code_of(connection, row)
    if coupon is not None and not (by_staff and coupon["store_id"] in book.closed):
        return _disable_first(connection, book, row, coupon, now)
    command = EndRedemption(number, now, row["number"], Ending.CANCELLED, reason, actor)
    work, stores = carry_out(connection, book, row["survivor"], command, now)
    if not by_staff:
        _require_unspent(work.state.credit, row, now)
    if seat is not None:
        tickets.give_up(connection, book, seat, now)
    return stores


def _lock(connection: Connection, redemption: UUID) -> Found:
    """Return a redemption as it is while its member is locked; raises NotFound."""
    lock_members(connection, [get_redemption(connection, redemption)["survivor"]])
    return get_redemption(connection, redemption)


def _code_of(connection: Connection, row: Found) -> Found | None:
    """Return the coupon of a redemption, None where it needs no code of a shop."""
    if row["kind"] not in CODE_KINDS:
        return None
    coupon = rewards.find_coupon(connection, f"redemption:{row['number']}")
    assert coupon is not None
    return coupon


def _require_unspent(purse: Purse, row: Found, now: datetime) -> None:
    """Raise NotPermitted when credit that was just taken back had been spent, or is set aside."""
    if row["kind"] != STORE_CREDIT:
        return
    forgiven = f"redemption:{row['number']}:cancelled:forgiven"
    if purse.spare(now) < 0 or any(it.cause == forgiven and it.amount for it in purse.movements):
        raise NotPermitted("The credit was spent, or is set aside: only staff may take it back.")


def _disable_first(
    connection: Connection, book: AccountBook, row: Found, coupon: Found, now: datetime
) -> frozenset[UUID]:
    """RULES §7: the code is disabled first, then its usage is read, then the points go back."""
    redemptions.note_requests(connection, [row["number"]], cancel_asked_at=now, failure=None)
    subject = COUPON_SUBJECT + coupon["code"]
    push = NewPush(coupon["store_id"], row["member_id"], subject, disabling(coupon, now))
    add_pushes(connection, book.id, [push])
    return frozenset([coupon["store_id"]])


def capture_redemption(
    connection: Connection, book: AccountBook, redemption: UUID, now: datetime, actor: str
) -> frozenset[UUID]:
    """Spend what is held for another system, which says that it was used there; a repeat changes nothing.

    Raises NotFound, and RedemptionEnded when the hold is over or a code of a shop must be used instead.
    """
    number = next_command_number(connection)
    row = _lock(connection, redemption)
    if row["kind"] == EXTERNAL and row["state"] == RedemptionState.CAPTURED:
        return frozenset()
    over = row["hold_until"] is not None and row["hold_until"] <= now
    if row["kind"] != EXTERNAL or row["state"] != RedemptionState.HELD or over:
        raise RedemptionEnded
    command = EndRedemption(number, now, row["number"], Ending.CAPTURED, "used", actor)
    return carry_out(connection, book, row["survivor"], command, now)[1]
