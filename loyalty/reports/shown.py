"""What a shop that shows its customers their points is told at the instant of telling: the newest figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from loyalty.programs.program import text_in
from loyalty.pushes import PushCommand, PutCoupon, SetMemberTier
from loyalty.reports.standing import Standing, read_standings
from loyalty.values import AccountId

_CUSTOMERS = text(
    "select coalesce(m.merged_into, m.id) as member_id, split_part(i.value, ':', 2) as customer_id"
    " from member_identities i join members m on m.id = i.member_id"
    " where i.kind = 'customer' and split_part(i.value, ':', 1) = :place"
    " and (m.id = any(:ids) or m.merged_into = any(:ids))"
    " order by m.merged_into is null, i.value desc"
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
"""Whoever is listed last is who a member is in the shop: himself before those who are merged into him."""


def complete(
    connection: Connection,
    account: AccountId,
    place: int,
    commands: Sequence[tuple[UUID | None, PushCommand]],
    now: datetime,
) -> list[PushCommand]:
    """Return commands about members with what they have now, and whose codes are whose customer's in the store of a
    number; a constant number of statements.
    """
    shown = {member for member, it in commands if member and isinstance(it, SetMemberTier)}
    bound = {member for member, it in commands if member and isinstance(it, PutCoupon)}
    standings = {it.id: it for it in read_standings(connection, account, sorted(shown), now)}
    customers = _customers(connection, place, bound) if bound else {}
    return [_completed(member, command, standings, customers) for member, command in commands]


def _customers(connection: Connection, place: int, ids: set[UUID]) -> dict[UUID, str]:
    rows: Any = connection.execute(_CUSTOMERS, {"place": str(place), "ids": sorted(ids)})
    return {row.member_id: row.customer_id for row in rows.all()}


def _completed(
    member: UUID | None,
    command: PushCommand,
    standings: Mapping[UUID, Standing],
    customers: Mapping[UUID, str],
) -> PushCommand:
    if isinstance(command, PutCoupon) and member is not None and member in customers:
        return replace(command, customer_id=customers[member])
    standing = standings.get(member) if member else None
    if not isinstance(command, SetMemberTier) or standing is None or standing.merged_into:
        return command
    progress = text_in(standing.progress.text, "zh-TW") if standing.progress else ""
    return replace(command, points=standing.balance.available, progress=progress)
