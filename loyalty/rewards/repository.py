"""Coupons in bulk: by code, by member, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text, Uuid

from loyalty.db import Row, records
from loyalty.values import StoreId

COUPON = {
    "id": "uuid", "member_id": "uuid", "store_id": "uuid", "cause": "text", "reward_key": "text",
    "program_version": "integer", "code": "text", "kind": "text", "amount": "numeric", "minimum_subtotal": "numeric",
    "granted_at": "timestamptz", "expires_at": "timestamptz", "state": "text", "failure": "text",
    "reusable": "boolean", "free_shipping": "boolean", "used_by": "text", "scope": "jsonb",
}  # fmt: skip
_RENEWED = ("program_version", "kind", "amount", "expires_at", "free_shipping", "state", "failure", "used_by")
_SETTLED = {"code": "text", "before": "text[]", "state": "text", "external_id": "text", "failure": "text"}
_REDEEMED = "(starts_with(cause, 'redemption:') or starts_with(cause, 'credit:'))"
_USES = {"key": "text", "code": "text", "live": "boolean", "gone": "boolean"}


def note_uses(connection: Connection, uses: Sequence[Row]) -> dict[str, UUID | None]:
    """Note which orders use which codes, given as key, code, live, gone; return those that are ours, with the member
    to whom one was given that no order uses any more.

    A live order makes a coupon used; an order that died gives it back, as WooCommerce reopens its code, and another one
    may use it at the same time. A reusable one is never used up, and what becomes of a redemption's, or of one of
    credit, the fold decides.
    """
    source, values = records(_USES, uses)
    decided = f"reusable or {_REDEEMED}"
    means = f"(live or coupons.used_by = rows.key or (({decided}) and not gone))"
    meant = (
        f"select distinct on (rows.code) rows.* from {source} join coupons on coupons.code = rows.code and {means}"
        " order by rows.code, live desc"
    )
    statement = text(
        f"update coupons set used_by = case when {_REDEEMED} then used_by when live and not reusable then key end,"
        f" state = case when {decided} then state when live then 'used' when state = 'used' then 'issued'"
        f" else state end from ({meant}) rows where coupons.code = rows.code and {means}"
        f" returning coupons.code, case when not ({decided}) and coupons.used_by is null then member_id end as freed"
    )
    return {row.code: row.freed for row in connection.execute(statement, values)}


def list_redeemers(connection: Connection, codes: Iterable[str]) -> set[UUID]:
    """Return the members whose rewards, or whose credit, these codes are of."""
    statement = text(f"select distinct member_id from coupons where code = any(:codes) and {_REDEEMED}")
    values = {"codes": sorted(codes)}
    return set(
        connection.execute(statement.bindparams(bindparam("codes", type_=ARRAY(Text))), values).scalars()
    )


def list_member_coupons(connection: Connection, members: Sequence[UUID]) -> Sequence[RowMapping]:
    """Return every coupon of the members."""
    statement = text("select * from coupons where member_id = any(:members) order by id").bindparams(
        bindparam("members", type_=ARRAY(Uuid))
    )
    return connection.execute(statement, {"members": list(members)}).mappings().all()


def list_standing_codes(connection: Connection, members: Sequence[UUID]) -> Sequence[RowMapping]:
    """Return the reusable coupons of members that the shop has, or shall have, or failed to make, the newest first."""
    statement = text(
        "select * from coupons where member_id = any(:members) and reusable"
        " and state in ('requested', 'issued', 'failed') order by id desc"
    ).bindparams(bindparam("members", type_=ARRAY(Uuid)))
    return connection.execute(statement, {"members": list(members)}).mappings().all()


def find_coupon(connection: Connection, cause: str) -> RowMapping | None:
    """Return the coupon of a cause."""
    statement = text("select * from coupons where cause = :cause")
    return connection.execute(statement, {"cause": cause}).mappings().first()


def put_coupons(connection: Connection, account: UUID, rows: Sequence[Row]) -> None:
    """Write coupons: new ones, or the terms and the state that a cause's coupon has now."""
    source, values = records(COUPON, rows)
    names, renewed = ", ".join(COUPON), ", ".join(f"{name} = excluded.{name}" for name in _RENEWED)
    statement = text(
        f"insert into coupons (account_id, {names}) select :account, {names} from {source}"
        f" on conflict (account_id, cause) do update set {renewed}"
    )
    connection.execute(statement, {**values, "account": account})


