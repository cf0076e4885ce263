"""Commands of every kind in one table; tiers that end by themselves, and why each period began."""

from alembic import op

revision = "0002_living_tiers"
down_revision = "0001_first_release"

UP = """
create table commands (
    account_id uuid not null,
    number integer not null,
    member_id uuid not null,
    kind text not null,
    accepted_at timestamp with time zone not null,
    data jsonb not null,
    reason text not null,
    actor text not null,
    constraint pk_commands primary key (account_id, number),
    constraint fk_commands_account_id_member_id foreign key(account_id, member_id) references members (account_id, id),
    constraint ck_commands_kind check (kind in ('adjust', 'tier', 'activity', 'tags')),
    constraint ck_commands_points check (kind <> 'adjust' or cast(data->>'points' as bigint) <> 0),
    constraint ck_commands_says_who_and_why check (btrim(reason) <> '' and btrim(actor) <> '')
);
create index ix_commands_member on commands (account_id, member_id);
create unique index ix_commands_activity on commands (account_id, member_id, (data->>'kind'), (data->>'key'))
    where kind = 'activity';
comment on table commands is
    'accepted commands, never changed; data: what is the kind''s own (loyalty/engine/commands.py)';
alter table adjustments no force row level security;
insert into commands (account_id, number, member_id, kind, accepted_at, data, reason, actor)
select account_id, number, member_id, 'adjust', accepted_at,
    jsonb_build_object('points', points, 'counts_toward_tier', counts_toward_tier), reason, actor
from adjustments;
drop table adjustments;
alter table commands enable row level security;
alter table commands force row level security;
create policy of_account on commands
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert on commands to laurel_app;

alter table members add column tier_due timestamp with time zone;
create index ix_members_tier_due on members (tier_due) where tier_due is not null;
comment on table members is
    'head: where the fold stands; tier_due: when the tier changes by itself; lifetime_spend: fraction as text';
alter table members no force row level security;
update members set must_refold = true;
alter table members force row level security;
alter table tier_periods add column reason text default '' not null;

create table notices (
    id bigint generated always as identity,
    account_id uuid not null,
    member_id uuid not null,
    kind text not null,
    ends_at timestamp with time zone not null,
    days integer not null,
    data jsonb not null,
    noted_at timestamp with time zone default now() not null,
    constraint pk_notices primary key (id),
    constraint fk_notices_account_id_member_id foreign key(account_id, member_id) references members (account_id, id),
    constraint uq_notices_account_id_member_id_kind_ends_at_days unique (account_id, member_id, kind, ends_at, days),
    constraint ck_notices_kind check (kind in ('points_expiring', 'tier_expiring'))
);
create index ix_notices_account on notices (account_id, id);
comment on table notices is
    'ends_at: first instant without; days: how many days before the last one; data: amounts and texts';
alter table notices enable row level security;
alter table notices force row level security;
create policy of_account on notices
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update, delete on notices to laurel_app;

-- The clock: which accounts have members whose tier or points change by themselves by now?
create function laurel_due_members(as_of timestamptz)
returns table (kind text, account_id uuid)
language sql stable security definer set search_path = public
as $$
    select distinct 'tier', members.account_id from members where tier_due <= as_of
    union
    select distinct 'points', lots.account_id from lots where expires_at <= as_of and remaining > 0
$$;
revoke execute on function laurel_due_members(timestamptz) from public;
grant execute on function laurel_due_members(timestamptz) to laurel_app;
"""


def upgrade() -> None:
    """Create the table of commands, move the adjustments into it, and let every head be written anew."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """Commands of new kinds have no place in the tables before."""
    raise NotImplementedError("restore a backup instead of going back before 0002")
