"""Notices of new rules of expiry, made before they take effect."""

from alembic import op

revision = "0006_announcements"
down_revision = "0005_standing_codes"

UP = """
alter table notices drop constraint ck_notices_kind;
alter table notices add constraint ck_notices_kind
    check (kind in ('points_expiring', 'tier_expiring', 'expiry_announced'));
comment on table notices is
    'ends_at: first instant without, or of new rules; days: how many before the last one, 0 where told once;'
    ' data: amounts and texts';
"""


def upgrade() -> None:
    """Let notices be of one more kind."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """Members who were told once would be told again."""
    raise NotImplementedError("restore a backup instead of going back before 0006")