def settle_coupons(connection: Connection, rows: Sequence[Row]) -> Sequence[RowMapping]:
    """Let coupons in one of the states `before` become what the shop made of them; its own id of each is kept whatever
    they are. Return them.
    """
    source, values = records(_SETTLED, rows)
    statement = text(
        "update coupons set external_id = coalesce(nullif(rows.external_id, ''), coupons.external_id),"
        " state = case when coupons.state = any(rows.before) then rows.state else coupons.state end,"
        " failure = case when coupons.state = any(rows.before) then rows.failure else coupons.failure end"
        f" from {source} where coupons.code = rows.code returning coupons.*"
    )
    return connection.execute(statement, values).mappings().all()


def give_up(connection: Connection, members: Sequence[UUID], failure: str) -> None:
    """Let the coupons of members that the shop does not have yet fail."""
    statement = text(
        "update coupons set state = 'failed', failure = :failure"
        " where state = 'requested' and member_id = any(:members)"
    ).bindparams(bindparam("members", type_=ARRAY(Uuid)))
    connection.execute(statement, {"members": list(members), "failure": failure})


def request_again(connection: Connection, codes: Sequence[str]) -> None:
    """Let coupons that the shop refused be requested once more."""
    statement = text(
        "update coupons set state = 'requested', failure = null where state = 'failed' and code = any(:codes)"
    ).bindparams(bindparam("codes", type_=ARRAY(Text)))
    connection.execute(statement, {"codes": list(codes)})


def list_issued(connection: Connection, external_ids: Sequence[str]) -> Sequence[RowMapping]:
    """Return the coupons that shops have under these ids of theirs, with the address that each is bound to; gift cards
    are kept elsewhere, under ids of their own.
    """
    statement = text(
        "select c.*, coalesce(nullif(m.email, ''), s.email, '') as email from coupons c"
        " join members m on m.id = c.member_id left join members s on s.id = m.merged_into"
        " where c.external_id = any(:ids) and c.state = 'issued' and c.kind <> 'gift_card'"
    ).bindparams(bindparam("ids", type_=ARRAY(Text)))
    return connection.execute(statement, {"ids": list(external_ids)}).mappings().all()


def list_cards(connection: Connection, external_ids: Iterable[str]) -> list[tuple[StoreId, str, str]]:
    """Return the gift cards of ours that shops have under these ids: store, id there, code."""
    statement = text(
        "select store_id, external_id, code from coupons where kind = 'gift_card' and external_id = any(:ids)"
    ).bindparams(bindparam("ids", type_=ARRAY(Text)))
    rows = connection.execute(statement, {"ids": sorted(external_ids)})
    return [(StoreId(store), external_id, code) for store, external_id, code in rows]


def list_external_ids(connection: Connection, codes: Iterable[str]) -> dict[str, str]:
    """Return under which ids of theirs shops have these codes, as far as they said so."""
    statement = text(
        "select code, external_id from coupons where external_id <> '' and code = any(:codes)"
    ).bindparams(bindparam("codes", type_=ARRAY(Text)))
    return {row.code: row.external_id for row in connection.execute(statement, {"codes": sorted(codes)})}


def list_in_shop(connection: Connection, store: UUID, after: str, limit: int) -> list[str]:
    """Return the next ids, sorted as text, under which a shop has issued coupons of ours, gift cards left out."""
    statement = text(
        "select distinct external_id from coupons where state = 'issued' and kind <> 'gift_card' and store_id = :store"
        " and external_id > :after"
        " order by external_id limit :limit"
    )
    values = {"store": store, "after": after, "limit": limit}
    return list(connection.execute(statement, values).scalars())


def list_made(connection: Connection, members: Sequence[UUID]) -> list[tuple[UUID, str]]:
    """Return the stores and ids of the coupons that shops made for these members."""
    statement = text(
        "select store_id, external_id from coupons where member_id = any(:members) and external_id <> ''"
    )
    values = {"members": list(members)}
    rows = connection.execute(statement.bindparams(bindparam("members", type_=ARRAY(Uuid))), values)
    return [(row.store_id, row.external_id) for row in rows]


def list_ending_coupons(
    connection: Connection, since: datetime, until: datetime, after: UUID, limit: int
) -> Sequence[RowMapping]:
    """Return, for the next members by id, the unused coupons that end after `since`, up to and with `until`; those of
    members for whom somebody else stands, for that one.
    """
    statement = text(
        "with ending as materialized (select coalesce(merged_into, members.id) as person, cause, code, expires_at"
        "   from coupons join members on members.id = member_id"
        "   where state = 'issued' and expires_at > :since and expires_at <= :until),"
        " page as (select distinct person from ending where person > :after order by person limit :limit)"
        " select person as member_id, cause, code, expires_at as at from ending join page using (person)"
        " order by person, expires_at, code"
    )
    values = {"since": since, "until": until, "after": after, "limit": limit}
    return connection.execute(statement, values).mappings().all()
