"""Table of mails: written in the transaction that wants them, sent later by a worker."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
    text,
)

from loyalty.db import Instant, belongs_to, metadata

mails = Table(
    "mails",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("member_id", Uuid, nullable=False),
    Column("sealed", LargeBinary),
    Column("status", Text, nullable=False, server_default="waiting"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", Instant),
    Column("detail", Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False, server_default=func.now()),
    Column("done_at", Instant),
    belongs_to("members", "member_id"),
    Index("ix_mails_waiting", "account_id", "id", postgresql_where=text("status = 'waiting'")),  # claim
    Index("ix_mails_member", "account_id", "member_id"),  # erasing a person
    CheckConstraint("status in ('waiting', 'sent', 'failed')", name="status"),
    CheckConstraint("(sealed is null) = (status <> 'waiting')", name="sealed"),
    comment="sealed: to, subject and text, encrypted, gone once it is sent; not_before: also the lease of who sends it",
)
