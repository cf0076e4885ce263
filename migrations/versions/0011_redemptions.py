"""Redeeming: points that are held, redemptions, what coupons are for, and what a merchant should look at."""

from alembic import op

revision = "0011_redemptions"
down_revision = "0010_tills"

UP = """
alter table commands drop constraint ck_commands_kind;
alter table commands add constraint ck_commands_kind check (kind in (
    'adjust', 'tier', 'activity', 'tags', 'merge', 'unmerge', 'join', 'opening', 'run', 'undo', 'redeem',
    'end_redemption'));

alter table members add column held bigint default '0' not null;
alter table members add constraint ck_members_held check (held >= 0);

-- What a refund returns of redeemed points has its own place on the timeline, before refunds and commands.
alter table members no force row level security;
update members set head = jsonb_set(head, '{place,1}', to_jsonb((head->'place'->>1)::integer + 1))
    where (head->'place'->>1)::integer >= 3;
alter table members force row level security;

alter table coupons drop constraint ck_coupons_state;
alter table coupons no force row level security;
update coupons set state = 'cancelled' where state = 'withdrawn';
alter table coupons force row level security;
alter table coupons add constraint ck_coupons_state
    check (state in ('requested', 'issued', 'used', 'cancelled', 'expired', 'failed'));
alter table coupons add column scope jsonb default '{}' not null;
comment on table coupons is
    'used_by: key of the order that used it; reusable: serves as long as the member''s tier period;'
    ' scope: the products it is for, and whether it goes with other codes';

create index ix_coupons_external_id on coupons (account_id, external_id) where state = 'issued';

create index ix_orders_laurel_codes on orders using gin (laurel_codes) where laurel_codes <> '[]';

create table redemptions (
    id uuid not null,
    account_id uuid not null,
    number integer not null,
    member_id uuid not null,
    reward_key text not null,
    kind text not null,
    program_version integer not null,
    points bigint not null,
    amount text default '' not null,
    state text not null,
    asked_at timestamp with time zone not null,
    hold_until timestamp with time zone,
    ends_at timestamp with time zone,
    ended_at timestamp with time zone,
    uses integer default '0' not null,
    used_by text,
    restored bigint default '0' not null,
    failure text,
    cancel_asked_at timestamp with time zone,
    fulfilment text,
    request jsonb default '{}' not null,
    closing_note text default '' not null,
    constraint pk_redemptions primary key (id),
    constraint uq_redemptions_account_id_id unique (account_id, id),
    constraint uq_redemptions_account_id_number unique (account_id, number),
    constraint ck_redemptions_points check (points >= 0 and restored >= 0),
    constraint ck_redemptions_state check (state in ('held', 'captured', 'released', 'cancelled', 'expired')),
    constraint ck_redemptions_fulfilment check (fulfilment in ('open', 'accepted', 'done', 'refused')),
    constraint fk_redemptions_account_id_member_id
        foreign key(account_id, member_id) references members (account_id, id)
);
create index ix_redemptions_member on redemptions (account_id, member_id, id);
create index ix_redemptions_reward on redemptions (account_id, reward_key) where state in ('held', 'captured');
create index ix_redemptions_fulfilment on redemptions (account_id, fulfilment, id) where fulfilment is not null;
comment on table redemptions is
    'number: of the accepted command; state: what the fold made of the points;'
    ' fulfilment: how far people are with a service';
alter table redemptions enable row level security;
alter table redemptions force row level security;
create policy of_account on redemptions
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update on redemptions to laurel_app;

create table incidents (
    id bigint generated always as identity,
    account_id uuid not null,
    kind text not null,
    subject text not null,
    member_id uuid,
    order_key text default '' not null,
    data jsonb default '{}'::jsonb not null,
    noticed_at timestamp with time zone not null,
    resolved_at timestamp with time zone,
    resolved_by text default '' not null,
    constraint pk_incidents primary key (id),
    constraint uq_incidents_account_id_kind_subject_order_key unique (account_id, kind, subject, order_key),
    constraint fk_incidents_account_id_member_id
        foreign key(account_id, member_id) references members (account_id, id)
);
create index ix_incidents_open on incidents (account_id, id) where resolved_at is null;
comment on table incidents is 'kind: what is odd; subject: the cause of the coupon it is about';
alter table incidents enable row level security;
alter table incidents force row level security;
create policy of_account on incidents
    using (account_id = (select nullif(current_setting('app.account', true), '')::uuid));
grant select, insert, update on incidents to laurel_app;
"""


def upgrade() -> None:
    """Create the tables."""
    op.get_bind().connection.cursor().execute(UP)


def downgrade() -> None:
    """What members redeemed would be lost."""
    raise NotImplementedError("restore a backup instead of going back before 0011")
