"""Imports that failed hold up no other and can be undone; who is registered by an import alone, and by which.

Of earlier imports that is known of the members whom they made.
"""

from alembic import op

revision = "0023_failed_imports"
down_revision = "0022_tried"

UP = """
alter table imports drop constraint ck_imports_state;
alter table imports add constraint ck_imports_state
    check (state in ('waiting', 'linking', 'done', 'failed', 'undoing', 'undone'));

alter table members add column registered_by bigint;
alter table import_rows add column registers boolean default false not null;
alter table members no force row level security;
alter table import_rows no force row level security;
update import_rows set registers = true
    where is_new and command is not null and undone_at is null
    and exists (select from members where members.id = member_id and registered);
update members set registered_by = rows.import_id
    from import_rows rows where rows.member_id = members.id and rows.registers;
alter table members force row level security;
alter table import_rows force row level security;
comment on table members is
    'head: where the fold stands; tier_due: when tier or segments change by themselves;'
    ' credit: the store credit, null where none ever moved;'
    ' merged_into: who stands for him, merged: for how many others he stands;'
    ' registered_by: the import without which he would not be registered';
comment on table import_rows is
    'subject: the key of whom the row names, without personal data; link: by whom he was brought;'
    ' registers: without imports he would not be registered';
"""
DOWN = """
alter table members drop column registered_by;
alter table import_rows drop column registers;
alter table imports no force row level security;
update imports set state = 'done' where state = 'failed';
alter table imports force row level security;
alter table imports drop constraint ck_imports_state;
alter table imports add constraint ck_imports_state
    check (state in ('waiting', 'linking', 'done', 'undoing', 'undone'));
"""


def upgrade() -> None:
    """Allow the state, add the columns."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """What failed is done as far as it went."""
    op.get_bind().connection.cursor().execute(DOWN)
