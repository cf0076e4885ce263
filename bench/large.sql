-- Copies every member of an account, with all that belongs to him, `copies` times: ids, keys and hashes are his own.
-- What the copies hold is what the drain itself wrote for the first ones, so their ledgers can be proven too.
-- Run by the superuser with triggers off: the rows refer to each other as the first ones do.

create temp table copies as
select member.id as old_id, uuidv7() as new_id, copy * :step as shift
from members member cross join generate_series(1, :copies) copy where account_id = :account;

------------------------------------------------------------------------------------------------------------------------
insert into members
select fresh.*
from members member join copies on old_id = id
cross join lateral jsonb_populate_record(member, jsonb_build_object(
    'id', new_id, 'key', 'customer:1:' || (split_part(key, ':', 3)::bigint + shift),
    'email', 'customer' || (split_part(key, ':', 3)::bigint + shift) || '@example.test',
    'head', head || jsonb_build_object('place', jsonb_build_array(
        head->'place'->0, head->'place'->1, head->'place'->2, (head->'place'->>3)::bigint + shift,
        ((head->'place'->>3)::bigint + shift)::text)))) fresh;

------------------------------------------------------------------------------------------------------------------------
insert into member_identities
select fresh.*
from member_identities own join copies on old_id = member_id
cross join lateral jsonb_populate_record(own, jsonb_build_object(
    'member_id', new_id, 'value', '1:' || (split_part(value, ':', 2)::bigint + shift))) fresh;

------------------------------------------------------------------------------------------------------------------------
insert into tier_periods
select fresh.*
from tier_periods own join copies on old_id = member_id
cross join lateral jsonb_populate_record(own, jsonb_build_object('member_id', new_id)) fresh;

------------------------------------------------------------------------------------------------------------------------
insert into orders
select fresh.*
from orders own join copies on old_id = member_id
cross join lateral jsonb_populate_record(own, jsonb_build_object(
    'member_id', new_id, 'key', '1:' || (external_id::bigint + shift), 'external_id', external_id::bigint + shift,
    'owner_key', regexp_replace(owner_key, '[0-9]+$', (split_part(owner_key, ':', 3)::bigint + shift)::text),
    'number', (external_id::bigint + shift)::text)) fresh;

------------------------------------------------------------------------------------------------------------------------
insert into lots
select fresh.*
from lots own join copies on old_id = member_id
cross join lateral (select '1:' || (split_part(order_key, ':', 2)::bigint + shift) as new_key) shifted
cross join lateral jsonb_populate_record(own, jsonb_build_object(
    'id', uuidv7(), 'member_id', new_id, 'order_key', new_key,
    'cause', regexp_replace(cause, '1:[0-9]+', new_key))) fresh;

------------------------------------------------------------------------------------------------------------------------
insert into lot_consumptions
select fresh.*
from lot_consumptions own join copies on old_id = member_id
cross join lateral (select '1:' || (split_part(lot_cause, ':', 3)::bigint + shift) as new_key) shifted
cross join lateral jsonb_populate_record(own, jsonb_build_object(
    'member_id', new_id, 'lot_cause', regexp_replace(lot_cause, '1:[0-9]+', new_key),
    'cause', regexp_replace(cause, '1:[0-9]+', new_key))) fresh;

------------------------------------------------------------------------------------------------------------------------
insert into ledger_entries overriding user value
select fresh.*
from ledger_entries own join copies on old_id = member_id join members on members.id = new_id
cross join lateral (select '1:' || (split_part(order_key, ':', 2)::bigint + shift) as new_key) shifted
cross join lateral (
    select regexp_replace(entry_key, '1:[0-9]+', new_key) as new_entry_key,
        to_char(effective_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') as effective
) content
cross join lateral jsonb_populate_record(own, jsonb_build_object(
    'id', uuidv7(), 'member_id', new_id, 'order_key', new_key, 'entry_key', new_entry_key,
    'cause', regexp_replace(cause, '1:[0-9]+', new_key),
    'content_sha256', sha256(convert_to(format(
        '["%s","%s","%s",%s,"%s+00:00","%s","%s",%s]', members.key, new_entry_key, kind, points, effective, reason,
        new_key, coalesce(program_version::text, 'null')), 'UTF8')))) fresh
order by shift, own.sequence;
