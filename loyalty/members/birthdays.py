"""A member's birthday: noted once by himself, changed by staff only (S46, U89).

Of who stands for others it is his own, else the one that was noted first among theirs.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, RowMapping, text

from loyalty.db import Row, records
from loyalty.errors import Invalid, MemberMerged, NotFound, NotPermitted

LEAP_YEAR = 2000
_KNOWN = text(
    "select birth_month, birth_day, birth_year from members where id = :member or merged_into = :member"
    " order by birth_month is null, id <> :member, birthday_noted_at, id limit 1"
)
_BIRTHDAY = {"month": "integer", "day": "integer", "year": "integer", "until": "timestamptz"}


class Birthday(NamedTuple):
    """A day of the year; the year of birth is known to few. 29 February is one."""

    month: int
    day: int
    year: int | None = None

    def check(self, now: datetime) -> None:
        """Raise Invalid unless there is such a day, and it is over."""
        if not 1 <= self.month <= 12:
            raise Invalid("There is no such month.", {"/month": ["Must be from 1 to 12."]})
        if self.year is not None and not 1900 <= self.year <= now.year:
            raise Invalid("There is no such year.", {"/year": [f"Must be from 1900 to {now.year}."]})
        days = monthrange(self.year or LEAP_YEAR, self.month)[1]
        if not 1 <= self.day <= days:
            raise Invalid("There is no such day.", {"/day": [f"Must be from 1 to {days}."]})


def find_birthday(connection: Connection, member: UUID) -> Birthday | None:
    """Return a member's birthday where it is known, of himself or of who is merged into him; raises NotFound."""
    row = connection.execute(_KNOWN, {"member": member}).first()
    if row is None:
        raise NotFound("There is no member of that id.")
    return Birthday(row[0], row[1], row[2]) if row[0] is not None else None


def put_birthday(
    connection: Connection, member: UUID, birthday: Birthday, now: datetime, *, is_staff: bool
) -> bool:
    """Note a birthday; return whether it is news. Raises Invalid, NotFound, MemberMerged, and NotPermitted when another
    one is known, of him or of who is merged into him, and it is not staff who asks.
    """
    birthday.check(now)
    lock = text("select merged_into from members where id = :member for no key update")
    row = connection.execute(lock, {"member": member}).first()
    if row is not None and row.merged_into is not None:
        raise MemberMerged(f"This member is merged into {row.merged_into}.", survivor=row.merged_into)
    known = find_birthday(connection, member)
    if known == birthday:
        return False
    if known is not None and not is_staff:
        raise NotPermitted("A birthday that is noted is changed by staff only: the scope adjust is needed.")
    statement = text(
        "update members set birth_month = :month, birth_day = :day, birth_year = :year, birthday_noted_at = :now,"
        " birthday_changes = birthday_changes + :changes where id = :member"
    )
    values = {**birthday._asdict(), "now": now, "changes": int(known is not None), "member": member}
    connection.execute(statement, values)
    return True


def list_birthdays(
    connection: Connection, days: Sequence[Row], after: UUID, limit: int
) -> Sequence[RowMapping]:
    """Return the next members by id with a birthday on one of these days, given as month, day, year, until.

    Who joined, or told the day, at `until` or later does not count: that birthday was over. Who is merged has not
    joined any more; his day is borrowed by who stands for him and has none of his own.
    """
    source, values = records(_BIRTHDAY, days)
    statement = text(
        "with borrowed as (select distinct on (merged_into) merged_into as id, birth_month, birth_day,"
        "   birthday_noted_at from members where merged_into > :after and birth_month is not null"
        "   order by merged_into, birthday_noted_at, members.id)"
        " select id as member_id, rows.year, rows.until as at from members"
        f" join {source} on birth_month = rows.month and birth_day = rows.day"
        " where joined_at < rows.until and birthday_noted_at < rows.until and id > :after"
        " union all select id, rows.year, rows.until from borrowed join members using (id)"
        f" join {source} on borrowed.birth_month = rows.month and borrowed.birth_day = rows.day"
        " where joined_at < rows.until and borrowed.birthday_noted_at < rows.until and members.birth_month is null"
        " order by member_id limit :limit"
    )
    return connection.execute(statement, {**values, "after": after, "limit": limit}).mappings().all()
