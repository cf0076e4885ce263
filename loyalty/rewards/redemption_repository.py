"""Redemptions in bulk: what the fold made of them, and how many there are of a reward."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Integer, Text, Uuid

from loyalty.db import Row, json_text, records
from loyalty.errors import NotFound

REDEMPTION = {
    "id": "uuid", "number": "integer", "member_id": "uuid", "reward_key": "text", "kind": "text",
    "program_version": "integer", "points": "bigint", "amount": "text", "state": "text", "asked_at": "timestamptz",
    "hold_until": "timestamptz", "ends_at": "timestamptz", "ended_at": "timestamptz", "uses": "integer",
    "used_by": "text", "restored": "bigint",
}  # fmt: skip
_FOLDED = ("state", "ends_at", "ended_at", "uses", "used_by", "restored")
STANDS = "state in ('held', 'captured') and (restored < points or points = 0)"
"""One whose points all came back with a refund stands no more."""
_PLACES = {"request": "cast(:request as jsonb)"}
_CLOSED = (
    "fulfilment = case when excluded.state not in ('held', 'captured') and"
    " redemptions.fulfilment in ('open', 'accepted') then 'cancelled' else redemptions.fulfilment end"
)


def put_redemptions(connection: Connection, account: UUID, rows: Sequence[Row]) -> None:
    """Write new redemptions, and what the fold made of known ones: nobody carries out what is over."""
    source, values = records(REDEMPTION, rows)
    names, folded = ", ".join(REDEMPTION), ", ".join(f"{name} = excluded.{name}" for name in _FOLDED)
    statement = text(
        f"insert into redemptions (account_id, {names}) select :account, {names} from {source}"
        f" on conflict (account_id, number) do update set {folded}, {_CLOSED}"
    )
    connection.execute(statement, {**values, "account": account})


def lock_reward(connection: Connection, account: UUID, reward: str) -> None:
    """Let nobody else count the redemptions of a reward until this transaction ends; members are locked before."""
    statement = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")
    connection.execute(statement, {"name": f"{account}:reward:{reward}"})


def count_open(
    connection: Connection,
    reward: str,
    *,
    members: Sequence[UUID] | None = None,
    since: datetime | None = None,
) -> int:
    """Return how many redemptions of a reward stand: of everybody with what rules gave, or those that these members
    asked for, all or from an instant on.
    """
    statement = text(
        f"select count(*) from redemptions where reward_key = :reward and {STANDS}"
        " and (cast(:everybody as boolean) or (number is not null and member_id = any(:members)))"
        " and (cast(:since as timestamptz) is null or asked_at >= :since)"
    ).bindparams(bindparam("members", type_=ARRAY(Uuid)))
    values = {
        "reward": reward, "everybody": members is None, "members": list(members or ()), "since": since,
    }  # fmt: skip
    return int(connection.execute(statement, values).scalar_one())


def list_held(connection: Connection, member: UUID, kinds: Iterable[str]) -> list[int]:
    """Return the redemptions of these kinds, by number, that hold points of a member, or of who is merged into him."""
    statement = text(
        "select number from redemptions r join members m on m.id = r.member_id"
        " where coalesce(m.merged_into, m.id) = :member and r.state = 'held' and r.kind = any(:kinds) order by number"
    ).bindparams(bindparam("kinds", type_=ARRAY(Text)))
    return list(connection.execute(statement, {"member": member, "kinds": sorted(kinds)}).scalars())


def get_redemption(connection: Connection, redemption: UUID) -> RowMapping:
    """Return a redemption, with who stands for its member as `survivor`; raises NotFound."""
    statement = text(
        "select r.*, coalesce(m.merged_into, m.id) as survivor from redemptions r join members m on m.id = r.member_id"
        " where r.id = :id"
    )
    row = connection.execute(statement, {"id": redemption}).mappings().first()
    if row is None:
        raise NotFound("There is no redemption of that id.", redemption=str(redemption))
    return row


def list_standing(connection: Connection, ids: Iterable[UUID]) -> Sequence[RowMapping]:
    """Return those of these redemptions that stand, with who stands for each member as `survivor`."""
    statement = text(
        "select r.*, coalesce(m.merged_into, m.id) as survivor from redemptions r join members m on m.id = r.member_id"
        f" where r.id = any(:ids) and {STANDS} order by r.number"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    return connection.execute(statement, {"ids": list(ids)}).mappings().all()


def list_numbered(connection: Connection, numbers: Iterable[int]) -> Sequence[RowMapping]:
    """Return the redemptions of these numbers."""
    statement = text("select * from redemptions where number = any(:numbers) order by number").bindparams(
        bindparam("numbers", type_=ARRAY(Integer))
    )
    return connection.execute(statement, {"numbers": list(numbers)}).mappings().all()


def list_redemptions(connection: Connection, members: Sequence[UUID]) -> Sequence[RowMapping]:
    """Return every redemption of the members."""
    statement = text("select * from redemptions where member_id = any(:members) order by number").bindparams(
        bindparam("members", type_=ARRAY(Uuid))
    )
    return connection.execute(statement, {"members": list(members)}).mappings().all()


def list_causes(connection: Connection, codes: Iterable[str]) -> dict[str, tuple[str, UUID]]:
    """Return the cause of each of these codes that is a redemption's, or of credit, and who stands for its member."""
    statement = text(
        "select code, cause, coalesce(m.merged_into, m.id) from coupons join members m on m.id = coupons.member_id"
        " where code = any(:codes) and (starts_with(cause, 'redemption:') or starts_with(cause, 'credit:'))"
    ).bindparams(bindparam("codes", type_=ARRAY(Text)))
    rows = connection.execute(statement, {"codes": sorted(codes)})
    return {code: (cause, member) for code, cause, member in rows}


