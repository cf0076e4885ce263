"""What discounts take of the revenue, what a scrape tells of it, and one mark for each order."""

from alembic import op

revision = "0012_figures"
down_revision = "0011_redemptions"

UP = """
create table discount_shares (
    account_id uuid not null,
    judged_at timestamp with time zone not null,
    since timestamp with time zone not null,
    discounts numeric(20, 4) not null,
    revenue numeric(20, 4) not null,
    is_above boolean not null,
    constraint pk_discount_shares primary key (account_id),
    constraint fk_discount_shares_account_id foreign key(account_id) references accounts (id)
);
comment on table discount_shares is 'what the program''s codes took off the revenue since then, as it was judged last';
alter table discount_shares enable row level security;
alter table discount_shares force row level security;
create policy of_account on discount_shares
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
create policy across_accounts on discount_shares for select to current_user using (true);
create policy across_accounts on incidents for select to current_user using (true);
grant select, insert, update on discount_shares to laurel_app;

-- /metrics: what should somebody look at?
create function laurel_alarms()
returns table (open_incidents bigint, discounts_above bigint)
language sql stable security definer set search_path = public
as $$
    select
        (select count(*) from incidents where resolved_at is null),
        (select count(*) from discount_shares where is_above)
$$;
revoke execute on function laurel_alarms() from public;
grant execute on function laurel_alarms() to laurel_app;

create unique index uq_pushes_mark_order on pushes (account_id, subject) where kind = 'mark_order';
"""


def upgrade() -> None:
    """Create the table, the function and the index."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """Orders would be marked again."""
    raise NotImplementedError("restore a backup instead of going back before 0012")
