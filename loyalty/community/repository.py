"""Events and their sign-ups: seats, the waiting list, who came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from loyalty.community.things import add_thing
from loyalty.db import Row, records

GATHERINGS = "gatherings"
_OWN = {
    "name": "jsonb", "description": "jsonb", "form": "text", "check_in": "text", "is_online": "boolean",
    "place": "text", "starts_at": "timestamptz", "ends_at": "timestamptz", "opens_at": "timestamptz",
    "closes_at": "timestamptz", "capacity": "integer", "has_waiting_list": "boolean", "audience": "jsonb",
    "activity": "text", "message": "text", "goal": "jsonb", "theme": "jsonb", "channels": "text[]",
}  # fmt: skip


def add_gathering(connection: Connection, account: UUID, row: Row) -> RowMapping | None:
    """Write an event and return it; None when its key is in use."""
    return add_thing(connection, account, GATHERINGS, {"key": "text", **_OWN}, row)


def put_gathering(connection: Connection, gathering: int, row: Row) -> None:
    """Write what an event is from now on; its key and its taken seats stay."""
    source, values = records(_OWN, [row])
    updates = ", ".join(f"{name} = rows.{name}" for name in _OWN)
    statement = text(f"update gatherings set {updates} from {source} where gatherings.id = :id")
    connection.execute(statement, {**values, "id": gathering})


def take_seat(connection: Connection, gathering: int) -> bool:
    """Use one more seat of an event; False when there is none."""
    statement = text(
        "update gatherings set taken = taken + 1 where id = :id and (capacity is null or taken < capacity)"
    )
    return bool(connection.execute(statement, {"id": gathering}).rowcount)


def give_seats_back(connection: Connection, gathering: int, seats: int) -> None:
    """Use so many seats less."""
    statement = text("update gatherings set taken = taken - :seats where id = :id")
    connection.execute(statement, {"id": gathering, "seats": seats})


def fill_seats(connection: Connection, gathering: int, now: datetime) -> Sequence[RowMapping]:
    """Let those who wait have the free seats, the first of them first; return their sign-ups, with who stands for each
    as `survivor`. A person who has a seat gets no second one. Its row is locked.
    """
    statement = text(
        "with free as (select capacity - taken as seats from gatherings where id = :id),"
        " united as materialized (select sign_ups.id, state, queued_at, coalesce(merged_into, members.id) as person"
        "   from sign_ups join members on members.id = member_id"
        "   where gathering_id = :id and state <> 'cancelled' and (merged_into is not null or merged > 0)"
        "   and exists (select from sign_ups where gathering_id = :id and state = 'waiting')"
        "   and (select coalesce(seats, 1) from free) > 0),"
        " next as (select id from sign_ups where gathering_id = :id and state = 'waiting' and id not in ("
        "     select behind.id from united behind join united ahead using (person)"
        "     where behind.state = 'waiting' and ahead.id <> behind.id and (ahead.state <> 'waiting'"
        "       or (ahead.queued_at, ahead.id) < (behind.queued_at, behind.id)))"
        "   order by queued_at, id limit (select seats from free)),"
        " moved as (update sign_ups set state = 'signed_up', changed_at = :now"
        "   where id in (select id from next) returning *),"
        " seated as (update gatherings set taken = taken + (select count(*) from moved) where id = :id)"
        " select moved.*, coalesce(merged_into, members.id) as survivor from moved"
        " join members on members.id = moved.member_id order by queued_at, moved.id"
    )
    return connection.execute(statement, {"id": gathering, "now": now}).mappings().all()


def list_own_sign_ups(
    connection: Connection, gathering: int, members: Sequence[UUID]
) -> Sequence[RowMapping]:
    """Return the sign-ups of these members."""
    statement = text(
        "select * from sign_ups where gathering_id = :gathering and member_id = any(:ids) order by id"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    values = {"gathering": gathering, "ids": list(members)}
    return connection.execute(statement, values).mappings().all()


def put_sign_up(
    connection: Connection, account: UUID, gathering: int, member: UUID, state: str, now: datetime
) -> RowMapping:
    """Write a member's sign-up as it begins, also when he had cancelled one; return it."""
    statement = text(
        "insert into sign_ups (account_id, gathering_id, member_id, state, queued_at, changed_at)"
        " values (:account, :gathering, :member, :state, :now, :now)"
        " on conflict (account_id, gathering_id, member_id) do update"
        " set state = excluded.state, queued_at = excluded.queued_at, changed_at = excluded.changed_at,"
        " redemption_id = null returning *"
    )
    values = {"account": account, "gathering": gathering, "member": member, "state": state, "now": now}
    return connection.execute(statement, values).mappings().one()


def set_state(
    connection: Connection, sign_up: int, state: str, now: datetime, *, is_counted: bool | None = None
) -> RowMapping:
    """Write what became of a sign-up; return it."""
    statement = text(
        "update sign_ups set state = :state, changed_at = :now, is_counted = :counted where id = :id returning *"
    )
    values = {"id": sign_up, "state": state, "now": now, "counted": is_counted}
    return connection.execute(statement, values).mappings().one()


def list_sign_ups(
    connection: Connection, gathering: int, state: str | None, after: int, limit: int
) -> Sequence[RowMapping]:
    """Return the sign-ups of an event by id, above the id `after`, of a state where one is given."""
    statement = text(
        "select * from sign_ups where gathering_id = :gathering and id > :after"
        " and (cast(:state as text) is null or state = :state) order by id limit :limit"
    )
    values = {"gathering": gathering, "state": state, "after": after, "limit": limit}
    return connection.execute(statement, values).mappings().all()


def count_states(connection: Connection, gathering: int) -> Mapping[str, int]:
    """Return how many sign-ups an event has in each state."""
    statement = text("select state, count(*) from sign_ups where gathering_id = :id group by state")
    return {state: int(count) for state, count in connection.execute(statement, {"id": gathering})}
