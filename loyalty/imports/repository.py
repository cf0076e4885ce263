"""Imports in bulk: files that wait, their parts, and what came of their rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text, Uuid

from loyalty.db import Row, json_text, records
from loyalty.errors import NotFound

_ROW = {
    "row_number": "integer", "subject": "text", "key": "text", "member_id": "uuid", "command": "integer",
    "is_new": "boolean", "registers": "boolean", "link": "jsonb",
}  # fmt: skip
_ERROR = {"row_number": "integer", "mistakes": "jsonb", "cells": "jsonb"}
_SHOWN = (
    "id, key, is_dry, file_name, state, columns, ignored, rows, valid, created, invalid, undone, points, reason, actor,"
    " created_at, finished_at, undone_at"
)


def add_import(connection: Connection, account: UUID, new: Row) -> int:
    """Write a new import and return its number; `new` has store_number, key, is_dry, file_name, columns, ignored,
    reason, actor.
    """
    names = ("store_number", "key", "is_dry", "file_name", "columns", "ignored", "reason", "actor")
    values = {**new, "columns": json_text(new["columns"]), "ignored": json_text(new["ignored"])}
    statement = text(
        f"insert into imports (account_id, state, {', '.join(names)}) values (:account, 'waiting', :store_number, :key,"
        " :is_dry, :file_name, cast(:columns as jsonb), cast(:ignored as jsonb), :reason, :actor) returning id"
    )
    return int(connection.execute(statement, {**values, "account": account}).scalar_one())


def add_part(connection: Connection, account: UUID, number: int, part: int, rows: Sequence[Row]) -> None:
    """Keep the next rows of a file."""
    statement = text(
        "with kept as (insert into import_parts (account_id, import_id, number, rows)"
        " values (:account, :id, :part, cast(:rows as jsonb)))"
        " update imports set parts = :part, rows = rows + :count where id = :id"
    )
    values = {"account": account, "id": number, "part": part, "rows": json_text(rows), "count": len(rows)}
    connection.execute(statement, values)


def claim_import(connection: Connection) -> RowMapping | None:
    """Lock the oldest import that is not done and that nobody works on."""
    statement = text(
        "select * from imports where state in ('waiting', 'linking', 'undoing') order by id limit 1"
        " for no key update skip locked"
    )
    return connection.execute(statement).mappings().first()


def take_part(connection: Connection, number: int, part: int) -> list[Row]:
    """Return the rows of a part and forget it."""
    statement = text("delete from import_parts where import_id = :id and number = :part returning rows")
    found = connection.execute(statement, {"id": number, "part": part}).scalar_one_or_none()
    return list(found or ())


def put_progress(connection: Connection, number: int, changes: Row) -> None:
    """Write how far an import is: columns with their values, of the counted ones what is added."""
    added = ("valid", "created", "invalid", "undone", "points")
    sets = [f"{name} = {name} + :{name}" if name in added else f"{name} = :{name}" for name in changes]
    connection.execute(
        text(f"update imports set {', '.join(sets)} where id = :id"), {**changes, "id": number}
    )


def fail_import(connection: Connection, seen: RowMapping, now: datetime) -> bool:
    """Note that an import failed, unless it is further than it was seen, and forget what waits of it; return whether
    it was noted.
    """
    statement = text(
        "with failed as (update imports set state = 'failed', finished_at = coalesce(finished_at, :now) where id = :id"
        "   and (state, next_part, next_row) = (:state, :part, :row) returning id),"
        " parts as (delete from import_parts using failed where import_id = failed.id),"
        " tried as (delete from import_rows using failed where import_id = failed.id and command is null)"
        " select count(*) from failed"
    )
    values = {"id": seen["id"], "state": seen["state"], "part": seen["next_part"], "row": seen["next_row"]}
    return bool(connection.execute(statement, {**values, "now": now}).scalar_one())


def find_import(connection: Connection, number: int) -> RowMapping | None:
    """Return an import as it stands."""
    return (
        connection.execute(text(f"select {_SHOWN} from imports where id = :id"), {"id": number})
        .mappings()
        .first()
    )


def get_import(connection: Connection, number: int) -> RowMapping:
    """Return an import as it stands; raises NotFound."""
    found = find_import(connection, number)
    if found is None:
        raise NotFound("There is no import of that number.", number=number)
    return found


def lock_import(connection: Connection, number: int) -> RowMapping:
    """Return an import, locked; raises NotFound."""
    statement = text(f"select {_SHOWN} from imports where id = :id for no key update")
    found = connection.execute(statement, {"id": number}).mappings().first()
    if found is None:
        raise NotFound("There is no import of that number.", number=number)
    return found


def list_imports(connection: Connection, before: int | None, limit: int) -> Sequence[RowMapping]:
    """Return imports below a number, newest first."""
    statement = text(
        f"select {_SHOWN} from imports where (cast(:before as bigint) is null or id < :before)"
        " order by id desc limit :limit"
    )
    return connection.execute(statement, {"before": before, "limit": limit}).mappings().all()


def add_rows(connection: Connection, account: UUID, number: int, rows: Sequence[Row]) -> None:
    """Note what came of rows."""
    source, values = records(_ROW, rows)
    names = ", ".join(_ROW)
    statement = text(
        f"insert into import_rows (account_id, import_id, {names}) select :account, :id, {names} from {source}"
    )
    connection.execute(statement, {**values, "account": account, "id": number})


def add_errors(connection: Connection, account: UUID, number: int, rows: Sequence[Row]) -> None:
    """Note what is wrong with rows."""
    source, values = records(_ERROR, rows)
    names = ", ".join(_ERROR)
    statement = text(
        f"insert into import_errors (account_id, import_id, {names}) select :account, :id, {names} from {source}"
        " on conflict (account_id, import_id, row_number) do nothing"
    )
    connection.execute(statement, {**values, "account": account, "id": number})


def list_errors(connection: Connection, number: int, after: int, limit: int) -> Sequence[RowMapping]:
    """Return what is wrong with the next rows of a file, by their numbers."""
    statement = text(
        "select row_number, mistakes, cells from import_errors where import_id = :id and row_number > :after"
        " order by row_number limit :limit"
    )
    return connection.execute(statement, {"id": number, "after": after, "limit": limit}).mappings().all()


def list_subjects(connection: Connection, number: int, subjects: Iterable[str]) -> dict[str, int]:
    """Return the rows of this import that named somebody already."""
    statement = text(
        "select subject, row_number from import_rows where import_id = :id and subject = any(:subjects)"
    ).bindparams(bindparam("subjects", type_=ARRAY(Text)))
    rows = connection.execute(statement, {"id": number, "subjects": list(subjects)})
    return {row.subject: row.row_number for row in rows}


def list_imported(connection: Connection, members: Iterable[UUID], key: str) -> dict[UUID, tuple[int, int]]:
    """Return, of these members, in which row of which import they brought something under this key."""
    statement = text(
        "select member_id, import_id, row_number from import_rows where member_id = any(:ids) and key = :key"
        " and command is not null and undone_at is null"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    rows = connection.execute(statement, {"ids": list(members), "key": key})
    return {row.member_id: (row.import_id, row.row_number) for row in rows}


def list_links(connection: Connection, number: int, after: int, limit: int) -> Sequence[RowMapping]:
    """Return the next rows of an import that say by whom somebody was brought, with whose code it is."""
    statement = text(
        "select row_number, import_rows.member_id, link, codes.member_id as referrer from import_rows"
        " left join referral_codes codes on codes.account_id = import_rows.account_id and codes.code = link->>'code'"
        " where import_id = :id and row_number > :after and link is not null order by row_number limit :limit"
    )
    return connection.execute(statement, {"id": number, "after": after, "limit": limit}).mappings().all()


def claim_rows_to_undo(connection: Connection, number: int, after: int, limit: int) -> Sequence[RowMapping]:
    """Return the next imported rows of an import that stand."""
    statement = text(
        "select row_number, member_id, command from import_rows where import_id = :id and row_number > :after"
        " and command is not null and undone_at is null order by row_number limit :limit"
    )
    return connection.execute(statement, {"id": number, "after": after, "limit": limit}).mappings().all()


def list_registering(connection: Connection, number: int, members: Iterable[UUID]) -> dict[UUID, int]:
    """Return the first other import that stands and by which each of these members would be registered."""
    statement = text(
        "select member_id, min(import_id) as import_id from import_rows where member_id = any(:ids) and registers"
        " and command is not null and undone_at is null and import_id <> :id group by member_id"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    rows = connection.execute(statement, {"ids": list(members), "id": number})
    return {row.member_id: row.import_id for row in rows}


def mark_undone(connection: Connection, number: int, rows: Sequence[int], now: datetime) -> None:
    """Note that what came of these rows was taken back."""
    statement = text(
        "update import_rows set undone_at = :now where import_id = :id and row_number = any(cast(:rows as integer[]))"
    )
    connection.execute(statement, {"id": number, "rows": list(rows), "now": now})


def forget_dry_rows(connection: Connection, number: int) -> None:
    """Forget what a dry run noted of its rows."""
    statement = text("delete from import_rows where import_id = :id and command is null")
    connection.execute(statement, {"id": number})


def forget_errors(connection: Connection, before: datetime, limit: int) -> int:
    """Delete the refused rows of imports that were done before an instant, at most so many; return how many."""
    statement = text(
        "delete from import_errors where (account_id, import_id, row_number) in ("
        " select errors.account_id, import_id, row_number from import_errors errors"
        " join imports on imports.id = errors.import_id where finished_at < :before limit :limit)"
    )
    return connection.execute(statement, {"before": before, "limit": limit}).rowcount


def forget_refused(connection: Connection, mentions: Sequence[str]) -> None:
    """Delete the refused rows in whose cells, in small letters, one of these patterns is found."""
    statement = text(
        "delete from import_errors where lower(cast(cells as text)) ~ any(:mentions)"
    ).bindparams(bindparam("mentions", type_=ARRAY(Text)))
    connection.execute(statement, {"mentions": list(mentions)})


def told(rows: Iterable[tuple[int, list[tuple[str, str]], Any]]) -> list[Row]:
    """Return rows with their mistakes as `add_errors` takes them."""
    return [{"row_number": number, "mistakes": mistakes, "cells": cells} for number, mistakes, cells in rows]
