"""What is read of shops beside their messages: reconciliations, and backfills of the past."""

from alembic import op

revision = "0016_reconciliation"
down_revision = "0015_credit"

UP = """
alter table stores add column looked_at timestamp with time zone;
alter table stores add column looked_until timestamp with time zone;
alter table stores add column points_from timestamp with time zone;
comment on table stores is
    'credentials and webhook_secrets are encrypted JSON; webhook_token is the random part of the address;'
    ' url of a till: `till:<name>`; looked_until: up to which change, by the shop''s clock, it was looked over;'
    ' points_from: orders paid before it count toward tiers and give no points';

alter table program_versions add column past boolean default false not null;

create index ix_inbox_messages_received on inbox_messages using brin (received_at);

create table reconciliations (
    id bigint generated always as identity,
    account_id uuid not null,
    store_id uuid not null,
    kind text not null,
    state text default 'running' not null,
    stage text default '' not null,
    cursor text default '' not null,
    seen bigint default 0 not null,
    found bigint default 0 not null,
    differences jsonb default '{}'::jsonb not null,
    examples jsonb default '[]'::jsonb not null,
    problem text default '' not null,
    started_at timestamp with time zone not null,
    leased_until timestamp with time zone,
    finished_at timestamp with time zone,
    constraint pk_reconciliations primary key (id),
    constraint fk_reconciliations_account_id_store_id
        foreign key(account_id, store_id) references stores (account_id, id),
    constraint ck_reconciliations_kind check (kind in ('poll', 'recent', 'deep')),
    constraint ck_reconciliations_state check (state in ('running', 'done', 'failed'))
);
create index ix_reconciliations_account on reconciliations (account_id, id);
create unique index ix_reconciliations_running on reconciliations (store_id, kind) where state = 'running';
create index ix_reconciliations_started_at on reconciliations (started_at);
comment on table reconciliations is
    'stage and cursor: where a run goes on that was interrupted; differences: how many of each reason';

create table backfills (
    id uuid not null,
    account_id uuid not null,
    store_id uuid not null,
    since timestamp with time zone,
    tiers_only boolean not null,
    preview boolean not null,
    state text default 'running' not null,
    cursor text default '' not null,
    total bigint default 0 not null,
    seen bigint default 0 not null,
    figures jsonb default '{}'::jsonb not null,
    problem text default '' not null,
    attempts integer default 0 not null,
    actor text not null,
    asked_at timestamp with time zone not null,
    not_before timestamp with time zone,
    leased_until timestamp with time zone,
    finished_at timestamp with time zone,
    constraint pk_backfills primary key (id),
    constraint fk_backfills_account_id_store_id
        foreign key(account_id, store_id) references stores (account_id, id),
    constraint ck_backfills_state check (state in ('running', 'done', 'failed'))
);
create index ix_backfills_account on backfills (account_id, id);
create unique index ix_backfills_running on backfills (store_id) where state = 'running';
comment on table backfills is
    'since: placed before it is left alone; cursor: where the reading goes on; figures: what a preview found';

do $$
declare
    tenant_table text;
begin
    foreach tenant_table in array array['reconciliations', 'backfills']
    loop
        execute format('alter table %I enable row level security', tenant_table);
        execute format('alter table %I force row level security', tenant_table);
        execute format(
            'create policy of_account on %I'
            ' using (account_id = (select nullif(current_setting(''app.account'', true), '''')::uuid))', tenant_table);
        execute format('create policy across_accounts on %I for select to current_user using (true)', tenant_table);
        execute format('grant select, insert, update, delete on %I to laurel_app', tenant_table);
    end loop;
end
$$;

-- As 0004 has it; above the corrections, how many stores have a past that gives no points.
create or replace function laurel_published()
returns bigint
language sql stable security invoker set search_path = public
as $$
    select (select count(*) from program_versions)
        + (select count(*) + count(undone_at) from campaign_corrections) * 4294967296
        + (select count(points_from) from stores) * 281474976710656
$$;

-- The clock: which readings of shops were interrupted, or wait for their time?
create function laurel_unfinished(as_of timestamptz)
returns table (kind text, account_id uuid, store_id uuid)
language sql stable security definer set search_path = public
as $$
    select 'backfill', b.account_id, b.store_id from backfills b
    where b.state = 'running' and coalesce(b.leased_until, as_of) <= as_of and coalesce(b.not_before, as_of) <= as_of
    union all
    select r.kind, r.account_id, r.store_id from reconciliations r
    where r.state = 'running' and coalesce(r.leased_until, as_of) <= as_of
$$;

-- /metrics: how well are the shops looked over?
create function laurel_reconciled()
returns table (found bigint, failed bigint, oldest_look timestamptz)
language sql stable security definer set search_path = public
as $$
    select
        (select coalesce(sum(r.found), 0)::bigint from reconciliations r where r.started_at > now() - interval '1 day'),
        (select count(*) from reconciliations r
         where r.started_at > now() - interval '1 day' and r.state = 'failed'),
        (select min(coalesce(s.looked_at, s.created_at)) from stores s
         where s.state = 'connected' and s.platform <> 'till')
$$;
revoke execute on function laurel_unfinished(timestamptz), laurel_reconciled() from public;
grant execute on function laurel_unfinished(timestamptz), laurel_reconciled() to laurel_app;
"""


def upgrade() -> None:
    """Create the tables, and let transactions that begin be told of pasts without points."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """Orders of the past would be rated anew, with points."""
    raise NotImplementedError("restore a backup instead of going back before 0016")
