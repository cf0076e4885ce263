"""Run the migrations as the owner of the tables: one at a time, in one transaction each, never waiting
long for a lock.
"""

from __future__ import annotations

import importlib
import os
import sys
import time

from alembic import context
from psycopg.errors import LockNotAvailable
from sqlalchemy import Engine, create_engine, pool, text
from sqlalchemy.exc import OperationalError

from loyalty.config import load_settings
from loyalty.db import metadata

TOPICS = (
    "accounts", "stores", "programs", "members", "orders", "ledger",
    "credit", "earning", "tiers", "rewards", "inbox", "outbox", "activity", "notices", "mails", "automations",
    "messages", "referrals", "community", "incidents", "reconciliation", "backfills", "imports",
    "privacy",
)  # fmt: skip
ONE_AT_A_TIME = 0x1A_0E_1
LOCK_TIMEOUT = "4s"
"""Whoever waits for a lock of a table keeps everybody else waiting behind him."""
TRIES = 10
PAUSE = 2
"""Seconds in which the others go on."""


def run() -> None:
    """Upgrade the database of DATABASE_OWNER_URL, or of DATABASE_URL when that migrates too."""
    settings = load_settings(os.environ, need_servers=True)
    for topic in TOPICS:
        importlib.import_module(f"loyalty.{topic}.tables")
    engine = create_engine(settings.database_owner_url or settings.database_url, poolclass=pool.NullPool)
    for tries_left in reversed(range(TRIES)):
        try:
            _upgrade(engine)
            return
        except (OperationalError, LockNotAvailable) as error:
            if not tries_left or not isinstance(getattr(error, "orig", error), LockNotAvailable):
                raise
            sys.stderr.write(f"a table is in use; trying again in {PAUSE} s, {tries_left} times at most\n")
        time.sleep(PAUSE)


def _upgrade(engine: Engine) -> None:
    """Run what is missing, each migration in a transaction of its own; what was done before a failure stays done."""
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": ONE_AT_A_TIME})
        connection.execute(text(f"set lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
        context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()


run()
