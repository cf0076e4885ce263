-- All tables of the first release. The model of each, with the query behind every index, is loyalty/<topic>/tables.py.

create table accounts (
    id uuid not null,
    key text not null,
    name text not null,
    currency text not null,
    time_zone text not null,
    decimals integer not null,
    coupon_key bytea not null,
    commands integer default '0' not null,
    created_at timestamp with time zone default now() not null,
    constraint pk_accounts primary key (id),
    constraint uq_accounts_key unique (key),
    constraint ck_accounts_currency check (currency ~ '^[A-Z]{3}$'),
    constraint ck_accounts_decimals check (decimals between 0 and 4)
);

comment on table accounts is 'tenants; `commands` counts accepted commands, `coupon_key` is encrypted';

create table activities (
    id bigint generated always as identity,
    account_id uuid not null,
    actor text not null,
    action text not null,
    subject text default '' not null,
    data jsonb not null,
    at timestamp with time zone default now() not null,
    constraint pk_activities primary key (id),
    constraint fk_activities_account_id foreign key(account_id) references accounts (id)
);

create index ix_activities_account on activities (account_id, id);

create table api_keys (
    id uuid not null,
    account_id uuid not null,
    name text not null,
    sha256 bytea not null,
    scopes text[] not null,
    created_at timestamp with time zone default now() not null,
    revoked_at timestamp with time zone,
    constraint pk_api_keys primary key (id),
    constraint uq_api_keys_sha256 unique (sha256),
    constraint ck_api_keys_sha256 check (octet_length(sha256) = 32),
    constraint fk_api_keys_account_id foreign key(account_id) references accounts (id)
);

create index ix_api_keys_account_id on api_keys (account_id);

create table idempotent_requests (
    account_id uuid not null,
    key text not null,
    request_sha256 bytea not null,
    status integer,
    response jsonb,
    created_at timestamp with time zone default now() not null,
    constraint pk_idempotent_requests primary key (account_id, key),
    constraint fk_idempotent_requests_account_id foreign key(account_id) references accounts (id)
);

comment on table idempotent_requests is 'answers kept for repeated requests; status and response are written with the effect';

create table members (
    id uuid not null,
    account_id uuid not null,
    key text not null,
    email text default '' not null,
    phone text default '' not null,
    name text default '' not null,
    region text default '' not null,
    role text default '' not null,
    registered boolean default false not null,
    profile_at timestamp with time zone,
    enrolled boolean default false not null,
    joined_at timestamp with time zone,
    head jsonb default '{}'::jsonb not null,
    settled_at timestamp with time zone,
    tier_key text,
    debt bigint default '0' not null,
    points_sum bigint default '0' not null,
    next_lot integer default '1' not null,
    order_count integer default '0' not null,
    lifetime_spend text default '0' not null,
    lifetime_orders integer default '0' not null,
    lifetime_points bigint default '0' not null,
    live_coupons integer default '0' not null,
    must_refold boolean default false not null,
    created_at timestamp with time zone default now() not null,
    constraint pk_members primary key (id),
    constraint uq_members_account_id_id unique (account_id, id),
    constraint uq_members_key_account_id unique (key, account_id),
    constraint ck_members_debt check (debt >= 0),
    constraint fk_members_account_id foreign key(account_id) references accounts (id)
)
 WITH (fillfactor = 70);

create index ix_members_email on members (lower(email), account_id);

create index ix_members_enrolled on members (account_id, id) where enrolled;

create index ix_members_must_refold on members (account_id, id) where must_refold;

comment on table members is 'head: where the fold stands (place, tier periods, marked adjustments); lifetime_spend: a fraction as text';

create table program_drafts (
    account_id uuid not null,
    document JSON not null,
    saved_at timestamp with time zone default now() not null,
    constraint pk_program_drafts primary key (account_id),
    constraint fk_program_drafts_account_id foreign key(account_id) references accounts (id)
);

