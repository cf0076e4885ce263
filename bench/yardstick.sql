-- What a batch of the drain writes, as set-based SQL with the JSON parsed in the database: every row, every column,
-- the same tables, constraints, indexes and row-level security. It knows only this one program and only paid orders
-- that arrive in order. One statement after each dashed line; the claimed messages stay in a temporary table.

insert into parsed
with claimed as (
    select id, store_id, body from inbox_messages
    where status = 'pending' and account_id = :account order by id limit :batch for update skip locked
), bodies as materialized (
    select id, store_id, convert_from(body, 'UTF8')::jsonb as body from claimed
)
select
    bodies.id, store_id, body->>'id', '1:' || (body->>'id'), '1:' || (body->>'customer_id'),
    body->'billing'->>'email', body->'billing'->>'phone',
    (body->'billing'->>'first_name') || ' ' || (body->'billing'->>'last_name'), body->'billing'->>'country',
    body->>'number', at, floor(base), base,
    jsonb_build_object(
        'number', body->>'number', 'state', 'live', 'status', body->>'status', 'currency', body->>'currency',
        'total', body->>'total', 'prices_include_tax', body->'prices_include_tax', 'placed_at', iso, 'modified_at', iso,
        'paid_at', iso, 'completed_at', null, 'test', false, 'channel', body->>'created_via',
        'region', body->'billing'->>'country', 'lines', lines,
        'refunds', '[]'::jsonb, 'coupons', '[]'::jsonb),
    jsonb_build_object(
        'tier', '{"key": "regular", "multiplier": "1"}'::jsonb, 'unit', '1', 'earns', true, 'lines', reasons,
        'bonuses', '{}'::jsonb, 'rounding', 'floor', 'campaigns', '[]'::jsonb, 'points_per_unit', '1')
from bodies
cross join lateral (
    select
        sum((line->>'total')::numeric) as base,
        jsonb_agg(jsonb_build_array(
            line->>'id', 'product', (line->>'quantity')::integer, line->>'subtotal', line->>'subtotal_tax',
            line->>'total', line->>'total_tax', line->>'product_id', '', line->>'sku', null)) as lines,
        jsonb_agg(jsonb_build_object('base', line->>'total', 'line', line->>'id', 'multiplier', '1')) as reasons
    from jsonb_array_elements(body->'line_items') line
) goods
cross join lateral (
    select (body->>'date_paid_gmt')::timestamp at time zone 'UTC' as at, (body->>'date_paid_gmt') || '+00:00' as iso
) moment;

------------------------------------------------------------------------------------------------------------------------
with wanted as materialized (
    select uuidv7() as id, customer from (select distinct customer from parsed) named
    where not exists (
        select from member_identities known where known.kind = 'customer' and known.value = named.customer)
), made as (
    insert into members (account_id, id, key) select :account, id, 'customer:' || customer from wanted order by customer
    on conflict (account_id, key) do nothing returning id
)
insert into member_identities (account_id, kind, value, member_id)
select :account, 'customer', customer, wanted.id from wanted join made on made.id = wanted.id;

------------------------------------------------------------------------------------------------------------------------
select count(*) from (
    select members.id from members where id in (
        select member_id from member_identities join parsed on value = customer and kind = 'customer')
    order by id for no key update
) locked;

------------------------------------------------------------------------------------------------------------------------
insert into rated
select
    parsed.*, members.id, members.key,
    members.points_sum + sum(parsed.points) over fold, members.next_lot + row_number() over fold - 1,
    members.order_count + row_number() over fold
from parsed
join member_identities known on known.kind = 'customer' and known.value = customer
join members on members.id = known.member_id
window fold as (partition by members.id order by at, external_id::bigint);

------------------------------------------------------------------------------------------------------------------------
insert into orders (
    account_id, key, store_id, external_id, member_id, owner_key, owner_at, number, snapshot, modified_at, award_at,
    version, tier_key, nth, taken, points, counted, net_base, counts)
select
    :account, order_key, store_id, external_id, member_id, member_key, at, number, snapshot, at, at, 1, 'regular', nth,
    points, points, points, base::text, 1
from rated
on conflict (account_id, key) do update set snapshot = excluded.snapshot, modified_at = excluded.modified_at;

------------------------------------------------------------------------------------------------------------------------
with posted as (
    insert into ledger_entries (
        account_id, id, member_id, entry_key, cause, kind, points, balance_after, order_key, program_version, reason,
        explanation, effective_at, posted_at, content_sha256)
    select
        :account, uuidv7(), member_id, 'order:' || order_key || ':award#0', 'order:' || order_key || ':award',
        'accrual', points, balance, order_key, 1, 'awarded', explanation || jsonb_build_object('nth_order', nth), at,
        now(),
        sha256(convert_to(format(
            '["%s","order:%s:award#0","accrual",%s,"%s+00:00","awarded","%s",1]', member_key, order_key, points,
            to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS'), order_key), 'UTF8'))
    from rated order by member_id, sequence
    on conflict (account_id, member_id, entry_key) do nothing returning id
)
insert into lots (
    account_id, id, member_id, cause, sequence, order_key, created_at, available_from, expires_at, points, remaining)
select
    :account, uuidv7(), member_id, 'order:' || order_key || ':award', sequence, order_key, at, at,
    (date_trunc('day', at at time zone 'Asia/Taipei' + interval '12 months') + interval '1 day')
        at time zone 'Asia/Taipei',
    points, points
from rated
on conflict (account_id, member_id, cause) do update set remaining = excluded.remaining;

------------------------------------------------------------------------------------------------------------------------
insert into tier_periods (account_id, member_id, number, tier_key, entry, started_at, cause, rewarded, reason)
select :account, member_id, 1, 'regular', 1, at, 'joined', false, 'joined' from rated where nth = 1
on conflict (account_id, member_id, number) do nothing;

------------------------------------------------------------------------------------------------------------------------
update members set
    email = last.email, phone = last.phone, name = last.name, region = last.region, registered = true,
    profile_at = last.at, enrolled = true, joined_at = coalesce(joined_at, first_at), settled_at = now(),
    tier_key = 'regular', points_sum = balance, next_lot = last.sequence + 1, order_count = last.nth,
    lifetime_spend = (lifetime_spend::numeric + spend)::text, lifetime_orders = lifetime_orders + orders,
    lifetime_points = lifetime_points + last.earned, must_refold = false,
    head = jsonb_build_object(
        'place', jsonb_build_array(
            to_char(last.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'), 2, 1, external_id::bigint,
            external_id),
        'periods', jsonb_build_array(jsonb_build_array(
            'regular', 1,
            to_char(coalesce(joined_at, first_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'),
            'joined', false, 'joined')),
        'held', jsonb_build_array(
            'regular', to_char(coalesce(joined_at, first_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'),
            null, null, null, null),
        'rules', 1, 'active', to_char(last.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'),
        'region', last.region,
        'tally', jsonb_build_object(
            'since', null, 'moments', coalesce(members.head->'tally'->'moments', '[]'::jsonb) || last.moments))
from (
    select distinct on (member_id) rated.*, min(at) over whole as first_at, sum(base) over whole as spend,
        count(*) over whole as orders, sum(points) over whole as earned,
        jsonb_agg(jsonb_build_array(
            to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'), base::text, 1, points, points))
            over whole as moments
    from rated window whole as (partition by member_id)
    order by member_id, sequence desc
) last
where members.id = last.member_id;

------------------------------------------------------------------------------------------------------------------------
update inbox_messages set
    status = 'processed', reason = '', leased_until = null, not_before = null, processed_at = now()
from parsed where inbox_messages.id = parsed.message_id;
