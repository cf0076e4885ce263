"""Tables of the ledger: entries and seals are never updated or deleted (the app role may not), lots follow the fold."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
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

from loyalty.db import Instant, Json, belongs_to, metadata
from loyalty.ledger.entries import EntryKind

_KINDS = ", ".join(f"'{kind}'" for kind in EntryKind)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("member_id", Uuid, nullable=False),
    Column("sequence", BigInteger, Identity(always=True), nullable=False),
    Column("entry_key", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("balance_after", BigInteger, nullable=False),
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
        "ix_ledger_entries_member", "account_id", "member_id", "sequence"
    ),  # statement, newest first; refold
    CheckConstraint("points <> 0", name="points"),
    CheckConstraint(f"kind in ({_KINDS})", name="kind"),
    CheckConstraint("octet_length(content_sha256) = 32", name="content_sha256"),
)

lots = Table(
    "lots",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("member_id", Uuid, nullable=False),
    Column("cause", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("order_key", Text),
    Column("created_at", Instant, nullable=False),
    Column("available_from", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("points", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("expired", BigInteger, nullable=False, server_default="0"),
    belongs_to("members", "member_id"),
    UniqueConstraint(
        "account_id", "member_id", "cause"
    ),  # one lot per order and cause; also: lots of a member
    Index(
        "ix_lots_open", "account_id", "member_id", postgresql_where=text("remaining > 0")
    ),  # balance, head of the fold
    Index(
        "ix_lots_expiring", "expires_at", postgresql_where=text("remaining > 0")
    ),  # members with points that are due
    Index(
        "ix_lots_maturing",
        "account_id",
        "available_from",
        postgresql_where=text("available_from > created_at"),
    ),  # points that became usable
    CheckConstraint("points >= 0", name="points"),
    CheckConstraint("remaining between 0 and points", name="remaining"),
    CheckConstraint("expired between 0 and points", name="expired"),
)

lot_consumptions = Table(
    "lot_consumptions",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("member_id", Uuid, primary_key=True),
    Column("lot_cause", Text, primary_key=True),
    Column("cause", Text, primary_key=True),
    Column("points", BigInteger, nullable=False),
    belongs_to("members", "member_id"),
    comment="how much of which lot each cause used; negative where a cause gave back",
)

seals = Table(
    "seals",
    metadata,
    Column("account_id", Uuid, ForeignKey("accounts.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sealed_at", Instant, nullable=False),
    Column("points_through", BigInteger, nullable=False),
    Column("credit_through", BigInteger, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Index("ix_seals_sealed_at", "account_id", "sealed_at"),  # the last seal of each day
    CheckConstraint("number > 0", name="number"),
    CheckConstraint("entries > 0", name="entries"),
    CheckConstraint(
        "octet_length(root) = 32 and octet_length(previous) = 32 and octet_length(sha256) = 32", name="hashes"
    ),
    comment="a chain of Merkle roots over points and credit: sha256 stands for the seal and all before it",
)

seal_marks = Table(
    "seal_marks",
    metadata,
    Column("account_id", Uuid, ForeignKey("accounts.id"), primary_key=True),
    Column("points", BigInteger, nullable=False),
    Column("credit", BigInteger, nullable=False),
    Column("transaction", BigInteger, nullable=False),
    comment="sequences that may be sealed once every transaction before `transaction` has ended",
)
