"""Tables of referrals: personal codes, who brought whom, and keyed digests by which one person in two roles is seen."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from loyalty.db import Instant, belongs_to, metadata

referral_codes = Table(
    "referral_codes",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("member_id", Uuid, nullable=False),
    belongs_to("members", "member_id"),
    UniqueConstraint("account_id", "member_id"),  # one code for each member
)

referrals = Table(
    "referrals",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("referrer_id", Uuid, nullable=False),
    Column("friend_id", Uuid, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("order_key", Text),
    Column("due_at", Instant),
    Column("completed_at", Instant),
    Column("reviewed_by", Text),
    belongs_to("members", "referrer_id"),
    belongs_to("members", "friend_id"),
    UniqueConstraint("account_id", "friend_id"),  # a friend is brought once
    Index("ix_referrals_referrer", "account_id", "referrer_id"),  # a member's friends, his limits
    Index(
        "ix_referrals_open",
        "account_id",
        "id",
        postgresql_where=text("status in ('claimed', 'pending', 'completed')"),
    ),  # advance-referrals
    CheckConstraint("referrer_id <> friend_id", name="nobody_brings_himself"),
    CheckConstraint(
        "status in ('claimed', 'review', 'pending', 'completed', 'refused', 'reversed')", name="status"
    ),
    comment="pending: the friend's first order waits for the end of its return days, due_at",
)

referral_traces = Table(
    "referral_traces",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("member_id", Uuid, primary_key=True),
    Column("trace", Text, primary_key=True),
    belongs_to("members", "member_id"),
    comment="trace: kind and keyed digest of an address, device, phone or network address; never the thing itself",
)
