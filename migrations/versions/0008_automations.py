"""Automations: occasions once each, segments of members, what must be told; versions say what they act on."""

from alembic import op

revision = "0008_automations"
down_revision = "0007_identity"

UP = """
alter table commands drop constraint ck_commands_kind;
alter table commands add constraint ck_commands_kind
    check (kind in ('adjust', 'tier', 'activity', 'tags', 'merge', 'unmerge', 'join', 'opening', 'run', 'undo'));
create unique index ix_commands_run
    on commands (account_id, member_id, (data->>'source'), (data->>'key'), (data->>'occasion')) where kind = 'run';

alter table members add column segments text[] default '{}'::text[] not null;
create index ix_members_segments on members using gin (segments);
comment on table members is
    'head: where the fold stands; tier_due: when tier or segments change by themselves;'
    ' merged_into: who stands for him, merged: for how many others he stands';
alter table members no force row level security;
update members set must_refold = true;
alter table members force row level security;

create index ix_orders_award on orders (award_at);

-- What a version was published with and no release acted on then must not begin to act on the past.
alter table program_versions add column acts_on smallint default 1 not null;
alter table program_versions alter column acts_on drop default;

create table segment_changes (
    id bigint generated always as identity,
    account_id uuid not null,
    member_id uuid not null,
    segment_key text not null,
    entered boolean not null,
    changed_at timestamp with time zone not null,
    handled_at timestamp with time zone,
    constraint pk_segment_changes primary key (id),
    constraint fk_segment_changes_account_id_member_id
        foreign key(account_id, member_id) references members (account_id, id)
);
create index ix_segment_changes_member on segment_changes (account_id, member_id);
create index ix_segment_changes_waiting on segment_changes (account_id, id) where handled_at is null;
comment on table segment_changes is 'entered: false when he left; handled_at: when automations had looked at it';
alter table segment_changes enable row level security;
alter table segment_changes force row level security;
create policy of_account on segment_changes
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update, delete on segment_changes to laurel_app;

create table messages (
    id bigint generated always as identity,
    account_id uuid not null,
    member_id uuid not null,
    cause text not null,
    kind text not null,
    target text not null,
    program_version integer not null,
    data jsonb not null,
    caused_at timestamp with time zone not null,
    noted_at timestamp with time zone not null,
    status text not null,
    constraint pk_messages primary key (id),
    constraint fk_messages_account_id_member_id foreign key(account_id, member_id) references members (account_id, id),
    constraint uq_messages_account_id_member_id_cause unique (account_id, member_id, cause),
    constraint ck_messages_kind check (kind in ('message', 'webhook')),
    constraint ck_messages_status check (status in ('queued', 'sent', 'skipped'))
);
create index ix_messages_account on messages (account_id, id);
comment on table messages is
    'target: a text''s key in the program, or an address; skipped: found too long after its cause';
alter table messages enable row level security;
alter table messages force row level security;
create policy of_account on messages
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update, delete on messages to laurel_app;

create table referral_codes (
    account_id uuid not null,
    code text not null,
    member_id uuid not null,
    constraint pk_referral_codes primary key (account_id, code),
    constraint fk_referral_codes_account_id_member_id
        foreign key(account_id, member_id) references members (account_id, id),
    constraint uq_referral_codes_account_id_member_id unique (account_id, member_id)
);
alter table referral_codes enable row level security;
alter table referral_codes force row level security;
create policy of_account on referral_codes
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update, delete on referral_codes to laurel_app;

create table referrals (
    id bigint generated always as identity,
    account_id uuid not null,
    referrer_id uuid not null,
    friend_id uuid not null,
    claimed_at timestamp with time zone not null,
    status text not null,
    reason text default '' not null,
    order_key text,
    due_at timestamp with time zone,
    completed_at timestamp with time zone,
    reviewed_by text,
    constraint pk_referrals primary key (id),
    constraint fk_referrals_account_id_referrer_id
        foreign key(account_id, referrer_id) references members (account_id, id),
    constraint fk_referrals_account_id_friend_id
        foreign key(account_id, friend_id) references members (account_id, id),
    constraint uq_referrals_account_id_friend_id unique (account_id, friend_id),
    constraint ck_referrals_nobody_brings_himself check (referrer_id <> friend_id),
    constraint ck_referrals_status
        check (status in ('claimed', 'review', 'pending', 'completed', 'refused', 'reversed'))
);
create index ix_referrals_referrer on referrals (account_id, referrer_id);
create index ix_referrals_open on referrals (account_id, id) where status in ('claimed', 'pending', 'completed');
comment on table referrals is 'pending: the friend''s first order waits for the end of its return days, due_at';
alter table referrals enable row level security;
alter table referrals force row level security;
create policy of_account on referrals
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update, delete on referrals to laurel_app;

create table referral_traces (
    account_id uuid not null,
    member_id uuid not null,
    trace text not null,
    constraint pk_referral_traces primary key (account_id, member_id, trace),
    constraint fk_referral_traces_account_id_member_id
        foreign key(account_id, member_id) references members (account_id, id)
);
comment on table referral_traces is
    'trace: kind and keyed digest of an address, device, phone or network address; never the thing itself';
alter table referral_traces enable row level security;
alter table referral_traces force row level security;
create policy of_account on referral_traces
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update, delete on referral_traces to laurel_app;
"""


def upgrade() -> None:
    """Create the tables; heads are written anew, as they lack the last order's time and region."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """Commands of new kinds have no place in the tables before."""
    raise NotImplementedError("restore a backup instead of going back before 0008")
