"""Store credit: money beside the points, with entries of its own."""

from alembic import op

revision = "0015_credit"
down_revision = "0014_coupon_ends"

UP = """
alter table commands drop constraint ck_commands_kind;
alter table commands add constraint ck_commands_kind check (kind in (
    'adjust', 'tier', 'activity', 'tags', 'merge', 'unmerge', 'join', 'opening', 'run', 'undo', 'redeem',
    'end_redemption', 'adjust_credit', 'spend_credit'));
alter table commands add constraint ck_commands_credit check (
    case kind when 'adjust_credit' then cast(data->>'amount' as numeric) <> 0
    when 'spend_credit' then cast(data->>'amount' as numeric) > 0 else true end);

alter table members add column credit numeric(20, 4);
comment on table members is
    'head: where the fold stands; tier_due: when tier or segments change by themselves;'
    ' credit: the store credit, null where none ever moved;'
    ' merged_into: who stands for him, merged: for how many others he stands';

create table credit_entries (
    id uuid not null,
    account_id uuid not null,
    member_id uuid not null,
    sequence bigint generated always as identity,
    entry_key text not null,
    cause text not null,
    kind text not null,
    amount numeric(20, 4) not null,
    balance_after numeric(20, 4) not null,
    order_key text,
    program_version integer,
    reason text not null,
    explanation jsonb not null,
    effective_at timestamp with time zone not null,
    posted_at timestamp with time zone default now() not null,
    content_sha256 bytea not null,
    constraint pk_credit_entries primary key (id),
    constraint uq_credit_entries_account_id_member_id_entry_key unique (account_id, member_id, entry_key),
    constraint ck_credit_entries_amount check (amount <> 0),
    constraint ck_credit_entries_kind check (kind in (
        'cash_back', 'reversal', 'purchase', 'spend', 'return', 'forgiveness', 'adjustment')),
    constraint ck_credit_entries_content_sha256 check (octet_length(content_sha256) = 32),
    constraint fk_credit_entries_account_id_member_id
        foreign key(account_id, member_id) references members (account_id, id)
);
create index ix_credit_entries_member on credit_entries (account_id, member_id, sequence);
comment on table credit_entries is
    'store credit: money of the account''s currency, beside the points of ledger_entries';
alter table credit_entries enable row level security;
alter table credit_entries force row level security;
create policy of_account on credit_entries
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert on credit_entries to laurel_app;
"""


def upgrade() -> None:
    """Create the table."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """What members were credited would be lost."""
    raise NotImplementedError("restore a backup instead of going back before 0015")
