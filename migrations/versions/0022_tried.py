"""Pushes of which an earlier try may have been carried out; credit that was sent, by member."""

from alembic import op

revision = "0022_tried"
down_revision = "0021_matured"

UP = """
alter table pushes add column tried boolean default false not null;
alter table pushes no force row level security;
update pushes set tried = true where attempts > 1;
alter table pushes force row level security;
create index ix_pushes_credit on pushes (account_id, member_id, id) where kind = 'add_store_credit';
comment on table pushes is
    'subject: what the push is about (a code, a member''s tier); the newest of a subject wins; tried: an earlier'
    ' try may have been carried out';
"""


def upgrade() -> None:
    """Add the column and the index."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """Drop them again."""
    op.execute("drop index ix_pushes_credit")
    op.execute("alter table pushes drop column tried")
