"""Table of requests of persons who want to know what is stored of them."""

from sqlalchemy import BigInteger, Column, Identity, Index, Table, Text, UniqueConstraint, Uuid

from loyalty.db import Instant, belongs_to, metadata

data_requests = Table(
    "data_requests",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("store_id", Uuid, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("member_id", Uuid),
    Column("asked_at", Instant, nullable=False),
    Column("handed_at", Instant),
    Column("handed_by", Text, nullable=False, server_default=""),
    belongs_to("stores", "store_id"),
    belongs_to("members", "member_id"),
    UniqueConstraint("store_id", "external_id"),  # passed on once, however often it is delivered
    Index("ix_data_requests_account", "account_id", "id"),  # GET /data-requests
    comment="persons who asked a shop what is stored of them; member_id null: nothing is",
)
