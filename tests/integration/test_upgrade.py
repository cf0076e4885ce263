"""Data of the first release through every migration since: nothing is lost, everybody is folded anew."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from builders import make_document, make_runtime
from databases import Database

from embedded import ServerUrls
from loyalty.programs.service import load_versions
from loyalty.reports.standing import read_standings
from loyalty.values import AccountId
from workers.draining import refold_account

PROJECT = Path(__file__).resolve().parents[2]
ACCOUNT, MEMBER = AccountId(UUID(int=1)), UUID(int=2)
NOON = "2026-03-10T04:00:00+00:00"
HEAD = f'{{"place": ["{NOON}", 4, 0, 1, ""], "periods": [["regular", 1, "{NOON}", "joined", false]], "marked": []}}'
FIRST_RELEASE = (
    "insert into accounts (id, key, name, currency, time_zone, decimals, coupon_key, commands)"
    " values (%(account)s, 'a', 'A', 'TWD', 'Asia/Taipei', 0, %(key)s, 1)",
    "insert into program_versions (account_id, version, effective_from, document, currency, time_zone, decimals)"
    " values (%(account)s, 1, '2020-01-01T00:00Z', %(document)s, 'TWD', 'Asia/Taipei', 0)",
    "insert into members (id, account_id, key, joined_at, head, settled_at, tier_key, points_sum, next_lot, enrolled)"
    " values (%(member)s, %(account)s, 'customer:1:7', %(noon)s, %(head)s, %(noon)s, 'regular', 300, 2, true)",
    "insert into adjustments values (%(account)s, 1, %(member)s, %(noon)s, 300, 'gift', 'staff', true)",
    "insert into ledger_entries (id, account_id, member_id, entry_key, cause, kind, points, balance_after, reason,"
    " program_version, explanation, effective_at, content_sha256)"
    " values (%(member)s, %(account)s, %(member)s, 'adjustment:1#0', 'adjustment:1', 'adjustment', 300, 300,"
    " 'adjusted', 1, '{}', %(noon)s, sha256('x'))",
    "insert into lots (id, account_id, member_id, cause, sequence, created_at, available_from, points, remaining)"
    " values (%(member)s, %(account)s, %(member)s, 'adjustment:1', 1, %(noon)s, %(noon)s, 300, 300)",
)


def migrate(database: Database, revision: str) -> None:
    environ = {
        **os.environ, "DATABASE_URL": database.app_url, "DATABASE_OWNER_URL": database.owner_url,
        "REDIS_URL": "redis://127.0.0.1:1",
    }  # fmt: skip
    argv = [sys.executable, "-m", "alembic", "upgrade", revision]
    done = subprocess.run(argv, cwd=PROJECT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_the_first_release_knew_is_still_known(servers: ServerUrls, empty_database: Database) -> None:
    migrate(empty_database, "0001_first_release")
    runtime = make_runtime(empty_database.app_url, empty_database.owner_url, servers.redis)
    values = {
        "account": ACCOUNT, "member": MEMBER, "noon": NOON, "head": HEAD, "key": runtime.vault.seal(b"k" * 32),
        "document": psycopg.types.json.Json(make_document()),
    }  # fmt: skip
    with psycopg.connect(empty_database.superuser_url.replace("+psycopg", "")) as connection:
        for statement in FIRST_RELEASE:
            connection.execute(statement, values)
    migrate(empty_database, "head")
    now = datetime(2026, 11, 1, tzinfo=UTC)
    try:
        with runtime.database.transaction(ACCOUNT) as reading:
            assert len(load_versions(reading, ACCOUNT).programs) == 1
            before = read_standings(reading, ACCOUNT, [MEMBER], now)
        assert refold_account(runtime, ACCOUNT, now) == 1
        with runtime.database.transaction(ACCOUNT) as reading:
            after = read_standings(reading, ACCOUNT, [MEMBER], now)
    finally:
        runtime.database.dispose()
    assert before[0].balance.available == after[0].balance.available == 300
    assert before[0].tier == after[0].tier
    assert after[0].metrics.points == 300


@pytest.mark.parametrize(("kind", "again"), [("free_shipping", True), ("free_product", False)])
def test_members_of_programs_with_free_shipping_as_a_reward_are_folded_again(
    empty_database: Database, kind: str, again: bool
) -> None:
    migrate(empty_database, "0004_campaign_corrections")
    document = make_document(rewards=[{"key": "gift", "kind": kind}])
    values = {
        "account": ACCOUNT, "member": MEMBER, "noon": NOON, "head": HEAD, "key": b"k",
        "document": psycopg.types.json.Json(document),
    }  # fmt: skip
    with psycopg.connect(empty_database.superuser_url.replace("+psycopg", "")) as connection:
        for statement in FIRST_RELEASE[:3]:
            connection.execute(statement, values)
    migrate(empty_database, "0005_standing_codes")
    with psycopg.connect(empty_database.superuser_url.replace("+psycopg", "")) as connection:
        assert connection.execute("select must_refold from members").fetchone() == (again,)


def test_pushes_that_were_tried_before_may_have_been_carried_out(empty_database: Database) -> None:
    migrate(empty_database, "0021_matured")
    values = {"account": ACCOUNT, "member": MEMBER, "key": b"k"}
    address = empty_database.superuser_url.replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        connection.execute(FIRST_RELEASE[0], values)
        connection.execute(
            "insert into stores (id, account_id, key, name, platform, url, number, credentials, webhook_secrets,"
            " webhook_token, time_zone, decimals, prices_include_tax)"
            " values (%(member)s, %(account)s, 's', 'S', 'woocommerce', 'https://s.example', 1, 'x', 'x', 't', 'UTC',"
            " 0, false)",
            values,
        )
        for attempts in (1, 2):
            connection.execute(
                "insert into pushes (account_id, store_id, kind, subject, command, attempts)"
                " values (%(account)s, %(member)s, 'put_coupon', 'coupon:x', '{}', %(attempts)s)",
                {**values, "attempts": attempts},
            )
    migrate(empty_database, "0022_tried")
    with psycopg.connect(address) as connection:
        found = connection.execute("select attempts, tried from pushes order by attempts").fetchall()
    assert found == [(1, False), (2, True)]


IMPORTED = (
    "insert into imports (account_id, key, is_dry, state, columns, ignored, reason, actor)"
    " values (%(account)s, 'import', false, 'done', '[]', '[]', 'imported', 'a')",
    "update members set registered = true",
    "insert into import_rows (account_id, import_id, row_number, subject, key, member_id, command, is_new)"
    " values (%(account)s, 1, 2, 'customer:1:7', 'import', %(member)s, 1, %(made)s)",
)


@pytest.mark.parametrize(("made", "by"), [(True, 1), (False, None)])
def test_members_whom_an_earlier_import_made_are_registered_by_it(
    empty_database: Database, made: bool, by: int | None
) -> None:
    migrate(empty_database, "0022_tried")
    values = {
        "account": ACCOUNT, "member": MEMBER, "noon": NOON, "head": HEAD, "key": b"k", "made": made,
    }  # fmt: skip
    address = empty_database.superuser_url.replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        for statement in (FIRST_RELEASE[0], FIRST_RELEASE[2], *IMPORTED):
            connection.execute(statement, values)
    migrate(empty_database, "head")
    with psycopg.connect(address) as connection:
        found = connection.execute("select registered_by, registers from members, import_rows").fetchone()
    assert found == (by, made)


def test_a_migration_waits_for_a_busy_table_and_comes_again(empty_database: Database) -> None:
    migrate(empty_database, "0015_credit")
    address = empty_database.superuser_url.replace("+psycopg", "")
    with psycopg.connect(address) as busy:
        busy.execute("lock table pushes in access exclusive mode")
        release = threading.Timer(5, busy.commit)
        release.start()
        migrate(empty_database, "0018_imports")
        release.join()
    with psycopg.connect(address) as connection:
        assert connection.execute("select version_num from alembic_version").fetchone() == ("0018_imports",)
