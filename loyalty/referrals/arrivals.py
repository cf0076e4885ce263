"""Referral codes and links that members bring from another system, in bulk; law: nobody is paid for them again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text, Uuid

from loyalty.db import Row, records

_CODE = {"code": "text", "member_id": "uuid"}
_LINK = {"referrer_id": "uuid", "friend_id": "uuid", "claimed_at": "timestamptz", "status": "text"}


def list_codes(connection: Connection, codes: Iterable[str], members: Iterable[UUID]) -> dict[str, UUID]:
    """Return whose these codes are, and the codes of these members."""
    statement = text(
        "select code, member_id from referral_codes where code = any(:codes) or member_id = any(:ids)"
    ).bindparams(bindparam("codes", type_=ARRAY(Text)), bindparam("ids", type_=ARRAY(Uuid)))
    rows = connection.execute(statement, {"codes": list(codes), "ids": list(members)})
    return {row.code: row.member_id for row in rows}


def put_codes(connection: Connection, account: UUID, rows: Sequence[Row]) -> None:
    """Keep the codes of members (code, member_id); what is known already stays."""
    source, values = records(_CODE, rows)
    statement = text(
        f"insert into referral_codes (account_id, code, member_id) select :account, code, member_id from {source}"
        " on conflict do nothing"
    )
    if rows:
        connection.execute(statement, {**values, "account": account})


def add_links(connection: Connection, account: UUID, rows: Sequence[Row]) -> None:
    """Write by whom friends were brought elsewhere (referrer_id, friend_id, claimed_at, status)."""
    source, values = records(_LINK, rows)
    statement = text(
        "insert into referrals (account_id, referrer_id, friend_id, claimed_at, status, reason, completed_at)"
        " select :account, referrer_id, friend_id, claimed_at, status, 'imported',"
        f"   case when status = 'completed' then claimed_at end from {source}"
        " on conflict (account_id, friend_id) do update set referrer_id = excluded.referrer_id,"
        "   claimed_at = excluded.claimed_at, status = excluded.status, reason = excluded.reason,"
        "   completed_at = excluded.completed_at where referrals.reason = 'import undone'"
    )
    if rows:
        connection.execute(statement, {**values, "account": account})


def undo_links(connection: Connection, friends: Sequence[UUID]) -> None:
    """Let the links that these friends brought along lead to nothing."""
    statement = text(
        "update referrals set status = 'refused', reason = 'import undone'"
        " where friend_id = any(:ids) and reason = 'imported' and order_key is null"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    connection.execute(statement, {"ids": list(friends)})
