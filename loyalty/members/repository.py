"""Members in bulk: who is meant, new ones, locks in sorted order, the head of each fold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text, Uuid

from loyalty.db import PUBLISHED, Row, dicts, records
from loyalty.errors import NotFound
from loyalty.members.identity import Identity

_FIND = text(
    "select i.kind, i.value, i.member_id, coalesce(m.merged_into, i.member_id) from member_identities i"
    " join unnest(:kinds, :values) as wanted(kind, value) on wanted.kind = i.kind and wanted.value = i.value"
    " join members m on m.id = i.member_id"
).bindparams(bindparam("kinds", type_=ARRAY(Text)), bindparam("values", type_=ARRAY(Text)))
_LOCK = text("select * from members where id = any(:ids) order by id for no key update").bindparams(
    bindparam("ids", type_=ARRAY(Uuid))
)
_READ = text("select * from members where id = any(:ids) order by id").bindparams(
    bindparam("ids", type_=ARRAY(Uuid))
)
_NEW = {"id": "uuid", "key": "text", "kind": "text", "value": "text"}
_CUSTOMERS = text(
    "select member_id, value from member_identities where kind = 'customer' and member_id = any(:ids)"
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
_ROOTS = text(
    "with person as (select coalesce(merged_into, id) as id from members where id = :member)"
    " select id, 0 as place from person"
    " union all select members.id, 1 from members join person on merged_into = person.id order by place, id"
)
_MERGED = text("select * from members where merged_into = any(:ids) order by id").bindparams(
    bindparam("ids", type_=ARRAY(Uuid))
)
COLUMNS = {
    "id": "uuid", "email": "text", "phone": "text", "name": "text", "region": "text", "role": "text",
    "registered": "boolean", "registered_by": "bigint", "profile_at": "timestamptz",
    "enrolled": "boolean", "joined_at": "timestamptz", "head": "jsonb", "settled_at": "timestamptz",
    "tier_key": "text", "debt": "bigint", "held": "bigint", "points_sum": "bigint", "next_lot": "integer",
    "order_count": "integer", "lifetime_spend": "text", "lifetime_orders": "integer", "lifetime_points": "bigint",
    "live_coupons": "integer", "tier_due": "timestamptz", "segments": "text[]", "must_refold": "boolean",
    "credit": "numeric",
}  # fmt: skip
_PROFILE = {name: COLUMNS[name] for name in list(COLUMNS)[:9]}


class Person(NamedTuple):
    """A member whom an identity names, and the one who stands for him: himself, or into whom he is merged."""

    id: UUID
    survivor: UUID


def find_members(connection: Connection, identities: Iterable[Identity]) -> dict[Identity, Person]:
    """Return the members whom these identities name."""
    wanted = sorted(set(identities))
    values = {"kinds": [item.kind for item in wanted], "values": [item.value for item in wanted]}
    rows = connection.execute(_FIND, values)
    found = {Identity(kind, value): Person(member_id, survivor) for kind, value, member_id, survivor in rows}
    ids = [UUID(item.value) for item in wanted if item.kind == "member"]
    return found | _find_by_id(connection, ids) if ids else found


def _find_by_id(connection: Connection, ids: Sequence[UUID]) -> dict[Identity, Person]:
    statement = text("select id, coalesce(merged_into, id) from members where id = any(:ids)").bindparams(
        bindparam("ids", type_=ARRAY(Uuid))
    )
    rows = connection.execute(statement, {"ids": list(ids)})
    return {Identity("member", str(member)): Person(member, survivor) for member, survivor in rows}


def add_members(connection: Connection, account: UUID, new: Mapping[Identity, UUID]) -> int:
    """Make a member for each identity; return how many. One that another transaction just made stays
    the only one (U33). The address of somebody who was erased makes a new member, whose key is the next one.
    """
    rows = [
        {"id": new[identity], "key": identity.member_key(), "kind": identity.kind, "value": identity.value}
        for identity in sorted(new)
    ]
    source, values = records(_NEW, rows)
    statement = text(
        "with wanted as (select id, kind, value, case when exists ("
        "   select from members where members.key = rows.key and erased_at is not null)"
        "   then rows.key || ':' || (select count(*) + 1 from members where starts_with(members.key, rows.key))"
        f"   else rows.key end as key from {source}), made as ("
        " insert into members (account_id, id, key) select :account, id, key from wanted order by key"
        " on conflict (account_id, key) do nothing returning id)"
        " insert into member_identities (account_id, kind, value, member_id)"
        " select :account, kind, value, wanted.id from wanted join made on made.id = wanted.id"
    )
    return connection.execute(statement, {**values, "account": account}).rowcount


def add_identities(connection: Connection, account: UUID, member: UUID, new: Iterable[Identity]) -> int:
    """Let identities that nobody has name a member; return how many were free."""
    rows = [{"kind": one.kind, "value": one.value} for one in sorted(new)]
    source, values = records({"kind": "text", "value": "text"}, rows)
    statement = text(
        "insert into member_identities (account_id, kind, value, member_id)"
        f" select :account, kind, value, :member from {source} on conflict do nothing"
    )
    return connection.execute(statement, {**values, "account": account, "member": member}).rowcount


def list_identities(connection: Connection, ids: Iterable[UUID]) -> Sequence[RowMapping]:
    """Return what names these members."""
    statement = text(
        "select kind, value, member_id, created_at from member_identities where member_id = any(:ids)"
        " order by kind, value"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    return connection.execute(statement, {"ids": list(ids)}).mappings().all()


def lock_members(connection: Connection, ids: Iterable[UUID]) -> list[Row]:
    """Lock members in sorted order and return their rows as they are then.

    Who is merged comes with the one who stands for him: whoever holds the lock of that one may read and write both.
    """
    rows = dicts(connection.execute(_LOCK, {"ids": sorted(set(ids))}))
    while missing := {row["merged_into"] for row in rows} - {row["id"] for row in rows} - {None}:
        rows += dicts(connection.execute(_LOCK, {"ids": sorted(missing)}))
    return rows


def list_merged(connection: Connection, survivors: Iterable[UUID]) -> Sequence[RowMapping]:
    """Return the rows of everybody who is merged into these members."""
    return list(connection.execute(_MERGED, {"ids": sorted(set(survivors))}).mappings())


def get_roots(connection: Connection, member: UUID) -> list[UUID]:
    """Return who stands for a member, himself or into whom he is merged, and then everybody merged into that one.

    Raises NotFound.
    """
    roots = [row.id for row in connection.execute(_ROOTS, {"member": member})]
    if not roots:
        raise NotFound("There is no member of that id.", member=str(member))
    return roots


def erase(connection: Connection, ids: Sequence[UUID], domains: Iterable[str], now: datetime) -> None:
    """Forget who members are, all but their customer ids; of an e-mail address only these domains are kept."""
    statement = text(
        "update members set phone = '', name = '', region = '', profile_at = :now, erased_at = :now,"
        " email = case when split_part(lower(email), '@', 2) = any(:domains)"
        "   then '@' || split_part(lower(email), '@', 2) else '' end,"
        " birth_month = null, birth_day = null, birth_year = null, birthday_noted_at = null where id = any(:ids)"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("domains", type_=ARRAY(Text)))
    connection.execute(statement, {"ids": list(ids), "domains": sorted(domains), "now": now})
    gone = text("delete from member_identities where kind <> 'customer' and member_id = any(:ids)")
    connection.execute(gone.bindparams(bindparam("ids", type_=ARRAY(Uuid))), {"ids": list(ids)})


def list_ids_by_key(connection: Connection, keys: Sequence[str]) -> dict[str, UUID]:
    """Return the members of these keys."""
    statement = text("select key, id from members where key = any(:keys)").bindparams(
        bindparam("keys", type_=ARRAY(Text))
    )
    return {row.key: row.id for row in connection.execute(statement, {"keys": list(keys)})}


def put_merges(connection: Connection, survivors: Mapping[UUID, Sequence[UUID]]) -> None:
    """Write who stands for whom, from now on: each of these, who are locked, for himself and for others."""
    pairs = [(own, own, len(others)) for own, others in survivors.items()]
    pairs += [(other, own, 0) for own, others in survivors.items() for other in others]
    source, values = records(
        {"id": "uuid", "merged_into": "uuid", "merged": "integer"},
        [
            {"id": one, "merged_into": own if one != own else None, "merged": count}
            for one, own, count in pairs
        ],
    )
    statement = text(
        "update members set merged_into = rows.merged_into, merged = rows.merged,"
        " must_refold = must_refold and rows.merged_into is null"
        f" from {source} where members.id = rows.id"
    )
    connection.execute(statement, values)


def put_profiles(connection: Connection, rows: Sequence[Row]) -> None:
    """Write what is known of persons whose survivors are locked."""
    source, values = records(_PROFILE, rows)
    updates = ", ".join(f"{name} = rows.{name}" for name in _PROFILE if name != "id")
    statement = text(f"update members set {updates} from {source} where members.id = rows.id")
    if rows:
        connection.execute(statement, values)


def list_members(connection: Connection, ids: Iterable[UUID]) -> Sequence[RowMapping]:
    """Return the rows of members."""
    return list(connection.execute(_READ, {"ids": sorted(set(ids))}).mappings())


def list_page(connection: Connection, after: UUID, limit: int) -> Sequence[RowMapping]:
    """Return the rows of the members that follow an id, by id."""
    statement = text("select * from members where id > :after order by id limit :limit")
    return connection.execute(statement, {"after": after, "limit": limit}).mappings().all()


def list_customers(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Return the shop customers `<store number>:<id>` that each member is."""
    found: dict[UUID, list[str]] = {}
    for member_id, value in connection.execute(_CUSTOMERS, {"ids": list(ids)}).all():
        found.setdefault(member_id, []).append(value)
    return found


