-- What close-tier-periods does for a batch of members who all lose their tier, by bare SQL: the same rows.

insert into due
select id from members where tier_due <= :now order by tier_due limit :batch for no key update skip locked;

------------------------------------------------------------------------------------------------------------------------
with begun as (
    insert into tier_periods (account_id, member_id, number, tier_key, entry, started_at, cause, rewarded, reason)
    select :account, members.id, jsonb_array_length(head->'periods') + 1, 'regular', 2, tier_due,
        'tier:' || members.key || ':regular:2', false, 'fell'
    from members join due on due.id = members.id
    returning member_id, started_at, cause
), wanted as (
    select begun.member_id, known.value
    from begun join member_identities known on known.member_id = begun.member_id and known.kind = 'customer'
), outdated as (
    update pushes set status = 'superseded', done_at = now()
    where status = 'waiting' and leased_until is null
        and subject = any(array(select 'tier:' || value from wanted))
), told as (
    insert into pushes (account_id, store_id, member_id, kind, subject, command)
    select :account, stores.id, wanted.member_id, 'set_member_tier', 'tier:' || wanted.value,
        jsonb_build_object(
            'customer_id', split_part(wanted.value, ':', 2), 'tier_key', 'regular', 'tier_name', 'Regular',
            'benefits', '[]'::jsonb)
    from wanted, stores
    returning id
)
update members set
    tier_key = 'regular', tier_due = null, settled_at = :now,
    head = head || jsonb_build_object(
        'place', jsonb_build_array(
            to_char(begun.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'), 1, 0, 0, U&'\FFFF'),
        'periods', head->'periods' || jsonb_build_array(jsonb_build_array(
            'regular', 2, to_char(begun.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'),
            begun.cause, false, 'fell')),
        'held', jsonb_build_array(
            'regular', to_char(begun.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'), null, null,
            null, jsonb_build_array(
                head->'held'->1, to_char(begun.started_at at time zone 'UTC' - interval '1 microsecond',
                'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'), false)))
from begun
where members.id = begun.member_id and (select count(*) from told) >= 0;
