"""Tables of persons, their identities, and the commands accepted for them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from loyalty.db import Instant, Json, belongs_to, metadata

# No index but the one that foreign keys use begins with account_id: on a table without statistics PostgreSQL
# would keep a plan that walks through all members of the account for each check.
members = Table(
    "members",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("email", Text, nullable=False, server_default=""),
    Column("phone", Text, nullable=False, server_default=""),
    Column("name", Text, nullable=False, server_default=""),
    Column("region", Text, nullable=False, server_default=""),
    Column("role", Text, nullable=False, server_default=""),
    Column("registered", Boolean, nullable=False, server_default=text("false")),
    Column("registered_by", BigInteger),
    Column("profile_at", Instant),
    Column("enrolled", Boolean, nullable=False, server_default=text("false")),
    Column("joined_at", Instant),
    Column("head", Json, nullable=False, server_default=text("'{}'::jsonb")),
    Column("settled_at", Instant),
    Column("tier_key", Text),
    Column("debt", BigInteger, nullable=False, server_default="0"),
    Column("held", BigInteger, nullable=False, server_default="0"),
    Column("points_sum", BigInteger, nullable=False, server_default="0"),
    Column("credit", Numeric(20, 4)),
    Column("next_lot", Integer, nullable=False, server_default="1"),
    Column("order_count", Integer, nullable=False, server_default="0"),
    Column("lifetime_spend", Text, nullable=False, server_default="0"),
    Column("lifetime_orders", Integer, nullable=False, server_default="0"),
    Column("lifetime_points", BigInteger, nullable=False, server_default="0"),
    Column("live_coupons", Integer, nullable=False, server_default="0"),
    Column("tier_due", Instant),
    Column("segments", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("must_refold", Boolean, nullable=False, server_default=text("false")),
    Column("birth_month", SmallInteger),
    Column("birth_day", SmallInteger),
    Column("birth_year", SmallInteger),
    Column("birthday_noted_at", Instant),
    Column("birthday_changes", Integer, nullable=False, server_default="0"),
    Column("erased_at", Instant),
    Column("merged_into", Uuid),
    Column("merged", Integer, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False, server_default=func.now()),
    belongs_to("members", "merged_into"),
    UniqueConstraint("account_id", "id"),  # foreign keys that carry the account
    UniqueConstraint("key", "account_id"),  # one member for one first identity, however many race (U33)
    Index(
        "ix_members_email", text("lower(email)"), "account_id"
    ),  # GET /members?email=, member show STORE EMAIL
    Index(
        "ix_members_enrolled", "account_id", "id", postgresql_where=text("enrolled")
    ),  # GET /members, by cursor
    Index(
        "ix_members_must_refold", "account_id", "id", postgresql_where=text("must_refold")
    ),  # refold_members
    Index(
        "ix_members_tier_due", "tier_due", postgresql_where=text("tier_due is not null")
    ),  # close-tier-periods
    Index("ix_members_segments", "segments", postgresql_using="gin"),  # members of a segment
    Index(
        "ix_members_merged_into", "merged_into", postgresql_where=text("merged_into is not null")
    ),  # everybody for whom a member stands
    CheckConstraint("debt >= 0", name="debt"),
    CheckConstraint("held >= 0", name="held"),
    CheckConstraint("merged_into is null or merged = 0", name="merged"),
    CheckConstraint(
        "birth_month between 1 and 12 and birth_day between 1 and 31"
        " or birth_month is null and birth_day is null and birth_year is null",
        name="birthday",
    ),
    # Each drain writes the heads of its members: room in the page spares every index a new entry (HOT updates).
    postgresql_with={"fillfactor": "70"},
    comment="head: where the fold stands; tier_due: when tier or segments change by themselves;"
    " credit: the store credit, null where none ever moved;"
    " merged_into: who stands for him, merged: for how many others he stands;"
    " registered_by: the import without which he would not be registered",
)

member_identities = Table(
    "member_identities",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("member_id", Uuid, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=func.now()),
    belongs_to("members", "member_id"),
    Index("ix_member_identities_member", "account_id", "member_id"),  # customers of a member (tier pushes)
    CheckConstraint("kind in ('customer', 'email', 'phone')", name="kind"),
    comment="customer: `<store number>:<the shop's id>`, email: case-folded guest address, phone: digits of a guest",
)

commands = Table(
    "commands",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("member_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("accepted_at", Instant, nullable=False),
    Column("data", Json, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    belongs_to("members", "member_id"),
    Index("ix_commands_member", "account_id", "member_id"),  # a member's history for a refold
    Index(
        "ix_commands_activity",
        "account_id",
        "member_id",
        text("(data->>'kind')"),
        text("(data->>'key')"),
        unique=True,
        postgresql_where=text("kind = 'activity'"),
    ),  # one activity of a kind and key
    Index(
        "ix_commands_run",
        "account_id",
        "member_id",
        text("(data->>'source')"),
        text("(data->>'key')"),
        text("(data->>'occasion')"),
        unique=True,
        postgresql_where=text("kind = 'run'"),
    ),  # each occasion once
    CheckConstraint(
        "kind in ('adjust', 'tier', 'activity', 'tags', 'merge', 'unmerge', 'join', 'opening', 'run', 'undo',"
        " 'redeem', 'end_redemption', 'adjust_credit', 'spend_credit', 'import', 'undo_import')",
        name="kind",
    ),
    Index(
        "ix_commands_opening",
        "account_id",
        "member_id",
        text("(data->>'key')"),
        unique=True,
        postgresql_where=text("kind = 'opening'"),
    ),  # one opening balance of a key
    CheckConstraint("kind <> 'adjust' or cast(data->>'points' as bigint) <> 0", name="points"),
    CheckConstraint(
        "case kind when 'adjust_credit' then cast(data->>'amount' as numeric) <> 0"
        " when 'spend_credit' then cast(data->>'amount' as numeric) > 0 else true end",
        name="credit",
    ),
    CheckConstraint("btrim(reason) <> '' and btrim(actor) <> ''", name="says_who_and_why"),
    comment="accepted commands, never changed; data: what is the kind's own (loyalty/engine/commands.py)",
)

consents = Table(
    "consents",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("member_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("wording", Text, nullable=False, server_default=""),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
    belongs_to("members", "member_id"),
    Index("ix_consents_member", "account_id", "member_id", "id"),  # GET /consents?member=, the present state
    CheckConstraint("purpose ~ '^[a-z0-9_-]{1,64}$' and source ~ '^[a-z0-9_-]{1,64}$'", name="keys"),
    comment="what a person agreed to or not, never changed; wording: which text, by its name or version",
)

links = Table(
    "links",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("token_sha256", LargeBinary, primary_key=True),
    Column("member_id", Uuid, nullable=False),
    Column("email", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    belongs_to("members", "member_id"),
    Index("ix_links_member", "account_id", "member_id"),  # how often he asked; erasing a person
    CheckConstraint("octet_length(token_sha256) = 32", name="token_sha256"),
    comment="mailed links that prove an e-mail address once; the token itself is stored nowhere",
)
