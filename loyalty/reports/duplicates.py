"""Members who may be one person: the same e-mail address, the same phone, or the same name in the same region."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

# E-mails are compared trimmed and in lower case, phones by their digits, names without spaces and case.
_DUPLICATES = text(
    "with known as (select id, lower(btrim(email)) as email, regexp_replace(phone, '[^0-9+]', '', 'g') as phone,"
    "   lower(regexp_replace(name, '\\s', '', 'g')) as name, region from members where merged_into is null),"
    " marks as ("
    "   select id, 'email' as by, email as value from known where email like '%_@_%'"
    "     and email not like '%.invalid' and email not like '%@localhost'"
    "   union all select id, 'phone', phone from known where length(phone) > 6"
    "   union all select id, 'name', name || ' ' || region from known where name <> '' and region <> ''),"
    " shared as (select by, value, array_agg(id order by id) as members from marks"
    "   group by by, value having count(*) > 1)"
    " select by, members, by || ':' || md5(value) as place from shared"
    " where cast(:after as text) is null or by || ':' || md5(value) > :after"
    " order by by || ':' || md5(value) limit :limit"
)


def list_duplicates(connection: Connection, after: str | None, limit: int) -> list[dict[str, Any]]:
    """Return groups of members who share something, and by what: `email`, `phone` or `name`; nobody who is merged.

    `place` is where the next page begins.
    """
    rows = connection.execute(_DUPLICATES, {"after": after, "limit": limit}).mappings()
    return [dict(row) for row in rows]
