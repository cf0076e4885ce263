"""Table of segment changes: who entered or left which segment when, until automations have looked at it."""

from sqlalchemy import BigInteger, Boolean, Column, Identity, Index, Table, Text, Uuid, text

from loyalty.db import Instant, belongs_to, metadata

segment_changes = Table(
    "segment_changes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("member_id", Uuid, nullable=False),
    Column("segment_key", Text, nullable=False),
    Column("entered", Boolean, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("handled_at", Instant),
    belongs_to("members", "member_id"),
    Index("ix_segment_changes_member", "account_id", "member_id"),  # a member's history; the foreign key
    Index(
        "ix_segment_changes_waiting", "account_id", "id", postgresql_where=text("handled_at is null")
    ),  # run-automations
    comment="entered: false when he left; handled_at: when automations had looked at it",
)
