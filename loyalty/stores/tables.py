"""Table of the connected shops."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)

from loyalty.db import Instant, metadata

stores = Table(
    "stores",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("credentials", LargeBinary, nullable=False),
    Column("webhook_token", Text, nullable=False),
    Column("webhook_secrets", LargeBinary, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("decimals", Integer, nullable=False),
    Column("prices_include_tax", Boolean, nullable=False),
    Column("sells_gift_cards", Boolean, nullable=False, server_default=text("false")),
    Column("registers_webhooks", Boolean, nullable=False, server_default=text("true")),
    Column("state", Text, nullable=False, server_default="connected"),
    Column("looked_at", Instant),
    Column("looked_until", Instant),
    Column("points_from", Instant),
    Column("shop_domain", Text),
    Column("revived_at", Instant),
    Column("erase_at", Instant),
    Column("matured_until", Instant),
    Column("created_at", Instant, nullable=False, server_default=func.now()),
    UniqueConstraint("account_id", "id"),  # foreign keys that carry the account
    UniqueConstraint("account_id", "number"),  # the store's place in causes: `order:1:25`
    UniqueConstraint("key"),  # STORE of the command line
    UniqueConstraint("webhook_token"),  # find_store_by_token: the receiver
    Index(
        "ix_stores_shop_domain", "shop_domain", unique=True
    ),  # find_store_by_shop; one account for one shop
    CheckConstraint("platform in ('woocommerce', 'shopify', 'till')", name="platform"),
    CheckConstraint("state in ('connected', 'disconnected')", name="state"),
    comment="credentials and webhook_secrets are encrypted JSON; webhook_token is the random part of the address;"
    " url of a till: `till:<name>`; looked_until: up to which change, by the shop's clock, it was looked over;"
    " points_from: orders paid before it count toward tiers and give no points; shop_domain: by which deliveries of"
    " Shopify name it; erase_at: the shop wants its persons forgotten since then; matured_until: the shop was told of"
    " what became usable by time up to then",
)
