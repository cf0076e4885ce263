"""Tables of what members take part in: events with sign-ups, polls with answers, challenges with submissions, draws."""

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
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from loyalty.db import Instant, Json, belongs_to, metadata

gatherings = Table(
    "gatherings",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Json, nullable=False),
    Column("description", Json, nullable=False),
    Column("form", Text, nullable=False),
    Column("check_in", Text, nullable=False),
    Column("is_online", Boolean, nullable=False),
    Column("place", Text, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("opens_at", Instant, nullable=False),
    Column("closes_at", Instant, nullable=False),
    Column("capacity", Integer),
    Column("taken", Integer, nullable=False, server_default="0"),
    Column("has_waiting_list", Boolean, nullable=False),
    Column("audience", Json, nullable=False),
    Column("activity", Text, nullable=False),
    Column("message", Text),
    Column("goal", Json),
    Column("theme", Json, nullable=False),
    Column("channels", ARRAY(Text), nullable=False),
    Column("called_off_at", Instant),
    Column("called_off_because", Text),
    Column("called_off_by", Text),
    Column("owed_after", BigInteger),
    UniqueConstraint("account_id", "key"),
    UniqueConstraint("account_id", "id"),  # foreign keys that carry the account
    CheckConstraint("taken between 0 and coalesce(capacity, taken)", name="seats"),
    CheckConstraint("starts_at < ends_at and opens_at < closes_at", name="times"),
    CheckConstraint(
        "form in ('lecture', 'meet', 'community', 'contest', 'trial', 'workshop', 'class', 'other')",
        name="form",
    ),
    CheckConstraint("check_in in ('code', 'staff')", name="check_in"),
    Index(
        "ix_gatherings_owed", "account_id", "id", postgresql_where=text("owed_after is not null")
    ),  # whose tickets still have points to get back
    comment="events that members sign up for; taken: seats in use, its row is locked to give one; owed_after: it was"
    " called off, and tickets of sign-ups after this one may still have their points to get back",
)

sign_ups = Table(
    "sign_ups",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("gathering_id", BigInteger, nullable=False),
    Column("member_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("queued_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("is_counted", Boolean),
    Column("redemption_id", Uuid),
    belongs_to("gatherings", "gathering_id"),
    belongs_to("members", "member_id"),
    belongs_to("redemptions", "redemption_id"),
    UniqueConstraint("account_id", "gathering_id", "member_id"),  # one for each member
    UniqueConstraint("account_id", "redemption_id"),  # one seat for each ticket
    Index(
        "ix_sign_ups_waiting",
        "account_id",
        "gathering_id",
        "queued_at",
        "id",
        postgresql_where=text("state = 'waiting'"),
    ),  # who moves up
    Index(
        "ix_sign_ups_tickets",
        "account_id",
        "gathering_id",
        "id",
        postgresql_where=text("redemption_id is not null"),
    ),  # the tickets of an event that was called off
    Index("ix_sign_ups_member", "account_id", "member_id"),  # GET /members/{id}/participation
    CheckConstraint("state in ('signed_up', 'waiting', 'cancelled', 'attended', 'absent')", name="state"),
    comment="is_counted: whether attending was recorded as an activity, null until then;"
    " redemption_id: the ticket that it was redeemed by",
)

polls = Table(
    "polls",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Json, nullable=False),
    Column("description", Json, nullable=False),
    Column("questions", Json, nullable=False),
    Column("opens_at", Instant, nullable=False),
    Column("closes_at", Instant),
    Column("audience", Json, nullable=False),
    Column("activity", Text, nullable=False),
    UniqueConstraint("account_id", "key"),
    UniqueConstraint("account_id", "id"),  # foreign keys that carry the account
    CheckConstraint("kind in ('poll', 'survey')", name="kind"),
    CheckConstraint("opens_at < closes_at", name="times"),
)

poll_answers = Table(
    "poll_answers",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("poll_id", BigInteger, nullable=False),
    Column("member_id", Uuid, nullable=False),
    Column("answers", Json, nullable=False),
    Column("answered_at", Instant, nullable=False),
    Column("is_counted", Boolean, nullable=False),
    belongs_to("polls", "poll_id"),
    belongs_to("members", "member_id"),
    UniqueConstraint("account_id", "poll_id", "member_id"),  # one vote for each member (S100)
    Index("ix_poll_answers_member", "account_id", "member_id"),  # GET /members/{id}/participation
    comment="answers: option, list of options, number or text by the question's key",
)

challenges = Table(
    "challenges",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Json, nullable=False),
    Column("description", Json, nullable=False),
    Column("opens_at", Instant, nullable=False),
    Column("closes_at", Instant),
    Column("audience", Json, nullable=False),
    Column("activity", Text, nullable=False),
    Column("per_member", Integer, nullable=False),
    UniqueConstraint("account_id", "key"),
    UniqueConstraint("account_id", "id"),  # foreign keys that carry the account
    CheckConstraint("opens_at < closes_at", name="times"),
    CheckConstraint("per_member >= 1", name="per_member"),
)

submissions = Table(
    "submissions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("challenge_id", BigInteger, nullable=False),
    Column("member_id", Uuid, nullable=False),
    Column("text", Text, nullable=False),
    Column("urls", ARRAY(Text), nullable=False),
    Column("state", Text, nullable=False),
    Column("submitted_at", Instant, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("moderator", Text),
    Column("judged_at", Instant),
    Column("is_counted", Boolean),
    belongs_to("challenges", "challenge_id"),
    belongs_to("members", "member_id"),
    Index("ix_submissions_challenge", "account_id", "challenge_id", "member_id"),  # how many of a member
    Index("ix_submissions_member", "account_id", "member_id"),  # GET /members/{id}/participation
    CheckConstraint("state in ('submitted', 'approved', 'rejected')", name="state"),
    CheckConstraint(
        "state = 'submitted' or (judged_at is not null and btrim(moderator) <> '')", name="says_who"
    ),
    CheckConstraint("state <> 'rejected' or btrim(reason) <> ''", name="says_why"),
    comment="moderator: who approved or rejected it; is_counted: whether approval was recorded as an activity",
)

draws = Table(
    "draws",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Json, nullable=False),
    Column("description", Json, nullable=False),
    Column("entrants", Json, nullable=False),
    Column("winners", Integer, nullable=False),
    Column("activity", Text, nullable=False),
    Column("seed", LargeBinary, nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    Column("drawn_at", Instant),
    UniqueConstraint("account_id", "key"),
    UniqueConstraint("account_id", "id"),  # foreign keys that carry the account
    CheckConstraint("winners >= 1", name="winners"),
    CheckConstraint("length(seed) = 16 and commitment = sha256(seed)", name="seed"),
    comment="seed: shown once it is drawn; commitment: its SHA-256, shown from the start",
)

draw_entries = Table(
    "draw_entries",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("draw_id", BigInteger, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("member_id", Uuid, nullable=False),
    Column("member_key", Text, nullable=False),
    Column("rank", Integer),
    Column("is_counted", Boolean),
    belongs_to("draws", "draw_id"),
    belongs_to("members", "member_id"),
    UniqueConstraint("account_id", "draw_id", "member_id"),  # one entry for each member
    UniqueConstraint("account_id", "draw_id", "rank"),  # nobody wins the place of another
    Index("ix_draw_entries_member", "account_id", "member_id"),  # GET /members/{id}/participation
    comment="who took part, by member key, as it was at the draw; rank: place among the winners",
)
