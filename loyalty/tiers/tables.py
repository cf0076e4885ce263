"""Table of tier memberships: one row a period, its end is the next one's start."""

from sqlalchemy import Boolean, Column, Integer, Table, Text, Uuid

from loyalty.db import Instant, belongs_to, metadata

tier_periods = Table(
    "tier_periods",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("member_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("tier_key", Text, nullable=False),
    Column("entry", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("cause", Text, nullable=False),
    Column("rewarded", Boolean, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    belongs_to("members", "member_id"),
    comment="number counts a member's periods; the one with the highest number is the present one",
)