create table program_versions (
    account_id uuid not null,
    version integer not null,
    effective_from timestamp with time zone not null,
    document JSON not null,
    currency text not null,
    time_zone text not null,
    decimals integer not null,
    published_at timestamp with time zone default now() not null,
    constraint pk_program_versions primary key (account_id, version),
    constraint ck_program_versions_version check (version > 0),
    constraint fk_program_versions_account_id foreign key(account_id) references accounts (id)
);

create table stores (
    id uuid not null,
    account_id uuid not null,
    number integer not null,
    key text not null,
    name text not null,
    platform text not null,
    url text not null,
    credentials bytea not null,
    webhook_token text not null,
    webhook_secrets bytea not null,
    time_zone text not null,
    decimals integer not null,
    prices_include_tax boolean not null,
    sells_gift_cards boolean default false not null,
    registers_webhooks boolean default true not null,
    state text default 'connected' not null,
    created_at timestamp with time zone default now() not null,
    constraint pk_stores primary key (id),
    constraint uq_stores_account_id_id unique (account_id, id),
    constraint uq_stores_account_id_number unique (account_id, number),
    constraint uq_stores_key unique (key),
    constraint uq_stores_webhook_token unique (webhook_token),
    constraint ck_stores_platform check (platform in ('woocommerce', 'shopify')),
    constraint ck_stores_state check (state in ('connected', 'disconnected')),
    constraint fk_stores_account_id foreign key(account_id) references accounts (id)
);

comment on table stores is 'credentials and webhook_secrets are encrypted JSON; webhook_token is the random part of the address';

create table adjustments (
    account_id uuid not null,
    number integer not null,
    member_id uuid not null,
    accepted_at timestamp with time zone not null,
    points bigint not null,
    reason text not null,
    actor text not null,
    counts_toward_tier boolean not null,
    constraint pk_adjustments primary key (account_id, number),
    constraint fk_adjustments_account_id_member_id foreign key(account_id, member_id) references members (account_id, id),
    constraint ck_adjustments_points check (points <> 0),
    constraint ck_adjustments_says_who_and_why check (btrim(reason) <> '' and btrim(actor) <> '')
);

create index ix_adjustments_member on adjustments (account_id, member_id);

create table coupons (
    id uuid not null,
    account_id uuid not null,
    member_id uuid not null,
    store_id uuid not null,
    cause text not null,
    reward_key text not null,
    program_version integer not null,
    code text not null,
    kind text not null,
    amount numeric(20, 4) not null,
    minimum_subtotal numeric(20, 4) not null,
    granted_at timestamp with time zone not null,
    expires_at timestamp with time zone,
    state text not null,
    failure text,
    external_id text default '' not null,
    used_by text,
    created_at timestamp with time zone default now() not null,
    constraint pk_coupons primary key (id),
    constraint uq_coupons_account_id_id unique (account_id, id),
    constraint uq_coupons_account_id_cause unique (account_id, cause),
    constraint uq_coupons_account_id_code unique (account_id, code),
    constraint fk_coupons_account_id_member_id foreign key(account_id, member_id) references members (account_id, id),
    constraint fk_coupons_account_id_store_id foreign key(account_id, store_id) references stores (account_id, id),
    constraint ck_coupons_state check (state in ('requested', 'issued', 'used', 'withdrawn', 'expired', 'failed')),
    constraint ck_coupons_code_is_lower_case check (code = lower(code))
);

create index ix_coupons_member on coupons (account_id, member_id);

create index ix_coupons_used_by on coupons (account_id, used_by) where used_by is not null;

comment on table coupons is 'used_by: key of the order that used it';

