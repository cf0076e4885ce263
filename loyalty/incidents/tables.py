"""Table of incidents: each once for what it is about, until somebody has looked at it."""

from sqlalchemy import BigInteger, Column, Identity, Index, Table, Text, UniqueConstraint, Uuid, text

from loyalty.db import Instant, Json, belongs_to, metadata

incidents = Table(
    "incidents",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("member_id", Uuid),
    Column("order_key", Text, nullable=False, server_default=""),
    Column("data", Json, nullable=False, server_default=text("'{}'::jsonb")),
    Column("noticed_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    Column("resolved_by", Text, nullable=False, server_default=""),
    UniqueConstraint("account_id", "kind", "subject", "order_key"),  # told once, however often it is seen
    Index(
        "ix_incidents_open", "account_id", "id", postgresql_where=text("resolved_at is null")
    ),  # GET /incidents
    belongs_to("members", "member_id"),
    comment="kind: what is odd; subject: the cause of the coupon it is about",
)
