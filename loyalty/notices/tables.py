"""Table of notices: who must be told what, noted once."""

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
    func,
)

from loyalty.db import Instant, Json, belongs_to, metadata

notices = Table(
    "notices",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("member_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("days", Integer, nullable=False),
    Column("data", Json, nullable=False),
    Column("noted_at", Instant, nullable=False, server_default=func.now()),
    belongs_to("members", "member_id"),
    UniqueConstraint(
        "account_id", "member_id", "kind", "ends_at", "days"
    ),  # once each; also: a member's notices
    Index("ix_notices_account", "account_id", "id"),  # GET /notices, newest first
    CheckConstraint("kind in ('points_expiring', 'tier_expiring', 'expiry_announced')", name="kind"),
    comment="ends_at: first instant without, or of new rules; days: how many before the last one, 0 where told once;"
    " data: amounts and texts",
)
