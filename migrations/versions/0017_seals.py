"""Seals: Merkle roots over what is posted, so that what is changed behind the program's back is found."""

from alembic import op

revision = "0017_seals"
down_revision = "0016_reconciliation"

UP = """
alter table ledger_entries add constraint uq_ledger_entries_account_id_sequence unique (account_id, sequence);
alter table credit_entries add constraint uq_credit_entries_account_id_sequence unique (account_id, sequence);
grant usage on sequence ledger_entries_sequence_seq, credit_entries_sequence_seq to laurel_app;

create table seals (
    account_id uuid not null,
    number integer not null,
    sealed_at timestamp with time zone not null,
    points_through bigint not null,
    credit_through bigint not null,
    entries integer not null,
    root bytea not null,
    previous bytea not null,
    sha256 bytea not null,
    constraint pk_seals primary key (account_id, number),
    constraint fk_seals_account_id_accounts foreign key(account_id) references accounts (id),
    constraint ck_seals_number check (number > 0),
    constraint ck_seals_entries check (entries > 0),
    constraint ck_seals_hashes check (
        octet_length(root) = 32 and octet_length(previous) = 32 and octet_length(sha256) = 32)
);
create index ix_seals_sealed_at on seals (account_id, sealed_at);
comment on table seals is
    'a chain of Merkle roots over points and credit: sha256 stands for the seal and all before it';

create table seal_marks (
    account_id uuid not null,
    points bigint not null,
    credit bigint not null,
    transaction bigint not null,
    constraint pk_seal_marks primary key (account_id),
    constraint fk_seal_marks_account_id_accounts foreign key(account_id) references accounts (id)
);
comment on table seal_marks is
    'sequences that may be sealed once every transaction before `transaction` has ended';

alter table seals enable row level security;
alter table seals force row level security;
create policy of_account on seals
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
alter table seal_marks enable row level security;
alter table seal_marks force row level security;
create policy of_account on seal_marks
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert on seals to laurel_app;
grant select, insert, update on seal_marks to laurel_app;
"""


def upgrade() -> None:
    """Create the tables."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """Without the seals nobody could tell what was changed meanwhile."""
    raise NotImplementedError("restore a backup instead of going back before 0017")
