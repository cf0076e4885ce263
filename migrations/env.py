"""Run the migrations as the owner of the tables: one at a time, in one transaction each, never waiting
long for a lock.
"""

from __future__ import annotations

import importlib
import os

from alembic import context
from sqlalchemy import create_engine, pool, text

from loyalty.config import load_settings
from loyalty.db import metadata

TOPICS = (
    "accounts", "stores", "programs", "members", "orders", "ledger",
    "credit", "earning", "tiers", "rewards", "inbox", "outbox", "activity", "notices", "mails", "automations",
    "messages", "referrals", "community", "incidents", "imports",
)  # fmt: skip
ONE_AT_A_TIME = 0x1A_0E_1


def run() -> None:
    """Upgrade the database of DATABASE_OWNER_URL, or of DATABASE_URL when that migrates too."""
    settings = load_settings(os.environ, need_servers=True)
    for topic in TOPICS:
        importlib.import_module(f"loyalty.{topic}.tables")
    engine = create_engine(settings.database_owner_url or settings.database_url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": ONE_AT_A_TIME})
        connection.execute(text("set lock_timeout = '4s'"))
        connection.commit()
        context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()


run()
