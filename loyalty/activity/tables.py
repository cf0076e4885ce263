"""Table of the audit log."""

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, Table, Text, Uuid, func

from loyalty.db import Instant, Json, metadata

activities = Table(
    "activities",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False, server_default=""),
    Column("data", Json, nullable=False),
    Column("at", Instant, nullable=False, server_default=func.now()),
    Index("ix_activities_account", "account_id", "id"),  # the log of an account, newest first
)
