"""Sign-ups that a redeemed ticket paid for: whose seat it is, and who has none any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid


def has_sign_up(connection: Connection, gathering: int, members: Sequence[UUID]) -> bool:
    """Return whether one of these members is signed up for an event, waits, or came."""
    statement = text(
        "select exists(select from sign_ups where gathering_id = :gathering and member_id = any(:members)"
        "   and state <> 'cancelled')"
    ).bindparams(bindparam("members", type_=ARRAY(Uuid)))
    values = {"gathering": gathering, "members": list(members)}
    return bool(connection.execute(statement, values).scalar_one())


def note_ticket(connection: Connection, sign_up: int, redemption: UUID) -> None:
    """Note which redemption a sign-up came of."""
    statement = text("update sign_ups set redemption_id = :redemption where id = :id")
    connection.execute(statement, {"id": sign_up, "redemption": redemption})


def find_ticket(connection: Connection, redemption: UUID) -> RowMapping | None:
    """Return the sign-up of a redemption, with the event's `key`."""
    statement = text(
        "select sign_ups.*, gatherings.key from sign_ups join gatherings on gatherings.id = gathering_id"
        " where redemption_id = :redemption"
    )
    return connection.execute(statement, {"redemption": redemption}).mappings().first()


def list_without_seat(connection: Connection, gathering: int, members: Sequence[UUID]) -> list[UUID]:
    """Return the redemptions of these members whose sign-ups for an event are cancelled."""
    statement = text(
        "select redemption_id from sign_ups where gathering_id = :id and member_id = any(:members)"
        " and state = 'cancelled' and redemption_id is not null order by id"
    ).bindparams(bindparam("members", type_=ARRAY(Uuid)))
    return list(connection.execute(statement, {"id": gathering, "members": list(members)}).scalars())


def list_cancelled(connection: Connection, gathering: int, after: int, limit: int) -> Sequence[RowMapping]:
    """Return the next cancelled sign-ups for an event that have a redemption: id, redemption_id."""
    statement = text(
        "select id, redemption_id from sign_ups where gathering_id = :gathering and id > :after"
        " and state = 'cancelled' and redemption_id is not null order by id limit :limit"
    )
    values = {"gathering": gathering, "after": after, "limit": limit}
    return connection.execute(statement, values).mappings().all()


def call_off(connection: Connection, gathering: int, reason: str, now: datetime, actor: str) -> None:
    """Let an event not take place: nobody is signed up any more but who came; points are owed. Its row is locked."""
    statement = text(
        "with gone as (update sign_ups set state = 'cancelled', changed_at = :now, is_counted = null"
        "   where gathering_id = :id and state in ('signed_up', 'waiting', 'absent'))"
        " update gatherings set called_off_at = :now, called_off_because = :reason, called_off_by = :actor,"
        "   owed_after = 0,"
        "   taken = (select count(*) from sign_ups where gathering_id = :id and state = 'attended') where id = :id"
    )
    connection.execute(statement, {"id": gathering, "reason": reason, "now": now, "actor": actor})


def find_owed(connection: Connection) -> str | None:
    """Return the key of an event that was called off, and points may still be owed for tickets of it."""
    statement = text("select key from gatherings where owed_after is not null order by id limit 1")
    found: str | None = connection.execute(statement).scalar()
    return found


def note_owed(connection: Connection, gathering: int, after: int | None) -> None:
    """Note up to which sign-up no points are owed any more; None: all have theirs."""
    statement = text("update gatherings set owed_after = :after where id = :id")
    connection.execute(statement, {"id": gathering, "after": after})


def find_begun(connection: Connection, now: datetime) -> str | None:
    """Return the key of an event that has begun while somebody still waits with a ticket."""
    statement = text(
        "select gatherings.key from sign_ups join gatherings on gatherings.id = gathering_id"
        " where state = 'waiting' and redemption_id is not null and starts_at <= :now order by gatherings.id limit 1"
    )
    found: str | None = connection.execute(statement, {"now": now}).scalar()
    return found


def cancel_waiting(connection: Connection, gathering: int, now: datetime, limit: int) -> list[UUID]:
    """Cancel the sign-ups of some who wait for an event with a ticket; return their redemptions."""
    statement = text(
        "update sign_ups set state = 'cancelled', changed_at = :now where id = any(array("
        "   select id from sign_ups where gathering_id = :id and state = 'waiting' and redemption_id is not null"
        "   order by queued_at, id limit :limit)) returning redemption_id"
    )
    return list(connection.execute(statement, {"id": gathering, "now": now, "limit": limit}).scalars())
