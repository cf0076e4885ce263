"""Tables of the tenant, its API keys and the answers kept for repeated requests."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY

from loyalty.db import Instant, Json, metadata

accounts = Table(
    "accounts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("decimals", Integer, nullable=False),
    Column("coupon_key", LargeBinary, nullable=False),
    Column("commands", Integer, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False, server_default=func.now()),
    UniqueConstraint("key"),  # get_account(key) of the command line
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
    CheckConstraint("decimals between 0 and 4", name="decimals"),
    comment="tenants; `commands` counts accepted commands, `coupon_key` is encrypted",
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False, index=True),  # keys of an account
    Column("name", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", Instant, nullable=False, server_default=func.now()),
    Column("revoked_at", Instant),
    UniqueConstraint("sha256"),  # find_api_key(sha256): each API request
    CheckConstraint("octet_length(sha256) = 32", name="sha256"),
)

idempotent_requests = Table(
    "idempotent_requests",
    metadata,
    Column("account_id", Uuid, ForeignKey("accounts.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_sha256", LargeBinary, nullable=False),
    Column("status", Integer),
    Column("response", Json),
    Column("created_at", Instant, nullable=False, server_default=func.now()),
    comment="answers kept for repeated requests; status and response are written with the effect",
)
