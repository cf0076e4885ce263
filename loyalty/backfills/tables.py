"""Table of backfills: what was asked, and how far it is."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, Table, Text, Uuid, text

from loyalty.db import Instant, Json, belongs_to, metadata

backfills = Table(
    "backfills",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("store_id", Uuid, nullable=False),
    Column("since", Instant),
    Column("tiers_only", Boolean, nullable=False),
    Column("preview", Boolean, nullable=False),
    Column("state", Text, nullable=False, server_default="running"),
    Column("cursor", Text, nullable=False, server_default=""),
    Column("total", BigInteger, nullable=False, server_default="0"),
    Column("seen", BigInteger, nullable=False, server_default="0"),
    Column("figures", Json, nullable=False, server_default=text("'{}'::jsonb")),
    Column("problem", Text, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("actor", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("not_before", Instant),
    Column("leased_until", Instant),
    Column("finished_at", Instant),
    belongs_to("stores", "store_id"),
    Index("ix_backfills_account", "account_id", "id"),  # GET /backfills
    Index(
        "ix_backfills_running", "store_id", unique=True, postgresql_where=text("state = 'running'")
    ),  # one at a time, and the clock: what was interrupted
    CheckConstraint("state in ('running', 'done', 'failed')", name="state"),
    comment="since: placed before it is left alone; cursor: where the reading goes on; figures: what a preview found",
)
