"""Who is known by one store only."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, text

from loyalty.stores.service import Store

# Merged persons count with the one who stands for them. Who was erased and said nothing since needs no erasing; of the
# address of one whom a program excludes, `@domain` stays.
_PAGE = text(
    "with page as ("
    "  select id from members where id > :after and merged_into is null order by id limit :limit),"
    " roots as (select page.id as person, m.* from page"
    "   join members m on m.id = page.id or m.merged_into = page.id)"
    " select person,"
    "  bool_or(erased_at is null or name || phone <> '' or email <> '' and not starts_with(email, '@')) and"
    "  (bool_or(exists (select from member_identities i where i.member_id = roots.id and i.kind = 'customer'"
    "     and split_part(i.value, ':', 1) = :number))"
    "   or bool_or(exists (select from orders o where o.member_id = roots.id and o.store_id = :store)))"
    "  and not bool_or(exists (select from member_identities i where i.member_id = roots.id and i.kind = 'customer'"
    "     and split_part(i.value, ':', 1) <> :number))"
    "  and not bool_or(exists (select from orders o where o.member_id = roots.id and o.store_id <> :store))"
    " from roots group by person order by person"
)


def list_only_here(
    connection: Connection, store: Store, after: UUID, limit: int
) -> tuple[list[UUID], UUID | None]:
    """Return which of the next members by id are known, and by this store only; and after whom it goes on, None at the
    end.
    """
    values = {"after": after, "limit": limit, "number": str(store.number), "store": store.id}
    rows = connection.execute(_PAGE, values).all()
    return [row[0] for row in rows if row[1]], rows[-1][0] if len(rows) == limit else None
