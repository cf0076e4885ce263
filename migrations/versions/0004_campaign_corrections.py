"""Corrections of campaigns; a transaction that begins is told a number that they change too."""

from alembic import op

revision = "0004_campaign_corrections"
down_revision = "0003_campaign_limits"

UP = """
create table campaign_corrections (
    account_id uuid not null,
    number integer not null,
    version integer not null,
    campaign_key text not null,
    multiplier text,
    bonus bigint,
    reason text not null,
    actor text not null,
    accepted_at timestamp with time zone not null,
    undone_at timestamp with time zone,
    constraint pk_campaign_corrections primary key (account_id, number),
    constraint fk_campaign_corrections_account_id_version
        foreign key(account_id, version) references program_versions (account_id, version),
    constraint ck_campaign_corrections_number check (number > 0),
    constraint ck_campaign_corrections_bonus check (bonus > 0),
    constraint ck_campaign_corrections_says_who_and_why check (btrim(reason) <> '' and btrim(actor) <> '')
);
comment on table campaign_corrections is
    'what a version''s campaign gives instead: neither multiplier (an exact fraction) nor bonus: nothing';
alter table campaign_corrections enable row level security;
alter table campaign_corrections force row level security;
create policy of_account on campaign_corrections
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update (undone_at) on campaign_corrections to laurel_app;

-- The number of program versions, and in its upper half how often a correction was accepted or undone: whoever has
-- built the versions under the same number need not read them again.
create function laurel_published()
returns bigint
language sql stable security invoker set search_path = public
as $$
    select (select count(*) from program_versions)
        + (select count(*) + count(undone_at) from campaign_corrections) * 4294967296
$$;
revoke execute on function laurel_published() from public;
grant execute on function laurel_published() to laurel_app;

create or replace function laurel_begin(for_account uuid, as_role text)
returns bigint
language plpgsql security invoker set search_path = public
as $$
begin
    if as_role is not null then
        perform set_config('role', as_role, true);
    end if;
    perform set_config('app.account', coalesce(for_account::text, ''), true);
    return laurel_published();
end
$$;
"""


def upgrade() -> None:
    """Create the table and let `laurel_begin` tell of it."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """Corrected points would be rated anew without their corrections."""
    raise NotImplementedError("restore a backup instead of going back before 0004")
