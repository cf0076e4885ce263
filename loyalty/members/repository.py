"""Members in bulk: who is meant, new ones, locks in sorted order, the head of each fold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text, Uuid

from loyalty.db import PUBLISHED, Row, records
from loyalty.members.identity import Identity

_FIND = text(
    "select i.kind, i.value, i.member_id from member_identities i"
    " join unnest(:kinds, :values) as wanted(kind, value) on wanted.kind = i.kind and wanted.value = i.value"
).bindparams(bindparam("kinds", type_=ARRAY(Text)), bindparam("values", type_=ARRAY(Text)))
_LOCK = text("select * from members where id = any(:ids) order by id for no key update").bindparams(
    bindparam("ids", type_=ARRAY(Uuid))
)
_READ = text("select * from members where id = any(:ids) order by id").bindparams(
    bindparam("ids", type_=ARRAY(Uuid))
)
_COMMAND = {
    "number": "integer", "member_id": "uuid", "kind": "text", "accepted_at": "timestamptz", "data": "jsonb",
    "reason": "text", "actor": "text",
}  # fmt: skip
_BIRTHDAY = {"month": "integer", "day": "integer", "year": "integer", "until": "timestamptz"}
_PERIOD = {"place": "integer", "start": "timestamptz", "until": "timestamptz"}
_NEW = {"id": "uuid", "key": "text", "kind": "text", "value": "text"}
_COMMANDS = text(
    "select number, member_id, kind, accepted_at, data, reason, actor from commands"
    " where member_id = any(:ids) order by number"
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
_CUSTOMERS = text(
    "select member_id, value from member_identities where kind = 'customer' and member_id = any(:ids)"
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
COLUMNS = {
    "id": "uuid", "email": "text", "phone": "text", "name": "text", "region": "text", "role": "text",
    "registered": "boolean", "profile_at": "timestamptz", "enrolled": "boolean", "joined_at": "timestamptz",
    "head": "jsonb", "settled_at": "timestamptz", "tier_key": "text", "debt": "bigint", "points_sum": "bigint",
    "next_lot": "integer", "order_count": "integer", "lifetime_spend": "text", "lifetime_orders": "integer",
    "lifetime_points": "bigint", "live_coupons": "integer", "tier_due": "timestamptz", "segments": "text[]",
    "must_refold": "boolean",
}  # fmt: skip


def find_members(connection: Connection, identities: Iterable[Identity]) -> dict[Identity, UUID]:
    """Return the members whom these identities name."""
    wanted = sorted(set(identities))
    values = {"kinds": [item.kind for item in wanted], "values": [item.value for item in wanted]}
    rows = connection.execute(_FIND, values)
    return {Identity(kind, value): member_id for kind, value, member_id in rows}


def add_members(connection: Connection, account: UUID, new: Mapping[Identity, UUID]) -> int:
    """Make a member for each identity; return how many. One that another transaction just made stays
    the only one (U33).
    """
    rows = [
        {"id": new[identity], "key": identity.member_key(), "kind": identity.kind, "value": identity.value}
        for identity in sorted(new)
    ]
    source, values = records(_NEW, rows)
    statement = text(
        f"with wanted as (select * from {source}), made as ("
        " insert into members (account_id, id, key) select :account, id, key from wanted order by key"
        " on conflict (account_id, key) do nothing returning id)"
        " insert into member_identities (account_id, kind, value, member_id)"
        " select :account, kind, value, wanted.id from wanted join made on made.id = wanted.id"
    )
    return connection.execute(statement, {**values, "account": account}).rowcount


def lock_members(connection: Connection, ids: Iterable[UUID]) -> Sequence[RowMapping]:
    """Lock members in sorted order and return their rows as they are then."""
    return list(connection.execute(_LOCK, {"ids": sorted(set(ids))}).mappings())


def list_members(connection: Connection, ids: Iterable[UUID]) -> Sequence[RowMapping]:
    """Return the rows of members."""
    return list(connection.execute(_READ, {"ids": sorted(set(ids))}).mappings())


def list_page(connection: Connection, after: UUID, limit: int) -> Sequence[RowMapping]:
    """Return the rows of the members that follow an id, by id."""
    statement = text("select * from members where id > :after order by id limit :limit")
    return connection.execute(statement, {"after": after, "limit": limit}).mappings().all()


def list_commands(connection: Connection, ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """Return the accepted commands of members by number."""
    return connection.execute(_COMMANDS, {"ids": list(ids)}).mappings().all()


def list_customers(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Return the shop customers `<store number>:<id>` that each member is."""
    found: dict[UUID, list[str]] = {}
    for member_id, value in connection.execute(_CUSTOMERS, {"ids": list(ids)}):
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


