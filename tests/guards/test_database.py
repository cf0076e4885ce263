"""Row-level security, the two roles, and migrations that agree with the tables."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from databases import Database
from sqlalchemy import Connection, create_engine, text

from loyalty import db
from loyalty.accounts import tables as _accounts  # noqa: F401
from loyalty.activity import tables as _activity  # noqa: F401
from loyalty.automations import tables as _automations  # noqa: F401
from loyalty.backfills import tables as _backfills  # noqa: F401
from loyalty.community import tables as _community  # noqa: F401
from loyalty.credit import tables as _credit  # noqa: F401
from loyalty.earning import tables as _earning  # noqa: F401
from loyalty.imports import tables as _imports  # noqa: F401
from loyalty.inbox import tables as _inbox  # noqa: F401
from loyalty.incidents import tables as _incidents  # noqa: F401
from loyalty.ledger import tables as _ledger  # noqa: F401
from loyalty.mails import tables as _mails  # noqa: F401
from loyalty.members import tables as _members  # noqa: F401
from loyalty.messages import tables as _messages  # noqa: F401
from loyalty.notices import tables as _notices  # noqa: F401
from loyalty.orders import tables as _orders  # noqa: F401
from loyalty.outbox import tables as _outbox  # noqa: F401
from loyalty.privacy import tables as _privacy  # noqa: F401
from loyalty.programs import tables as _programs  # noqa: F401
from loyalty.reconciliation import tables as _reconciliation  # noqa: F401
from loyalty.referrals import tables as _referrals  # noqa: F401
from loyalty.rewards import tables as _rewards  # noqa: F401
from loyalty.stores import tables as _stores  # noqa: F401
from loyalty.tiers import tables as _tiers  # noqa: F401

PROJECT = Path(__file__).resolve().parents[2]
ACROSS_ACCOUNTS = {
    "laurel_begin", "laurel_find_store_by_token", "laurel_find_store_by_key", "laurel_find_api_key", "laurel_accept",
    "laurel_due_work", "laurel_waiting", "laurel_stores", "laurel_due_members", "laurel_published",
    "laurel_alarms", "laurel_unfinished", "laurel_reconciled", "laurel_due_imports", "laurel_sealed",
    "laurel_find_store_by_shop",
}  # fmt: skip


@pytest.fixture
def app(database: Database) -> Iterator[Connection]:
    engine = create_engine(database.app_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_app_role_is_no_superuser_and_owns_nothing(app: Connection) -> None:
    role = app.execute(
        text("select rolsuper, rolbypassrls, rolname from pg_roles where rolname = current_user")
    ).one()
    owned = app.execute(text("select count(*) from pg_class where relowner = (select oid from pg_roles"
                             " where rolname = current_user)")).scalar_one()  # fmt: skip
    assert (*role, owned) == (False, False, "laurel_app", 0)


def test_every_table_of_a_tenant_has_its_policy_forced(app: Connection) -> None:
    lacking = app.execute(
        text(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
            " and relname <> 'alembic_version' and not (relrowsecurity and relforcerowsecurity and exists ("
            "   select from pg_policies where tablename = relname and policyname = 'of_account'))".replace(
                "::", r"\:\:"
            )
        )
    ).scalars()
    assert list(lacking) == []


def test_policies_across_accounts_are_the_owners_only(app: Connection) -> None:
    roles = app.execute(
        text("select distinct roles from pg_policies where policyname <> 'of_account'")
    ).scalars()
    assert all("laurel_app" not in named and "public" not in named for named in roles)


def test_only_the_named_functions_are_there(app: Connection) -> None:
    names = app.execute(text("select proname from pg_proc where proname like 'laurel%'")).scalars()
    assert set(names) == ACROSS_ACCOUNTS


@pytest.mark.parametrize("table", [table.name for table in db.metadata.sorted_tables])
def test_without_an_account_nothing_is_seen(app: Connection, table: str) -> None:
    app.execute(text("select laurel_begin(null, null)"))
    assert app.execute(text(f"select count(*) from {table}")).scalar_one() == 0


def test_setting_of_an_earlier_transaction_shows_nothing(app: Connection) -> None:
    app.execute(text("select laurel_begin(:account, null)"), {"account": UUID(int=5)})
    app.commit()
    assert app.execute(text("select count(*) from members")).scalar_one() == 0


@pytest.mark.parametrize(
    "table",
    ["ledger_entries", "credit_entries", "seals", "commands", "activities", "program_versions", "consents"],
)
def test_app_role_may_not_change_what_is_posted(app: Connection, table: str) -> None:
    rights = app.execute(
        text("select has_table_privilege(:table, 'update'), has_table_privilege(:table, 'delete')"),
        {"table": table},
    ).one()
    assert tuple(rights) == (False, False)


def test_tables_and_migrations_agree(database: Database) -> None:
    environ = {
        **os.environ,
        "DATABASE_URL": database.app_url,
        "DATABASE_OWNER_URL": database.owner_url,
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    argv = [sys.executable, "-m", "alembic", "check"]
    done = subprocess.run(argv, cwd=PROJECT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