create table inbox_messages (
    id bigint generated always as identity,
    account_id uuid not null,
    store_id uuid not null,
    message_key bytea not null,
    source text not null,
    topic text not null,
    delivery_id text default '' not null,
    body bytea not null,
    observed_at timestamp with time zone,
    received_at timestamp with time zone default now() not null,
    status text default 'pending' not null,
    read_kind text,
    read_ids text,
    attempts integer default '0' not null,
    not_before timestamp with time zone,
    leased_until timestamp with time zone,
    reason text default '' not null,
    processed_at timestamp with time zone,
    constraint pk_inbox_messages primary key (id),
    constraint fk_inbox_messages_account_id_store_id foreign key(account_id, store_id) references stores (account_id, id),
    constraint uq_inbox_messages_store_id_message_key unique (store_id, message_key),
    constraint ck_inbox_messages_message_key check (octet_length(message_key) = 32),
    constraint ck_inbox_messages_source check (source in ('webhook', 'fetch', 'api')),
    constraint ck_inbox_messages_status check (status in ('pending', 'reading', 'processed', 'failed', 'ignored'))
);

create index ix_inbox_messages_oldest on inbox_messages (received_at) where status in ('pending', 'reading');

create index ix_inbox_messages_pending on inbox_messages (account_id, id) where status = 'pending';

create index ix_inbox_messages_reading on inbox_messages (store_id, id) where status = 'reading';

create index ix_inbox_messages_status on inbox_messages (account_id, status, id);

comment on table inbox_messages is 'reading: waits until the shop was asked for read_ids (comma separated) of read_kind';

create table ledger_entries (
    id uuid not null,
    account_id uuid not null,
    member_id uuid not null,
    sequence bigint generated always as identity,
    entry_key text not null,
    cause text not null,
    kind text not null,
    points bigint not null,
    balance_after bigint not null,
    order_key text,
    program_version integer,
    reason text not null,
    explanation jsonb not null,
    effective_at timestamp with time zone not null,
    posted_at timestamp with time zone default now() not null,
    content_sha256 bytea not null,
    constraint pk_ledger_entries primary key (id),
    constraint fk_ledger_entries_account_id_member_id foreign key(account_id, member_id) references members (account_id, id),
    constraint uq_ledger_entries_account_id_member_id_entry_key unique (account_id, member_id, entry_key),
    constraint ck_ledger_entries_points check (points <> 0),
    constraint ck_ledger_entries_kind check (kind in ('accrual', 'redemption', 'reversal', 'restoration', 'expiry', 'expiry_void', 'forgiveness', 'adjustment', 'opening')),
    constraint ck_ledger_entries_content_sha256 check (octet_length(content_sha256) = 32)
);

create index ix_ledger_entries_member on ledger_entries (account_id, member_id, sequence);

create table lot_consumptions (
    account_id uuid not null,
    member_id uuid not null,
    lot_cause text not null,
    cause text not null,
    points bigint not null,
    constraint pk_lot_consumptions primary key (account_id, member_id, lot_cause, cause),
    constraint fk_lot_consumptions_account_id_member_id foreign key(account_id, member_id) references members (account_id, id)
);

comment on table lot_consumptions is 'how much of which lot each cause used; negative where a cause gave back';

create table lots (
    id uuid not null,
    account_id uuid not null,
    member_id uuid not null,
    cause text not null,
    sequence integer not null,
    order_key text,
    created_at timestamp with time zone not null,
    available_from timestamp with time zone not null,
    expires_at timestamp with time zone,
    points bigint not null,
    remaining bigint not null,
    expired bigint default '0' not null,
    constraint pk_lots primary key (id),
    constraint fk_lots_account_id_member_id foreign key(account_id, member_id) references members (account_id, id),
    constraint uq_lots_account_id_member_id_cause unique (account_id, member_id, cause),
    constraint ck_lots_points check (points >= 0),
    constraint ck_lots_remaining check (remaining between 0 and points),
    constraint ck_lots_expired check (expired between 0 and points)
);

create index ix_lots_expiring on lots (expires_at) where remaining > 0;

create index ix_lots_open on lots (account_id, member_id) where remaining > 0;