def find_activity(connection: Connection, member: UUID, kind: str, key: str) -> RowMapping | None:
    """Return the command that recorded an activity of this kind and key."""
    statement = text(
        "select number, member_id, kind, accepted_at, data, reason, actor from commands"
        " where member_id = :member and kind = 'activity' and data->>'kind' = :kind and data->>'key' = :key"
    )
    found = connection.execute(statement, {"member": member, "kind": kind, "key": key})
    return found.mappings().first()


def count_activities(
    connection: Connection, member: UUID, kind: str, periods: Sequence[tuple[datetime, datetime]]
) -> list[int]:
    """Return how many activities of a kind a member did in each of these half-open periods."""
    if not periods:
        return []
    rows = [{"place": place, "start": start, "until": end} for place, (start, end) in enumerate(periods)]
    source, values = records(_PERIOD, rows)
    statement = text(
        f"select count(commands.number) from {source} left join commands on member_id = :member"
        " and commands.kind = 'activity' and data->>'kind' = :kind"
        " and accepted_at >= rows.start and accepted_at < rows.until group by place order by place"
    )
    return list(connection.execute(statement, {**values, "member": member, "kind": kind}).scalars())


def add_commands(connection: Connection, account: UUID, rows: Sequence[Row]) -> None:
    """Write accepted commands."""
    source, values = records(_COMMAND, rows)
    names = ", ".join(_COMMAND)
    statement = text(f"insert into commands (account_id, {names}) select :account, {names} from {source}")
    connection.execute(statement, {**values, "account": account})


def mark_all_for_refold(connection: Connection) -> int:
    """Let every member of the account be folded again from nothing; return how many."""
    return connection.execute(text("update members set must_refold = true where not must_refold")).rowcount


def mark_for_refold(connection: Connection, ids: Sequence[UUID]) -> int:
    """Let these members be folded again from nothing, whoever works on them now; return how many."""
    statement = text(
        "with locked as (select id from members where id = any(:ids) order by id for no key update)"
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


def claim_tier_dues(connection: Connection, now: datetime, limit: int) -> list[UUID]:
    """Return members whose tier changes by itself by now and that nobody works on, earliest first, locked."""
    statement = text(
        "select id from members where tier_due <= :now order by tier_due limit :limit for no key update skip locked"
    )
    return [row[0] for row in connection.execute(statement, {"now": now, "limit": limit})]


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


def list_runs(connection: Connection, ids: Sequence[UUID], source: str, key: str) -> set[tuple[UUID, str]]:
    """Return for which occasions the actions of a rule were run for members."""
    statement = text(
        "select member_id, data->>'occasion' from commands where kind = 'run' and member_id = any(:ids)"
        " and data->>'source' = :source and data->>'key' = :key"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    rows = connection.execute(statement, {"ids": list(ids), "source": source, "key": key})
    return {(row[0], row[1]) for row in rows}


def list_birthdays(
    connection: Connection, days: Sequence[Row], after: UUID, limit: int
) -> Sequence[RowMapping]:
    """Return the next members by id with a birthday on one of these days, given as month, day, year, until.

    Who joined, or told the day, at `until` or later does not count: that birthday was over.
    """
    source, values = records(_BIRTHDAY, days)
    statement = text(
        "select id as member_id, rows.year, rows.until as at from members"
        f" join {source} on birth_month = rows.month and birth_day = rows.day"
        " where joined_at < rows.until and birthday_noted_at < rows.until and id > :after order by id limit :limit"
    )
    return connection.execute(statement, {**values, "after": after, "limit": limit}).mappings().all()
