"""Which members must be told of rules of expiry that take effect later, before they do; law: only whose points die
sooner by them, once each (U46).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping

from loyalty.db import Row
from loyalty.engine import codec
from loyalty.engine.announcement import announced_starts, announcement_text
from loyalty.engine.comparison import Loss, loss_between
from loyalty.engine.due import settle
from loyalty.engine.state import MemberState
from loyalty.ledger.repository import list_open_lots
from loyalty.members.repository import list_members
from loyalty.notices.repository import ANNOUNCED, list_unannounced
from loyalty.programs.program import Program, Versions
from loyalty.programs.service import load_versions
from loyalty.values import AccountId


def list_starts(connection: Connection, account: AccountId, now: datetime) -> list[datetime]:
    """Return the instants ahead of which members of the account may have to be told."""
    return announced_starts(load_versions(connection, account), now)


def find_announcements(
    connection: Connection, account: AccountId, start: datetime, after: UUID, limit: int
) -> tuple[list[Row], UUID | None]:
    """Return the notices for the next `limit` members by id who were not told of the rules from `start`, and the last
    member looked at, None when nobody is left. The transaction should be `steady`.

    Who waits to be folded again is passed over; he is looked at the next time.
    """
    versions = load_versions(connection, account)
    program = versions.at(start)
    assert program is not None
    ids = list_unannounced(connection, start, after, limit)
    lots: dict[UUID, list[RowMapping]] = {member: [] for member in ids}
    for lot in list_open_lots(connection, ids, ()) if ids else ():
        lots[lot["member_id"]].append(lot)
    found = []
    for row in list_members(connection, ids) if ids else ():
        loss = None if row["must_refold"] else loss_at(row, lots[row["id"]], versions, start)
        if loss:
            found.append(_notice(row["id"], loss, program, start))
    return found, ids[-1] if ids else None


def loss_at(
    row: Mapping[Any, Any], lots: Sequence[Mapping[Any, Any]], versions: Versions, start: datetime
) -> Loss:
    """Return what the rules from `start` take from a member if nothing happens until then: the heads of two folds, up
    to that instant, without them and with them.
    """
    old = replace(versions, programs=tuple(each for each in versions.programs if each.effective_from < start))
    new = replace(
        versions, programs=tuple(each for each in versions.programs if each.effective_from <= start)
    )
    before, after = _state(row, lots), _state(row, lots)
    settle(before, start, old)
    settle(after, start, new)
    return loss_between(before, after)


def _state(row: Mapping[Any, Any], lots: Sequence[Mapping[Any, Any]]) -> MemberState:
    state = codec.member_state(row)
    state.wallet.lots = {lot["cause"]: codec.lot(lot) for lot in lots}
    return state


def _notice(member: UUID, loss: Loss, program: Program, start: datetime) -> Row:
    first_at = start if loss.dying else loss.first_at
    data = {
        "points_dying": loss.dying,
        "points_earlier": loss.earlier,
        "first_at": first_at.isoformat() if first_at else None,
        "text": announcement_text(loss, program, start),
    }
    return {"member_id": member, "kind": ANNOUNCED, "ends_at": start, "days": 0, "data": data}
