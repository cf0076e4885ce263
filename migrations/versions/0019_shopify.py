"""Shopify: stores known by their domain, what deliveries state by themselves, what persons ask to be told."""

from alembic import op

revision = "0019_shopify"
down_revision = "0018_imports"

UP = """
alter table stores add column shop_domain text;
alter table stores add column revived_at timestamp with time zone;
alter table stores add column erase_at timestamp with time zone;
create unique index ix_stores_shop_domain on stores (shop_domain);
comment on table stores is
    'credentials and webhook_secrets are encrypted JSON; webhook_token is the random part of the address;'
    ' url of a till: `till:<name>`; looked_until: up to which change, by the shop''s clock, it was looked over;'
    ' points_from: orders paid before it count toward tiers and give no points; shop_domain: by which deliveries of'
    ' Shopify name it; erase_at: the shop wants its persons forgotten since then';

alter table inbox_messages drop constraint ck_inbox_messages_source;
alter table inbox_messages add constraint ck_inbox_messages_source
    check (source in ('webhook', 'fetch', 'api', 'restate'));

create table data_requests (
    id bigint generated always as identity,
    account_id uuid not null,
    store_id uuid not null,
    external_id text not null,
    customer_id text not null,
    member_id uuid,
    asked_at timestamp with time zone not null,
    handed_at timestamp with time zone,
    handed_by text default '' not null,
    constraint pk_data_requests primary key (id),
    constraint fk_data_requests_account_id_store_id
        foreign key(account_id, store_id) references stores (account_id, id),
    constraint fk_data_requests_account_id_member_id
        foreign key(account_id, member_id) references members (account_id, id),
    constraint uq_data_requests_store_id_external_id unique (store_id, external_id)
);
create index ix_data_requests_account on data_requests (account_id, id);
comment on table data_requests is
    'persons who asked a shop what is stored of them; member_id null: nothing is';
alter table data_requests enable row level security;
alter table data_requests force row level security;
create policy of_account on data_requests
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update on data_requests to laurel_app;

-- The receiver: which store is this shop, and how are its deliveries signed? Also one that is disconnected, as a shop
-- passes on what persons ask for after it was.
create function laurel_find_store_by_shop(wanted text)
returns table (store_id uuid, account_id uuid, platform text, webhook_secrets bytea, state text)
language sql stable security definer set search_path = public
as $$
    select id, stores.account_id, stores.platform, stores.webhook_secrets, stores.state
    from stores where shop_domain = wanted
$$;
revoke execute on function laurel_find_store_by_shop(text) from public;

-- As 0001 has it; but what would be read of a shop that is not connected any more alarms nobody.
create or replace function laurel_waiting()
returns table (oldest_message timestamptz, messages bigint, failed_messages bigint, pushes bigint, failed_pushes bigint)
language sql stable security definer set search_path = public
as $$
    select
        (select min(received_at) from inbox_messages m where m.status in ('pending', 'reading') and (
            m.status = 'pending' or exists (
                select from stores s where s.id = m.store_id and s.state = 'connected'))),
        (select count(*) from inbox_messages where status in ('pending', 'reading')),
        (select count(*) from inbox_messages where status = 'failed'),
        (select count(*) from pushes where status = 'waiting'),
        (select count(*) from pushes where status = 'failed')
$$;

grant execute on function laurel_find_store_by_shop(text) to laurel_app;
"""


def upgrade() -> None:
    """Create what deliveries of Shopify need."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """Its deliveries would find no store any more."""
    raise NotImplementedError("restore a backup instead of going back before 0019")
