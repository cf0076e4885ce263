"""Table of orders: the newest snapshot, without personal data, and what the fold made of it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from loyalty.db import Instant, Json, belongs_to, metadata

orders = Table(
    "orders",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("store_id", Uuid, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("member_id", Uuid),
    Column("owner_key", Text, nullable=False, server_default=""),
    Column("owner_at", Instant),
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("number", Text, nullable=False),
    Column("snapshot", Json),
    Column("modified_at", Instant),
    Column("observed_at", Instant),
    Column("deleted_at", Instant),
    Column("review", Text),
    Column("laurel_codes", Json, nullable=False, server_default=text("'[]'::jsonb")),
    Column("award_at", Instant),
    Column("version", Integer),
    Column("tier_key", Text, nullable=False, server_default=""),
    Column("nth", Integer, nullable=False, server_default="0"),
    Column("taken", BigInteger, nullable=False, server_default="0"),
    Column("points", BigInteger, nullable=False, server_default="0"),
    Column("counted", BigInteger, nullable=False, server_default="0"),
    Column("net_base", Text, nullable=False, server_default="0"),
    Column("counts", SmallInteger, nullable=False, server_default="0"),
    Column("forgiven", BigInteger, nullable=False, server_default="0"),
    Column("dead", Boolean, nullable=False, server_default=text("false")),
    Column("ended", Boolean, nullable=False, server_default=text("false")),
    Column("refund_ids", Json, nullable=False, server_default=text("'[]'::jsonb")),
    belongs_to("stores", "store_id"),
    belongs_to("members", "member_id"),
    Index(
        "ix_orders_laurel_codes",
        "laurel_codes",
        postgresql_using="gin",
        postgresql_where=text("laurel_codes <> '[]'"),
    ),  # whose orders used a code
    Index(
        "ix_orders_member", "account_id", "member_id", "award_at"
    ),  # a member's window, and his history for a refold
    Index("ix_orders_award", "award_at"),  # whose last order was awarded on which day
    Index(
        "ix_orders_review", "account_id", "key", postgresql_where=text("review is not null")
    ),  # orders to look at
    CheckConstraint("points >= 0 and points <= taken", name="never_more_than_given"),
    CheckConstraint("counted between 0 and points", name="counted"),
    CheckConstraint("forgiven >= 0", name="forgiven"),
    CheckConstraint("snapshot is not null or deleted_at is not null", name="says_something"),
    comment="key: `<store number>:<the shop's id>`; owner_key, owner_at: the claim by which it belongs to its member;"
    " revision counts writes; net_base is an exact fraction as text",
)
