"""Who is the same person: merges of members; people who sign up, and what they bring along."""

from alembic import op

revision = "0007_identity"
down_revision = "0006_announcements"

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
alter table members
    add column birth_month smallint, add column birth_day smallint, add column birth_year smallint,
    add column birthday_noted_at timestamp with time zone, add column erased_at timestamp with time zone,
    add column birthday_changes integer default 0 not null;
alter table members add constraint ck_members_birthday check (
    birth_month between 1 and 12 and birth_day between 1 and 31
    or birth_month is null and birth_day is null and birth_year is null);
create table consents (
    id bigint generated always as identity,
    account_id uuid not null,
    member_id uuid not null,
    purpose text not null,
    granted boolean not null,
    source text not null,
    wording text default '' not null,
    actor text not null,
    at timestamp with time zone not null,
    constraint pk_consents primary key (id),
    constraint fk_consents_account_id_member_id
        foreign key(account_id, member_id) references members (account_id, id),
    constraint ck_consents_keys check (purpose ~ '^[a-z0-9_-]{1,64}$' and source ~ '^[a-z0-9_-]{1,64}$')
);
create index ix_consents_member on consents (account_id, member_id, id);
comment on table consents is
    'what a person agreed to or not, never changed; wording: which text, by its name or version';
alter table consents enable row level security;
alter table consents force row level security;
create policy of_account on consents
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert on consents to laurel_app;
create table links (
    account_id uuid not null,
    token_sha256 bytea not null,
    member_id uuid not null,
    email text not null,
    created_at timestamp with time zone not null,
    expires_at timestamp with time zone not null,
    used_at timestamp with time zone,
    constraint pk_links primary key (account_id, token_sha256),
    constraint fk_links_account_id_member_id
        foreign key(account_id, member_id) references members (account_id, id),
    constraint ck_links_token_sha256 check (octet_length(token_sha256) = 32)
);
create index ix_links_member on links (account_id, member_id);
comment on table links is
    'mailed links that prove an e-mail address once; the token itself is stored nowhere';
alter table links enable row level security;
alter table links force row level security;
create policy of_account on links
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update (used_at), delete on links to laurel_app;
create table mails (
    id bigint generated always as identity,
    account_id uuid not null,
    member_id uuid not null,
    sealed bytea,
    status text default 'waiting' not null,
    attempts integer default 0 not null,
    not_before timestamp with time zone,
    detail text default '' not null,
    created_at timestamp with time zone default now() not null,
    done_at timestamp with time zone,
    constraint pk_mails primary key (id),
    constraint fk_mails_account_id_member_id
        foreign key(account_id, member_id) references members (account_id, id),
    constraint ck_mails_status check (status in ('waiting', 'sent', 'failed')),
    constraint ck_mails_sealed check ((sealed is null) = (status <> 'waiting'))
);
create index ix_mails_waiting on mails (account_id, id) where status = 'waiting';
create index ix_mails_member on mails (account_id, member_id);
comment on table mails is
    'sealed: to, subject and text, encrypted, gone once it is sent; not_before: also the lease of who sends it';
alter table mails enable row level security;
alter table mails force row level security;
create policy of_account on mails
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update on mails to laurel_app;
create unique index ix_commands_opening on commands (account_id, member_id, (data->>'key')) where kind = 'opening';
"""


def upgrade() -> None:
    """Nobody was merged before."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """Members that are merged would have their points twice."""
    raise NotImplementedError("restore a backup instead of going back before 0007")
