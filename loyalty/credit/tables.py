"""Table of credit entries: never updated or deleted (the app role may not)."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)

from loyalty.credit.entries import CreditKind
from loyalty.db import Instant, Json, belongs_to, metadata

_KINDS = ", ".join(f"'{kind}'" for kind in CreditKind)

credit_entries = Table(
    "credit_entries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("member_id", Uuid, nullable=False),
    Column("sequence", BigInteger, Identity(always=True), nullable=False),
    Column("entry_key", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount", Numeric(20, 4), nullable=False),
    Column("balance_after", Numeric(20, 4), nullable=False),
    Column("order_key", Text),
    Column("program_version", Integer),
    Column("reason", Text, nullable=False),
    Column("explanation", Json, nullable=False),
    Column("effective_at", Instant, nullable=False),
    Column("posted_at", Instant, nullable=False, server_default=func.now()),
    Column("content_sha256", LargeBinary, nullable=False),
    belongs_to("members", "member_id"),
    UniqueConstraint("account_id", "member_id", "entry_key"),  # nothing is posted twice for one cause
    UniqueConstraint("account_id", "sequence"),  # sealing and its proof: the account's entries in order
    Index(
        "ix_credit_entries_member", "account_id", "member_id", "sequence"
    ),  # statement, newest first; refold
    CheckConstraint("amount <> 0", name="amount"),
    CheckConstraint(f"kind in ({_KINDS})", name="kind"),
    CheckConstraint("octet_length(content_sha256) = 32", name="content_sha256"),
    comment="store credit: money of the account's currency, beside the points of ledger_entries",
)
