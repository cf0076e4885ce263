"""The database: one metadata for all tables, one engine, transactions that see one account only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, ForeignKeyConstraint, MetaData, create_engine, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import DateTime

from loyalty.values import AccountId

APP_ROLE = "laurel_app"
PUBLISHED = "laurel_published"
"""Key of `Connection.info`: how many program versions the account had when the transaction began."""
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


def belongs_to(table: str, *columns: str) -> ForeignKeyConstraint:
    """Return a foreign key that carries the account: (account_id, column) of `table`'s (account_id, id)."""
    return ForeignKeyConstraint(["account_id", *columns], [f"{table}.account_id", f"{table}.id"])


class Database:
    """Opens transactions as `laurel_app`, each bound to one account by row-level security, or to none."""

    def __init__(self, url: str, *, assume_role: bool = False, pool_size: int = 10) -> None:
        """`assume_role`: the URL logs in as the owner of the tables, so every transaction first becomes
        `laurel_app`.
        """
        self.engine: Engine = create_engine(url, pool_size=pool_size, max_overflow=5, pool_pre_ping=False)
        self._begin = text("select laurel_begin(:account, :role)")
        self._role = APP_ROLE if assume_role else None

    @contextmanager
    def transaction(self, account: AccountId | UUID | None) -> Iterator[Connection]:
        """Commit at the end, roll back on any error; None sees no tenant's rows and may only call named functions."""
        with self.engine.begin() as connection:
            published = connection.execute(self._begin, {"account": account, "role": self._role}).scalar_one()
            connection.info[PUBLISHED] = published
            yield connection

    def dispose(self, *, close: bool = True) -> None:
        """Drop the pool; `close=False` after a fork leaves the parent's connections alone."""
        self.engine.dispose(close=close)


def unnest(types: Mapping[str, str], rows: Sequence[Row]) -> tuple[str, dict[str, Any]]:
    """Return `unnest(…) as rows(…)` over columns of these PostgreSQL types, and its parameters: one
    statement, any size.

    Values of jsonb columns must be JSON text. An array column cannot be unnested: keep lists as jsonb.
    """
    arrays = ", ".join(f"cast(:{name} as {kind}[])" for name, kind in types.items())
    columns = ", ".join(types)
    return f"unnest({arrays}) as rows({columns})", {name: [row[name] for row in rows] for name in types}


def json_text(value: Any) -> str:
    """Return compact JSON for a jsonb parameter."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
