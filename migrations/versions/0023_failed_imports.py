"""Imports that failed: they hold up no other, and what they brought can be undone."""

from alembic import op

revision = "0023_failed_imports"
down_revision = "0022_tried"

UP = """
alter table imports drop constraint ck_imports_state;
alter table imports add constraint ck_imports_state
    check (state in ('waiting', 'linking', 'done', 'failed', 'undoing', 'undone'));
"""
DOWN = """
update imports set state = 'done' where state = 'failed';
alter table imports drop constraint ck_imports_state;
alter table imports add constraint ck_imports_state
    check (state in ('waiting', 'linking', 'done', 'undoing', 'undone'));
"""


def upgrade() -> None:
    """Allow the state."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """What failed is done as far as it went."""
    op.get_bind().connection.cursor().execute(DOWN)
