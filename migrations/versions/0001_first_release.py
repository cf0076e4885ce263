"""All tables of the first release, the app role, row-level security and the functions across accounts."""

from pathlib import Path

from alembic import op

revision = "0001_first_release"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    for name in ("0001_tables.sql", "0001_access.sql"):
        sql = (Path(__file__).parent / name).read_text(encoding="utf-8")
        op.get_bind().connection.cursor().execute(sql)


def downgrade() -> None:
    """There is nothing before the first release."""
    raise NotImplementedError("restore a backup instead of going back before the first release")