create table member_identities (
    account_id uuid not null,
    kind text not null,
    value text not null,
    member_id uuid not null,
    created_at timestamp with time zone default now() not null,
    constraint pk_member_identities primary key (account_id, kind, value),
    constraint fk_member_identities_account_id_member_id foreign key(account_id, member_id) references members (account_id, id),
    constraint ck_member_identities_kind check (kind in ('customer', 'email', 'phone'))
);

create index ix_member_identities_member on member_identities (account_id, member_id);

comment on table member_identities is 'customer: `<store number>:<the shop''s id>`, email: case-folded guest address, phone: digits of a guest';

create table orders (
    account_id uuid not null,
    key text not null,
    store_id uuid not null,
    external_id text not null,
    member_id uuid,
    owner_key text default '' not null,
    owner_at timestamp with time zone,
    revision integer default '1' not null,
    number text not null,
    snapshot jsonb,
    modified_at timestamp with time zone,
    observed_at timestamp with time zone,
    deleted_at timestamp with time zone,
    review text,
    laurel_codes jsonb default '[]'::jsonb not null,
    award_at timestamp with time zone,
    version integer,
    tier_key text default '' not null,
    nth integer default '0' not null,
    taken bigint default '0' not null,
    points bigint default '0' not null,
    counted bigint default '0' not null,
    net_base text default '0' not null,
    counts smallint default '0' not null,
    forgiven bigint default '0' not null,
    dead boolean default false not null,
    ended boolean default false not null,
    refund_ids jsonb default '[]'::jsonb not null,
    constraint pk_orders primary key (account_id, key),
    constraint fk_orders_account_id_store_id foreign key(account_id, store_id) references stores (account_id, id),
    constraint fk_orders_account_id_member_id foreign key(account_id, member_id) references members (account_id, id),
    constraint ck_orders_never_more_than_given check (points >= 0 and points <= taken),
    constraint ck_orders_counted check (counted between 0 and points),
    constraint ck_orders_forgiven check (forgiven >= 0),
    constraint ck_orders_says_something check (snapshot is not null or deleted_at is not null)
);

create index ix_orders_member on orders (account_id, member_id, award_at);

create index ix_orders_review on orders (account_id, key) where review is not null;

comment on table orders is 'key: `<store number>:<the shop''s id>`; owner_key, owner_at: the claim by which it belongs to its member; revision counts writes; net_base is an exact fraction as text';

create table pushes (
    id bigint generated always as identity,
    account_id uuid not null,
    store_id uuid not null,
    member_id uuid,
    kind text not null,
    subject text not null,
    command jsonb not null,
    status text default 'waiting' not null,
    attempts integer default '0' not null,
    not_before timestamp with time zone,
    leased_until timestamp with time zone,
    reason text default '' not null,
    detail text default '' not null,
    created_at timestamp with time zone default now() not null,
    done_at timestamp with time zone,
    constraint pk_pushes primary key (id),
    constraint fk_pushes_account_id_store_id foreign key(account_id, store_id) references stores (account_id, id),
    constraint ck_pushes_status check (status in ('waiting', 'done', 'failed', 'superseded'))
);

create index ix_pushes_status on pushes (account_id, status, id);

create index ix_pushes_subject on pushes (account_id, subject) where status = 'waiting';

create index ix_pushes_waiting on pushes (store_id, id) where status = 'waiting';

comment on table pushes is 'subject: what the push is about (a code, a member''s tier); the newest of a subject wins';

create table tier_periods (
    account_id uuid not null,
    member_id uuid not null,
    number integer not null,
    tier_key text not null,
    entry integer not null,
    started_at timestamp with time zone not null,
    cause text not null,
    rewarded boolean not null,
    constraint pk_tier_periods primary key (account_id, member_id, number),
    constraint fk_tier_periods_account_id_member_id foreign key(account_id, member_id) references members (account_id, id)
);

comment on table tier_periods is 'number counts a member''s periods; the one with the highest number is the present one';
