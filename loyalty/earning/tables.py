"""Tables of limited campaigns: what each order was given, and what of each campaign is in use."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Table,
    Text,
    Uuid,
)

from loyalty.db import belongs_to, metadata

campaign_budgets = Table(
    "campaign_budgets",
    metadata,
    Column("account_id", Uuid, ForeignKey("accounts.id"), primary_key=True),
    Column("campaign_key", Text, primary_key=True),
    Column("used", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("used >= 0", name="used"),
    comment="used: the sum of granted less returned of the campaign's allocations; its row is locked to give",
)

campaign_allocations = Table(
    "campaign_allocations",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("order_key", Text, primary_key=True),
    Column("campaign_key", Text, primary_key=True),
    Column("member_id", Uuid, nullable=False),
    Column("granted", BigInteger, nullable=False),
    Column("returned", BigInteger, nullable=False),
    belongs_to("members", "member_id"),
    ForeignKeyConstraint(["account_id", "order_key"], ["orders.account_id", "orders.key"]),
    Index("ix_campaign_allocations_member", "account_id", "member_id"),  # a member's share, and his refold
    CheckConstraint("returned between 0 and granted", name="returned"),
    comment="granted: the points an order may have of the campaign, 0 for who got none; returned: by refunds meanwhile",
)
