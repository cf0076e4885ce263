"""Make a member's standing code on demand; law: however often and in parallel it is asked for, there is one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.engine.apply import settle_works
from loyalty.engine.benefits import StandingCode, standing_code
from loyalty.engine.book import AccountBook
from loyalty.engine.issuing import LIVE, Issued, put_standing
from loyalty.engine.work import MemberWork
from loyalty.errors import BenefitNotAvailable, Invalid, ProgramNotPublished
from loyalty.outbox.repository import add_pushes
from loyalty.programs.service import load_versions
from loyalty.rewards import repository as rewards
from loyalty.values import StoreId

Code = dict[str, Any]


def make_standing_code(
    connection: Connection, book: AccountBook, member: UUID, store: StoreId, now: datetime
) -> tuple[Code, frozenset[UUID]]:
    """Return the coupon that a member's tier gives him in a store, with the tier's key as `tier`, made where there is
    none, and the stores with pushes. Raises NotFound, MemberMerged, ProgramNotPublished, BenefitNotAvailable, Invalid.
    """
    versions = load_versions(connection, book.id)
    if versions.at(now) is None:
        raise ProgramNotPublished
    works, pushed = settle_works(connection, book, [member], now)
    work = works[member]
    code = standing_code(work.state, versions, book.store_numbers[store])
    if code is None:
        raise BenefitNotAvailable
    if not work.row["email"]:
        message = "The member has no e-mail to bind a code to."
        raise Invalid(message, {"/member/email": [message]})
    return _find_or_put(connection, book, work, code, now, pushed)


def _find_or_put(
    connection: Connection,
    book: AccountBook,
    work: MemberWork,
    code: StandingCode,
    now: datetime,
    pushed: frozenset[UUID],
) -> tuple[Code, frozenset[UUID]]:
    """The member is locked: nobody else writes his codes meanwhile."""
    row = rewards.find_coupon(connection, code.cause)
    if row is None or row["state"] not in LIVE or not code.is_stored(row):
        issued = Issued()
        put_standing(issued, book, work, code, now)
        rewards.put_coupons(connection, book.id, issued.coupons)
        add_pushes(connection, book.id, issued.pushes)
        pushed |= {push.store_id for push in issued.pushes}
        row = rewards.find_coupon(connection, code.cause)
    assert row is not None
    return {**row, "tier": code.tier_key}, pushed
