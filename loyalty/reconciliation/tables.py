"""Table of reconciliations: each pass over a shop, and the differences it found."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Table, Text, Uuid, text

from loyalty.db import Instant, Json, belongs_to, metadata

reconciliations = Table(
    "reconciliations",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("store_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="running"),
    Column("stage", Text, nullable=False, server_default=""),
    Column("cursor", Text, nullable=False, server_default=""),
    Column("seen", BigInteger, nullable=False, server_default="0"),
    Column("found", BigInteger, nullable=False, server_default="0"),
    Column("differences", Json, nullable=False, server_default=text("'{}'::jsonb")),
    Column("examples", Json, nullable=False, server_default=text("'[]'::jsonb")),
    Column("problem", Text, nullable=False, server_default=""),
    Column("started_at", Instant, nullable=False),
    Column("leased_until", Instant),
    Column("finished_at", Instant),
    belongs_to("stores", "store_id"),
    Index("ix_reconciliations_account", "account_id", "id"),  # GET /reconciliations
    Index(
        "ix_reconciliations_running",
        "store_id",
        "kind",
        unique=True,
        postgresql_where=text("state = 'running'"),
    ),  # one at a time, and the clock: what was interrupted
    Index("ix_reconciliations_started_at", "started_at"),  # /metrics, and which are old
    CheckConstraint("kind in ('poll', 'recent', 'deep')", name="kind"),
    CheckConstraint("state in ('running', 'done', 'failed')", name="state"),
    comment="stage and cursor: where a run goes on that was interrupted; differences: how many of each reason",
)
