"""Events that were called off: why, by whom, and to whom points are still owed."""

from alembic import op

revision = "0024_called_off"
down_revision = "0023_failed_imports"

UP = """
alter table gatherings add column called_off_because text;
alter table gatherings add column called_off_by text;
alter table gatherings add column owed_after bigint;
create index ix_gatherings_owed on gatherings (account_id, id) where owed_after is not null;
create index ix_sign_ups_tickets on sign_ups (account_id, gathering_id, id) where redemption_id is not null;
comment on table gatherings is
    'events that members sign up for; taken: seats in use, its row is locked to give one; owed_after: it was'
    ' called off, and tickets of sign-ups after this one may still have their points to get back';
"""


def upgrade() -> None:
    """Add the columns and the indexes."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """Drop them again."""
    op.execute("drop index ix_sign_ups_tickets")
    op.execute("drop index ix_gatherings_owed")
    for column in ("called_off_because", "called_off_by", "owed_after"):
        op.execute(f"alter table gatherings drop column {column}")
