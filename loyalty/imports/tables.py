"""Tables of imports: one row for each file, its rows while they wait, what came of each, and what was wrong."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)

from loyalty.db import Instant, Json, belongs_to, metadata

imports = Table(
    "imports",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("store_number", Integer),
    Column("key", Text, nullable=False),
    Column("is_dry", Boolean, nullable=False),
    Column("file_name", Text, nullable=False, server_default=""),
    Column("state", Text, nullable=False),
    Column("columns", Json, nullable=False),
    Column("ignored", Json, nullable=False),
    Column("rows", Integer, nullable=False, server_default="0"),
    Column("parts", Integer, nullable=False, server_default="0"),
    Column("next_part", Integer, nullable=False, server_default="1"),
    Column("next_row", BigInteger, nullable=False, server_default="0"),
    Column("valid", Integer, nullable=False, server_default="0"),
    Column("created", Integer, nullable=False, server_default="0"),
    Column("invalid", Integer, nullable=False, server_default="0"),
    Column("undone", Integer, nullable=False, server_default="0"),
    Column("points", BigInteger, nullable=False, server_default="0"),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=func.now()),
    Column("finished_at", Instant),
    Column("undone_at", Instant),
    UniqueConstraint("account_id", "id"),  # foreign keys that carry the account; GET /imports
    Index(
        "ix_imports_open",
        "account_id",
        "id",
        postgresql_where=text("state in ('waiting', 'linking', 'undoing')"),
    ),  # what a worker takes next
    CheckConstraint("state in ('waiting', 'linking', 'done', 'failed', 'undoing', 'undone')", name="state"),
    CheckConstraint("btrim(reason) <> '' and btrim(actor) <> ''", name="says_who_and_why"),
    comment="next_part: how far a worker is; next_row: how far links, or the undoing, are; valid: rows imported,"
    " created: members made for them; points: what they bring less what they owe",
)

import_parts = Table(
    "import_parts",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("import_id", BigInteger, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("rows", Json, nullable=False),
    belongs_to("imports", "import_id"),
    comment="rows of a file that wait; gone as soon as they are taken",
)

import_rows = Table(
    "import_rows",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("import_id", BigInteger, primary_key=True),
    Column("row_number", Integer, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("member_id", Uuid),
    Column("command", Integer),
    Column("is_new", Boolean, nullable=False, server_default=text("false")),
    Column("registers", Boolean, nullable=False, server_default=text("false")),
    Column("link", Json),
    Column("undone_at", Instant),
    belongs_to("imports", "import_id"),
    belongs_to("members", "member_id"),
    UniqueConstraint("account_id", "import_id", "subject"),  # nobody twice in one file
    Index(
        "uq_import_rows_member",
        "account_id",
        "member_id",
        "key",
        unique=True,
        postgresql_where=text("command is not null and undone_at is null"),
    ),  # what somebody brings under one key counts once
    CheckConstraint("(command is null) = (member_id is null)", name="imported"),
    comment="subject: the key of whom the row names, without personal data; link: by whom he was brought;"
    " registers: without imports he would not be registered",
)

import_errors = Table(
    "import_errors",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("import_id", BigInteger, primary_key=True),
    Column("row_number", Integer, primary_key=True),
    Column("mistakes", Json, nullable=False),
    Column("cells", Json, nullable=False),
    belongs_to("imports", "import_id"),
    comment="mistakes: pairs of a field and what is wrong; cells: the row as it was given; gone with the retention",
)
