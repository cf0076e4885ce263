"""Imports: files of members from other systems, what became of their rows, and what keeps inbox and outbox small."""

from alembic import op

revision = "0018_imports"
down_revision = "0017_seals"

UP = """
alter table commands drop constraint ck_commands_kind;
alter table commands add constraint ck_commands_kind check (kind in (
    'adjust', 'tier', 'activity', 'tags', 'merge', 'unmerge', 'join', 'opening', 'run', 'undo', 'redeem',
    'end_redemption', 'adjust_credit', 'spend_credit', 'import', 'undo_import'));
alter table credit_entries drop constraint ck_credit_entries_kind;
alter table credit_entries add constraint ck_credit_entries_kind check (kind in (
    'cash_back', 'reversal', 'purchase', 'spend', 'return', 'forgiveness', 'adjustment', 'opening'));

create table imports (
    id bigint generated always as identity,
    account_id uuid not null,
    store_number integer,
    key text not null,
    is_dry boolean not null,
    file_name text default '' not null,
    state text not null,
    columns jsonb not null,
    ignored jsonb not null,
    rows integer default '0' not null,
    parts integer default '0' not null,
    next_part integer default '1' not null,
    next_row bigint default '0' not null,
    valid integer default '0' not null,
    created integer default '0' not null,
    invalid integer default '0' not null,
    undone integer default '0' not null,
    points bigint default '0' not null,
    reason text not null,
    actor text not null,
    created_at timestamp with time zone default now() not null,
    finished_at timestamp with time zone,
    undone_at timestamp with time zone,
    constraint pk_imports primary key (id),
    constraint uq_imports_account_id_id unique (account_id, id),
    constraint ck_imports_state check (state in ('waiting', 'linking', 'done', 'undoing', 'undone')),
    constraint ck_imports_says_who_and_why check (btrim(reason) <> '' and btrim(actor) <> '')
);
create index ix_imports_open on imports (account_id, id) where state in ('waiting', 'linking', 'undoing');
comment on table imports is
    'next_part: how far a worker is; next_row: how far links, or the undoing, are; valid: rows imported,'
    ' created: members made for them; points: what they bring less what they owe';

create table import_parts (
    account_id uuid not null,
    import_id bigint not null,
    number integer not null,
    rows jsonb not null,
    constraint pk_import_parts primary key (account_id, import_id, number),
    constraint fk_import_parts_account_id_import_id
        foreign key(account_id, import_id) references imports (account_id, id)
);
comment on table import_parts is 'rows of a file that wait; gone as soon as they are taken';

create table import_rows (
    account_id uuid not null,
    import_id bigint not null,
    row_number integer not null,
    subject text not null,
    key text not null,
    member_id uuid,
    command integer,
    is_new boolean default false not null,
    link jsonb,
    undone_at timestamp with time zone,
    constraint pk_import_rows primary key (account_id, import_id, row_number),
    constraint uq_import_rows_account_id_import_id_subject unique (account_id, import_id, subject),
    constraint ck_import_rows_imported check ((command is null) = (member_id is null)),
    constraint fk_import_rows_account_id_import_id
        foreign key(account_id, import_id) references imports (account_id, id),
    constraint fk_import_rows_account_id_member_id
        foreign key(account_id, member_id) references members (account_id, id)
);
create unique index uq_import_rows_member on import_rows (account_id, member_id, key)
    where command is not null and undone_at is null;
comment on table import_rows is
    'subject: the key of whom the row names, without personal data; link: by whom he was brought';

create table import_errors (
    account_id uuid not null,
    import_id bigint not null,
    row_number integer not null,
    mistakes jsonb not null,
    cells jsonb not null,
    constraint pk_import_errors primary key (account_id, import_id, row_number),
    constraint fk_import_errors_account_id_import_id
        foreign key(account_id, import_id) references imports (account_id, id)
);
comment on table import_errors is
    'mistakes: pairs of a field and what is wrong; cells: the row as it was given; gone with the retention';

do $$
declare
    named text;
begin
    foreach named in array array['imports', 'import_parts', 'import_rows', 'import_errors']
    loop
        execute format('alter table %I enable row level security', named);
        execute format('alter table %I force row level security', named);
        execute format(
            'create policy of_account on %I'
            ' using (account_id = (select nullif(current_setting(''app.account'', true), '''')::uuid))', named);
    end loop;
end
$$;
create policy across_accounts on imports for select to current_user using (true);
grant select, insert, update on imports to laurel_app;
grant select, insert, delete on import_parts to laurel_app;
grant select, insert, update, delete on import_rows to laurel_app;
grant select, insert, delete on import_errors to laurel_app;

-- The sweeper: which accounts have a file that waits for a worker?
create function laurel_due_imports()
returns table (kind text, account_id uuid)
language sql stable security definer set search_path = public
as $$
    select distinct 'import', imports.account_id from imports where state in ('waiting', 'linking', 'undoing')
$$;
revoke execute on function laurel_due_imports() from public;
grant execute on function laurel_due_imports() to laurel_app;

-- /readyz: do the keys of this process open what is stored? Something sealed, of whichever account was opened last.
create function laurel_sealed()
returns bytea
language sql stable security definer set search_path = public
as $$
    select coupon_key from accounts order by id desc limit 1
$$;
revoke execute on function laurel_sealed() from public;
grant execute on function laurel_sealed() to laurel_app;

create index ix_pushes_failed on pushes (account_id, subject, id) where status = 'failed';
"""


def upgrade() -> None:
    """Create the tables; a delivered push is kept as long as an older one of its subject may be retried."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """What members brought along would be lost."""
    raise NotImplementedError("restore a backup instead of going back before 0018")
