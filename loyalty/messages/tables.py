"""Table of messages: who must be told what and why, once for each cause."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from loyalty.db import Instant, Json, belongs_to, metadata

messages = Table(
    "messages",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("member_id", Uuid, nullable=False),
    Column("cause", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("program_version", Integer, nullable=False),
    Column("data", Json, nullable=False),
    Column("caused_at", Instant, nullable=False),
    Column("noted_at", Instant, nullable=False),
    Column("status", Text, nullable=False),
    belongs_to("members", "member_id"),
    UniqueConstraint("account_id", "member_id", "cause"),  # once each, whatever is repeated (U93)
    Index("ix_messages_account", "account_id", "id"),  # GET /messages, newest first
    CheckConstraint("kind in ('message', 'webhook')", name="kind"),
    CheckConstraint("status in ('queued', 'sent', 'skipped')", name="status"),
    comment="target: a text's key in the program, or an address; skipped: found too long after its cause",
)
