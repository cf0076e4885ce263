"""Table of inbox messages: what shops sent or answered."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)

from loyalty.db import Instant, belongs_to, metadata

inbox_messages = Table(
    "inbox_messages",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("store_id", Uuid, nullable=False),
    Column("message_key", LargeBinary, nullable=False),
    Column("source", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("delivery_id", Text, nullable=False, server_default=""),
    Column("body", LargeBinary, nullable=False),
    Column("observed_at", Instant),
    Column("received_at", Instant, nullable=False, server_default=func.now()),
    Column("status", Text, nullable=False, server_default="pending"),
    Column("read_kind", Text),
    Column("read_ids", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", Instant),
    Column("leased_until", Instant),
    Column("reason", Text, nullable=False, server_default=""),
    Column("processed_at", Instant),
    belongs_to("stores", "store_id"),
    UniqueConstraint("store_id", "message_key"),  # a repeated delivery is stored once
    Index(
        "ix_inbox_messages_pending", "account_id", "id", postgresql_where=text("status = 'pending'")
    ),  # claim
    Index(
        "ix_inbox_messages_reading", "store_id", "id", postgresql_where=text("status = 'reading'")
    ),  # claim reads
    Index(
        "ix_inbox_messages_oldest", "received_at", postgresql_where=text("status in ('pending', 'reading')")
    ),  # /readyz and the sweeper: the oldest that waits
    Index("ix_inbox_messages_received", "received_at", postgresql_using="brin"),  # which shops are silent
    Index("ix_inbox_messages_status", "account_id", "status", "id"),  # GET /inbox?status=
    CheckConstraint("octet_length(message_key) = 32", name="message_key"),
    CheckConstraint("source in ('webhook', 'fetch', 'api', 'restate')", name="source"),
    CheckConstraint("status in ('pending', 'reading', 'processed', 'failed', 'ignored')", name="status"),
    comment="reading: waits until the shop was asked for read_ids (comma separated) of read_kind",
)
