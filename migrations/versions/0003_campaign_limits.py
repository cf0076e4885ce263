"""Campaigns with limits: what each order was given of them, and what of each campaign is in use."""

from alembic import op

revision = "0003_campaign_limits"
down_revision = "0002_living_tiers"

UP = """
create table campaign_budgets (
    account_id uuid not null,
    campaign_key text not null,
    used bigint default 0 not null,
    constraint pk_campaign_budgets primary key (account_id, campaign_key),
    constraint fk_campaign_budgets_account_id foreign key(account_id) references accounts (id),
    constraint ck_campaign_budgets_used check (used >= 0)
);
comment on table campaign_budgets is
    'used: the sum of granted less returned of the campaign''s allocations; its row is locked to give';
create table campaign_allocations (
    account_id uuid not null,
    order_key text not null,
    campaign_key text not null,
    member_id uuid not null,
    granted bigint not null,
    returned bigint not null,
    constraint pk_campaign_allocations primary key (account_id, order_key, campaign_key),
    constraint fk_campaign_allocations_account_id_member_id
        foreign key(account_id, member_id) references members (account_id, id),
    constraint fk_campaign_allocations_account_id_order_key
        foreign key(account_id, order_key) references orders (account_id, key),
    constraint ck_campaign_allocations_returned check (returned between 0 and granted)
);
create index ix_campaign_allocations_member on campaign_allocations (account_id, member_id);
comment on table campaign_allocations is
    'granted: the points an order may have of the campaign, 0 for who got none; returned: by refunds meanwhile';

alter table campaign_budgets enable row level security;
alter table campaign_budgets force row level security;
create policy of_account on campaign_budgets
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update on campaign_budgets to laurel_app;
alter table campaign_allocations enable row level security;
alter table campaign_allocations force row level security;
create policy of_account on campaign_allocations
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update on campaign_allocations to laurel_app;
"""


def upgrade() -> None:
    """Create the two tables; no campaign was limited before."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """Orders would be rated anew without what limited campaigns gave them."""
    raise NotImplementedError("restore a backup instead of going back before 0003")