def put_members(connection: Connection, rows: Sequence[Row]) -> None:
    """Write profiles and fold heads of locked members.

    Those who were folded by rules that were corrected since the transaction began are to be folded again.
    """
    source, values = records(COLUMNS, rows)
    updates = ", ".join(f"{name} = rows.{name}" for name in COLUMNS if name not in ("id", "must_refold"))
    statement = text(
        f"update members set {updates}, must_refold = rows.must_refold"
        "   or coalesce((select laurel_published()) <> :published, false)"
        f" from {source} where members.id = rows.id"
    )
    connection.execute(statement, {**values, "published": connection.info.get(PUBLISHED)})


def find_survivors(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return who stands for each of these members: himself, or whoever he is merged into."""
    statement = text(
        "select id, coalesce(merged_into, id) as survivor from members where id = any(:ids)"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    return {row.id: row.survivor for row in connection.execute(statement, {"ids": list(set(ids))})}


def mark_all_for_refold(connection: Connection) -> int:
    """Let every member of the account be folded again from nothing; return how many."""
    return connection.execute(
        text("update members set must_refold = true where not must_refold and merged_into is null")
    ).rowcount


def mark_for_refold(connection: Connection, ids: Sequence[UUID]) -> int:
    """Let these members be folded again from nothing, whoever works on them now; return how many."""
    statement = text(
        "with wanted as (select coalesce(merged_into, id) as id from members where id = any(:ids)),"
        " locked as (select id from members where id in (select id from wanted) order by id for no key update)"
        " update members set must_refold = true from locked where members.id = locked.id"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    return connection.execute(statement, {"ids": list(ids)}).rowcount


def expect_rules(connection: Connection, at: datetime) -> int:
    """Let every member be looked at when a version takes effect; return how many."""
    statement = text(
        "update members set tier_due = least(tier_due, :at) where joined_at is not null"
        " and tier_due is distinct from least(tier_due, :at)"
    )
    return connection.execute(statement, {"at": at}).rowcount


def claim_tier_dues(connection: Connection, now: datetime, limit: int) -> list[Row]:
    """Lock members whose tier changes by itself by now and that nobody works on, earliest first; return their rows."""
    statement = text(
        "select * from members where tier_due <= :now order by tier_due limit :limit for no key update skip locked"
    )
    return dicts(connection.execute(statement, {"now": now, "limit": limit}))


def list_tiers_ending(
    connection: Connection, since: datetime, until: datetime, after: UUID, limit: int
) -> list[UUID]:
    """Return the next members by id whose tier changes by itself after `since`, up to and with `until`."""
    statement = text(
        "select id from members where tier_due > :since and tier_due <= :until and id > :after order by id limit :limit"
    )
    values = {"since": since, "until": until, "after": after, "limit": limit}
    return [row[0] for row in connection.execute(statement, values)]


def claim_refolds(connection: Connection, limit: int) -> list[UUID]:
    """Return members that must be folded again and that nobody works on, locked."""
    statement = text(
        "select id from members where must_refold order by id limit :limit for no key update skip locked"
    )
    return [row[0] for row in connection.execute(statement, {"limit": limit})]