def note_requests(connection: Connection, numbers: Iterable[int], **values: Any) -> None:
    """Write what is no matter of the fold: a failure, a wish to cancel, how far a service is."""
    updates = ", ".join(f"{name} = {_PLACES.get(name, f':{name}')}" for name in sorted(values))
    plain = {name: json_text(value) if name in _PLACES else value for name, value in values.items()}
    statement = text(f"update redemptions set {updates} where number = any(:numbers)").bindparams(
        bindparam("numbers", type_=ARRAY(Integer))
    )
    connection.execute(statement, {**plain, "numbers": list(numbers)})


def note_failures(connection: Connection, failures: Mapping[int, str]) -> None:
    """Write why redemptions of these numbers failed."""
    statement = text(
        "update redemptions r set failure = told.failure"
        " from unnest(:numbers, :failures) as told (number, failure) where r.number = told.number"
    ).bindparams(bindparam("numbers", type_=ARRAY(Integer)), bindparam("failures", type_=ARRAY(Text)))
    connection.execute(statement, {"numbers": list(failures), "failures": list(failures.values())})


def note_fulfilment(connection: Connection, redemption: UUID, step: str, closing_note: str) -> None:
    """Write how far people are with a service."""
    statement = text("update redemptions set fulfilment = :step, closing_note = :note where id = :id")
    connection.execute(statement, {"id": redemption, "step": step, "note": closing_note})


def close_claim(connection: Connection, redemption: UUID, now: datetime) -> None:
    """Let what a rule gave stand no longer, as people refuse it."""
    statement = text("update redemptions set state = 'cancelled', ended_at = :now where id = :id")
    connection.execute(statement, {"id": redemption, "now": now})


def follow_seats(connection: Connection, ids: Iterable[UUID | None], before: str, after: str) -> None:
    """Let tickets go from one step to another, as their seats do; None are sign-ups without a ticket."""
    wanted = [one for one in ids if one is not None]
    if not wanted:
        return
    statement = text(
        "update redemptions set fulfilment = :after where id = any(:ids) and fulfilment = :before"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    connection.execute(statement, {"ids": wanted, "before": before, "after": after})


def forget_requests(connection: Connection, members: Sequence[UUID]) -> None:
    """Drop what members asked for with their own words, and what people answered."""
    statement = text(
        "update redemptions set request = '{}', closing_note = '' where member_id = any(:members)"
    ).bindparams(bindparam("members", type_=ARRAY(Uuid)))
    connection.execute(statement, {"members": list(members)})
