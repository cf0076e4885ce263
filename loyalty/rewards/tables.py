"""Table of coupons: the codes that causes deserve, and what became of them in the shop."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)

from loyalty.db import Instant, belongs_to, metadata

coupons = Table(
    "coupons",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("member_id", Uuid, nullable=False),
    Column("store_id", Uuid, nullable=False),
    Column("cause", Text, nullable=False),
    Column("reward_key", Text, nullable=False),
    Column("program_version", Integer, nullable=False),
    Column("code", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount", Numeric(20, 4), nullable=False),
    Column("minimum_subtotal", Numeric(20, 4), nullable=False),
    Column("granted_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("state", Text, nullable=False),
    Column("failure", Text),
    Column("external_id", Text, nullable=False, server_default=""),
    Column("used_by", Text),
    Column("reusable", Boolean, nullable=False, server_default="false"),
    Column("free_shipping", Boolean, nullable=False, server_default="false"),
    Column("created_at", Instant, nullable=False, server_default=func.now()),
    UniqueConstraint("account_id", "id"),
    UniqueConstraint("account_id", "cause"),  # nothing is issued twice for one cause
    UniqueConstraint("account_id", "code"),  # coupon codes seen in orders
    Index("ix_coupons_member", "account_id", "member_id"),  # GET /coupons?member=, refold
    Index(
        "ix_coupons_used_by", "account_id", "used_by", postgresql_where=text("used_by is not null")
    ),  # order died
    belongs_to("members", "member_id"),
    belongs_to("stores", "store_id"),
    CheckConstraint(
        "state in ('requested', 'issued', 'used', 'withdrawn', 'expired', 'failed')", name="state"
    ),
    CheckConstraint("code = lower(code)", name="code_is_lower_case"),
    CheckConstraint("not reusable or (used_by is null and state <> 'used')", name="reusable_is_never_used"),
    CheckConstraint("kind <> 'free_shipping' or (free_shipping and amount = 0)", name="free_shipping"),
    comment="used_by: key of the order that used it; reusable: serves as long as the member's tier period",
)
