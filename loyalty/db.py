"""The database: one metadata for all tables, one engine, transactions that see one account only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import Connection, CursorResult, Engine, ForeignKeyConstraint, MetaData, create_engine, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import DateTime

from loyalty.values import AccountId

APP_ROLE = "laurel_app"
PUBLISHED = "laurel_published"
"""Key of `Connection.info`: a number that every program version and every correction changes, as it was when the
transaction began.
"""
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)
Instant = DateTime(timezone=True)
Json = JSONB(none_as_null=True)
Row = dict[str, Any]
Answer = TypeVar("Answer")


def belongs_to(table: str, *columns: str) -> ForeignKeyConstraint:
    """Return a foreign key that carries the account: (account_id, column) of `table`'s (account_id, id)."""
    return ForeignKeyConstraint(["account_id", *columns], [f"{table}.account_id", f"{table}.id"])


_STEADY = text("set transaction isolation level repeatable read read only")


class Database:
    """Opens transactions as `laurel_app`, each bound to one account by row-level security, or to none."""

    def __init__(self, url: str, *, assume_role: bool = False, pool_size: int = 10) -> None:
        """`assume_role`: the URL logs in as the owner of the tables, so every transaction first becomes
        `laurel_app`.
        """
        shared: dict[str, Any] = {"hide_parameters": True, "json_deserializer": orjson.loads}
        self.engine: Engine = create_engine(url, pool_size=pool_size, max_overflow=5, **shared)
        self._begin = text("select laurel_begin(:account, :role)")
        self._role = APP_ROLE if assume_role else None
        # A pool of its own: to switch a connection to autocommit and back costs a third of such a request.
        self._alone = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=5,
            isolation_level="AUTOCOMMIT",
            pool_reset_on_return=None,
            **shared,
        )

    @contextmanager
    def transaction(self, account: AccountId | UUID | None, *, steady: bool = False) -> Iterator[Connection]:
        """Commit at the end, roll back on any error; None sees no tenant's rows and may only call named functions.

        `steady`: every statement sees the database as it was at the first one; for reports, nothing may be written.
        """
        with self.engine.begin() as connection:
            if steady:
                connection.execute(_STEADY)
            published = connection.execute(self._begin, {"account": account, "role": self._role}).scalar_one()
            connection.info[PUBLISHED] = published
            yield connection

    def single_statement(self, statement: Callable[[Connection], Answer]) -> Answer:
        """Run one statement that binds its account itself, or needs none; durable when this returns.

        A pooled connection that died meanwhile is replaced once: the statement must bear being repeated.
        """
        try:
            return self._run_alone(statement)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return self._run_alone(statement)

    def _run_alone(self, statement: Callable[[Connection], Answer]) -> Answer:
        if self._role is None:
            # Its own transaction, without the round trips of begin and commit.
            with self._alone.connect() as connection:
                return statement(connection)
        with self.engine.begin() as connection:
            connection.execute(text(f"set local role {self._role}"))
            return statement(connection)

    def is_migrated(self) -> bool:
        """Return whether the tables are there."""
        found = text("select to_regclass('public.accounts') is not null")
        return bool(self.single_statement(lambda connection: connection.execute(found).scalar_one()))

    def dispose(self, *, close: bool = True) -> None:
        """Drop the pool; `close=False` after a fork leaves the parent's connections alone."""
        self.engine.dispose(close=close)
        self._alone.dispose(close=close)


def dicts(result: CursorResult[Any]) -> list[Row]:
    """Return all rows of a result as dicts of their own."""
    names = tuple(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result.all()]


def records(types: Mapping[str, str], rows: Sequence[Row], name: str = "rows") -> tuple[str, dict[str, str]]:
    """Return a table function over rows with columns of these PostgreSQL types, and its one parameter.

    All rows travel as one JSON text: one statement whatever their number, and several times faster than arrays.
    """
    columns = ", ".join(f"{column} {kind}" for column, kind in types.items())
    data = orjson.dumps(rows, default=_plain).decode()
    return f"jsonb_to_recordset(cast(:{name} as jsonb)) as {name}({columns})", {name: data}


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return "\\x" + bytes(value).hex()
    raise TypeError(f"{type(value).__name__} does not fit into a row")


def json_text(value: Any) -> str:
    """Return compact JSON for a jsonb parameter."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
