"""Table of coupons: the codes that causes deserve, and what became of them in the shop."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
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

from loyalty.db import Instant, Json, belongs_to, metadata

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
    Column("scope", Json, nullable=False, server_default="{}"),
    Column("reusable", Boolean, nullable=False, server_default="false"),
    Column("free_shipping", Boolean, nullable=False, server_default="false"),
    Column("created_at", Instant, nullable=False, server_default=func.now()),
    UniqueConstraint("account_id", "id"),
    UniqueConstraint("account_id", "cause"),  # nothing is issued twice for one cause
    UniqueConstraint("account_id", "code"),  # coupon codes seen in orders
    Index("ix_coupons_member", "account_id", "member_id"),  # GET /coupons?member=, refold
    Index(
        "ix_coupons_external_id", "account_id", "external_id", postgresql_where=text("state = 'issued'")
    ),  # a shop tells of a coupon
    Index(
        "ix_coupons_cards", "account_id", "external_id", postgresql_where=text("kind = 'gift_card'")
    ),  # an order was paid with a card
    Index(
        "ix_coupons_expires_at", "account_id", "expires_at", postgresql_where=text("state = 'issued'")
    ),  # coupon_expiring
    Index(
        "ix_coupons_used_by", "account_id", "used_by", postgresql_where=text("used_by is not null")
    ),  # order died
    belongs_to("members", "member_id"),
    belongs_to("stores", "store_id"),
    CheckConstraint(
        "state in ('requested', 'issued', 'used', 'cancelled', 'expired', 'failed')", name="state"
    ),
    CheckConstraint("code = lower(code)", name="code_is_lower_case"),
    CheckConstraint("not reusable or (used_by is null and state <> 'used')", name="reusable_is_never_used"),
    CheckConstraint("kind <> 'free_shipping' or (free_shipping and amount = 0)", name="free_shipping"),
    comment="used_by: key of the order that used it; reusable: serves as long as the member's tier period;"
    " scope: the products it is for, and whether it goes with other codes",
)

redemptions = Table(
    "redemptions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("number", Integer),
    Column("cause", Text),
    Column("member_id", Uuid, nullable=False),
    Column("reward_key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("program_version", Integer, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("amount", Text, nullable=False, server_default=""),
    Column("state", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("hold_until", Instant),
    Column("ends_at", Instant),
    Column("ended_at", Instant),
    Column("uses", Integer, nullable=False, server_default="0"),
    Column("used_by", Text),
    Column("restored", BigInteger, nullable=False, server_default="0"),
    Column("failure", Text),
    Column("cancel_asked_at", Instant),
    Column("fulfilment", Text),
    Column("request", Json, nullable=False, server_default="{}"),
    Column("closing_note", Text, nullable=False, server_default=""),
    UniqueConstraint("account_id", "id"),
    UniqueConstraint("account_id", "number"),  # one for each accepted command
    UniqueConstraint("account_id", "cause"),  # nothing is given twice for one cause
    Index(
        "ix_redemptions_member", "account_id", "member_id", "id"
    ),  # GET /redemptions?member=, limits of a member
    Index(
        "ix_redemptions_reward",
        "account_id",
        "reward_key",
        postgresql_where=text("state in ('held', 'captured')"),
    ),  # stock
    Index(
        "ix_redemptions_fulfilment",
        "account_id",
        "fulfilment",
        "id",
        postgresql_where=text("fulfilment is not null"),
    ),  # what people have to carry out
    belongs_to("members", "member_id"),
    CheckConstraint("points >= 0 and restored >= 0", name="points"),
    CheckConstraint("state in ('held', 'captured', 'released', 'cancelled', 'expired')", name="state"),
    CheckConstraint("fulfilment in ('open', 'accepted', 'done', 'refused', 'cancelled')", name="fulfilment"),
    CheckConstraint("(number is null) = (cause is not null)", name="source"),
    comment="number: of the accepted command; cause: why a rule gave it, where none asked; state: what the fold made"
    " of the points; fulfilment: how far people are with a service",
)

discount_shares = Table(
    "discount_shares",
    metadata,
    Column("account_id", Uuid, ForeignKey("accounts.id"), primary_key=True),
    Column("judged_at", Instant, nullable=False),
    Column("since", Instant, nullable=False),
    Column("discounts", Numeric(20, 4), nullable=False),
    Column("revenue", Numeric(20, 4), nullable=False),
    Column("is_above", Boolean, nullable=False),
    comment="what the program's codes took off the revenue since then, as it was judged last",
)
