"""Tables of the program: published versions and the one draft."""

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Integer, Table, Text, Uuid, func

from loyalty.db import Instant, metadata

program_versions = Table(
    "program_versions",
    metadata,
    Column("account_id", Uuid, ForeignKey("accounts.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("effective_from", Instant, nullable=False),
    Column(
        "document", JSON, nullable=False
    ),  # not jsonb: the order of languages says which is the first given
    Column("currency", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("decimals", Integer, nullable=False),
    Column("published_at", Instant, nullable=False, server_default=func.now()),
    CheckConstraint("version > 0", name="version"),
)

program_drafts = Table(
    "program_drafts",
    metadata,
    Column("account_id", Uuid, ForeignKey("accounts.id"), primary_key=True),
    Column("document", JSON, nullable=False),
    Column("saved_at", Instant, nullable=False, server_default=func.now()),
)
