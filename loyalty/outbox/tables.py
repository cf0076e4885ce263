"""Table of pushes: what a shop has to do, each with its outcome."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)

from loyalty.db import Instant, Json, belongs_to, metadata

pushes = Table(
    "pushes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("store_id", Uuid, nullable=False),
    Column("member_id", Uuid),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("command", Json, nullable=False),
    Column("status", Text, nullable=False, server_default="waiting"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", Instant),
    Column("leased_until", Instant),
    Column("reason", Text, nullable=False, server_default=""),
    Column("detail", Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False, server_default=func.now()),
    Column("done_at", Instant),
    Column("tried", Boolean, nullable=False, server_default="false"),
    belongs_to("stores", "store_id"),
    Index(
        "ix_pushes_waiting", "store_id", "id", postgresql_where=text("status = 'waiting'")
    ),  # claim of a store
    Index(
        "ix_pushes_subject", "account_id", "subject", postgresql_where=text("status = 'waiting'")
    ),  # a newer push of the same subject replaces the waiting one
    Index(
        "uq_pushes_mark_order",
        "account_id",
        "subject",
        unique=True,
        postgresql_where=text("kind = 'mark_order'"),
    ),  # an order is marked once
    Index(
        "ix_pushes_failed", "account_id", "subject", "id", postgresql_where=text("status = 'failed'")
    ),  # what is newer than a failed push is kept, so that the failed one is not retried
    Index("ix_pushes_status", "account_id", "status", "id"),  # GET /pushes?status=
    Index(
        "ix_pushes_credit",
        "account_id",
        "member_id",
        "id",
        postgresql_where=text("kind = 'add_store_credit'"),
    ),  # what was credited before
    CheckConstraint("status in ('waiting', 'done', 'failed', 'superseded')", name="status"),
    comment="subject: what the push is about (a code, a member's tier); the newest of a subject wins; tried: an earlier"
    " try may have been carried out",
)
