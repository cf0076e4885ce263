"""Tables of the program: published versions, the one draft, and corrections of campaigns."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)

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
    Column("acts_on", SmallInteger, nullable=False),
    Column("past", Boolean, nullable=False, server_default=text("false")),
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

campaign_corrections = Table(
    "campaign_corrections",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("campaign_key", Text, nullable=False),
    Column("multiplier", Text),
    Column("bonus", BigInteger),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("accepted_at", Instant, nullable=False),
    Column("undone_at", Instant),
    ForeignKeyConstraint(
        ["account_id", "version"], ["program_versions.account_id", "program_versions.version"]
    ),
    CheckConstraint("number > 0", name="number"),
    CheckConstraint("bonus > 0", name="bonus"),
    CheckConstraint("btrim(reason) <> '' and btrim(actor) <> ''", name="says_who_and_why"),
    comment="what a version's campaign gives instead: neither multiplier (an exact fraction) nor bonus: nothing",
)
