"""Seals and what they are made of: entries by sequence, transactions that run, and the mark of an earlier run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, text

from loyalty.ledger.seal import Book, Leaf, Seal, Through
from loyalty.values import AccountId

TABLES = {Book.POINTS: "ledger_entries", Book.CREDIT: "credit_entries"}
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Mark:
    """What had been drawn when an earlier run looked, and that run's own transaction, which began to write after it."""

    drawn: Through
    transaction: int


def try_lock(connection: Connection, account: AccountId) -> bool:
    """Return whether nobody else seals this account until the transaction's end."""
    statement = text("select pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
    return bool(connection.execute(statement, {"name": f"seal:{account}"}).scalar_one())


def find_last_seal(connection: Connection) -> Seal | None:
    """Return the account's newest seal."""
    row = connection.execute(text("select * from seals order by number desc limit 1")).mappings().first()
    return _seal(row) if row else None


def list_seals(connection: Connection) -> Iterator[Seal]:
    """Return the account's seals by number, read page by page."""
    statement = text("select * from seals where number > :after order by number limit :limit")
    after = 0
    while rows := connection.execute(statement, {"after": after, "limit": PAGE}).mappings().all():
        yield from map(_seal, rows)
        after = rows[-1]["number"]


def list_leaves(connection: Connection, book: Book, after: int, through: int, limit: int) -> list[Leaf]:
    """Return the entries of a book after one sequence and up to another, as leaves."""
    statement = text(
        f"select sequence, posted_at, content_sha256 from {TABLES[book]}"
        " where sequence > :after and sequence <= :through order by sequence limit :limit"
    )
    values = {"after": after, "through": through, "limit": limit}
    return [
        Leaf(book, sequence, posted_at, bytes(content))
        for sequence, posted_at, content in connection.execute(statement, values)
    ]


def has_entries_after(connection: Connection, through: Through) -> bool:
    """Return whether anything is posted that lies in no seal."""
    statement = text(
        "select exists (select from ledger_entries where sequence > :points)"
        " or exists (select from credit_entries where sequence > :credit)"
    )
    values = {"points": through.points, "credit": through.credit}
    return bool(connection.execute(statement, values).scalar_one())


def read_drawn(connection: Connection) -> Through:
    """Return the newest sequences that anybody drew, of all accounts and also of transactions that still run."""
    names = ", ".join(
        f"coalesce(pg_sequence_last_value('{table}_sequence_seq'), 0)" for table in TABLES.values()
    )
    return Through(*connection.execute(text(f"select {names}")).one())


def number_transaction(connection: Connection) -> int:
    """Give this transaction its number among those that write, if it has none, and return it."""
    statement = text("select cast(cast(pg_current_xact_id() as text) as bigint)")
    return int(connection.execute(statement).scalar_one())


def read_oldest_transaction(connection: Connection) -> int:
    """Return the number of the oldest transaction that writes and has not ended; this one's own counts.

    The snapshot's xmax would not do for "the next one": it lies behind the newest that ended, not that began.
    """
    statement = text("select cast(cast(pg_snapshot_xmin(pg_current_snapshot()) as text) as bigint)")
    return int(connection.execute(statement).scalar_one())


def find_mark(connection: Connection) -> Mark | None:
    """Return what an earlier run marked."""
    row = connection.execute(text("select points, credit, transaction from seal_marks")).first()
    return Mark(Through(row[0], row[1]), row[2]) if row else None


def put_mark(connection: Connection, account: AccountId, mark: Mark) -> None:
    """Mark what is drawn, for a later run."""
    statement = text(
        "insert into seal_marks (account_id, points, credit, transaction)"
        " values (:account, :points, :credit, :transaction)"
        " on conflict (account_id) do update set points = excluded.points, credit = excluded.credit,"
        " transaction = excluded.transaction"
    )
    drawn = {"points": mark.drawn.points, "credit": mark.drawn.credit}
    connection.execute(statement, {"account": account, "transaction": mark.transaction, **drawn})


def add_seal(connection: Connection, account: AccountId, seal: Seal) -> None:
    """Write a seal."""
    statement = text(
        "insert into seals (account_id, number, sealed_at, points_through, credit_through, entries, root, previous,"
        " sha256) values (:account, :number, :at, :points, :credit, :entries, :root, :previous, :sha256)"
    )
    values = {
        "account": account,
        "number": seal.number,
        "at": seal.sealed_at,
        "points": seal.through.points,
        "credit": seal.through.credit,
        "entries": seal.entries,
        "root": seal.root,
        "previous": seal.previous,
        "sha256": seal.sha256,
    }
    connection.execute(statement, values)


def _seal(row: RowMapping) -> Seal:
    return Seal(
        number=row["number"],
        sealed_at=row["sealed_at"],
        through=Through(row["points_through"], row["credit_through"]),
        entries=row["entries"],
        root=bytes(row["root"]),
        previous=bytes(row["previous"]),
        sha256=bytes(row["sha256"]),
    )
