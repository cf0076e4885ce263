"""Who is the same person: merges of members; people who sign up, and what they bring along."""

from alembic import op

revision = "0007_identity"
down_revision = "0004_campaign_corrections"

UP = """
alter table members add column merged_into uuid, add column merged integer default 0 not null;
alter table members
    add constraint ck_members_merged check (merged_into is null or merged = 0),
    add constraint fk_members_account_id_merged_into
        foreign key(account_id, merged_into) references members (account_id, id);
create index ix_members_merged_into on members (merged_into) where merged_into is not null;
comment on table members is
    'head: where the fold stands; tier_due: when the tier changes by itself; lifetime_spend: fraction as text; '
    'merged_into: who stands for him, merged: for how many others he stands';
alter table commands drop constraint ck_commands_kind;
alter table commands add constraint ck_commands_kind
    check (kind in ('adjust', 'tier', 'activity', 'tags', 'merge', 'unmerge', 'join', 'opening'));
create unique index ix_commands_opening on commands (account_id, member_id, (data->>'key')) where kind = 'opening';
"""


def upgrade() -> None:
    """Nobody was merged before."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """Members that are merged would have their points twice."""
    raise NotImplementedError("restore a backup instead of going back before 0007")
