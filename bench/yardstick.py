"""The yardstick of the drain: set-based SQL that writes every row that the drain writes, in the same batches."""

from __future__ import annotations

from time import perf_counter

from sqlalchemy import Connection, text

from bench.stage import Place
from bench.statements import read_statements
from loyalty.engine.verify import verify_ledger
from loyalty.values import AccountId
from workers.runtime import Runtime

_STATEMENTS = read_statements("yardstick.sql", "account", "batch")
_PARSED = (
    "message_id bigint, store_id uuid, external_id text, order_key text, customer text, email text, phone text,"
    " name text, region text, number text, at timestamptz, points bigint, base numeric, snapshot jsonb,"
    " explanation jsonb"
)
_RATED = f"{_PARSED}, member_id uuid, member_key text, balance bigint, sequence integer, nth integer"
_TABLES = (
    "orders", "members", "member_identities", "ledger_entries", "lots", "tier_periods", "lot_consumptions",
    "coupons", "pushes", "inbox_messages",
)  # fmt: skip


def drain_by_sql(runtime: Runtime, account: AccountId, batch: int) -> tuple[int, float]:
    """Process an account's waiting messages by bare SQL; return how many, and the seconds."""
    done, started = 0, perf_counter()
    while True:
        with runtime.database.transaction(account) as connection:
            claimed = _drain_batch(connection, account, batch)
        if not claimed:
            return done, perf_counter() - started
        done += claimed


def _drain_batch(connection: Connection, account: AccountId, batch: int) -> int:
    for name, columns in (("parsed", _PARSED), ("rated", _RATED)):
        connection.execute(text(f"create temp table if not exists {name} ({columns}) on commit delete rows"))
    values = {"account": account, "batch": batch}
    claim, *others = _STATEMENTS
    claimed = connection.execute(claim, values).rowcount
    for statement in others if claimed else ():
        connection.execute(statement, values)
    return claimed


def check_same_rows(runtime: Runtime, ours: AccountId, theirs: AccountId, place: Place) -> None:
    """Raise AssertionError unless both accounts hold equally many rows, bytes and points, and proven ledgers."""
    for table in _TABLES:
        drained, measured = (_size(place, table, account) for account in (ours, theirs))
        assert drained == measured, (
            f"{table}: rows and bytes are {drained} of the drain, {measured} of the yardstick"
        )
    for account in (ours, theirs):
        with runtime.database.transaction(account) as connection:
            found = verify_ledger(connection, account, rebuild=True).differences
        assert not found, found[:3]
    assert _points(place, ours) == _points(place, theirs)


def _size(place: Place, table: str, account: AccountId) -> tuple[int, int]:
    query = (
        f"select count(*) as n, coalesce(sum(pg_column_size({table}.*)), 0) as bytes from {table}"
        f" where account_id = '{account}'"
    )
    found = place.rows(query)[0]
    return int(found["n"]), int(found["bytes"])


def _points(place: Place, account: AccountId) -> int:
    query = f"select coalesce(sum(points_sum), 0) as n from members where account_id = '{account}'"
    return int(place.rows(query)[0]["n"])
