-- What expire-points does for a batch of members, by bare SQL: find, lock, and write the same rows.

insert into due
select id from members where id in (
    select distinct member_id from (
        select member_id from lots where expires_at <= :now and remaining > 0 order by expires_at limit 4 * :batch
    ) over limit :batch)
order by id for no key update skip locked;

------------------------------------------------------------------------------------------------------------------------
with dead as (
    update lots set remaining = 0, expired = expired + remaining from due
    where lots.member_id = due.id and expires_at <= :now and remaining > 0
    returning lots.member_id, lots.cause, lots.order_key, lots.expires_at, lots.sequence, lots.expired as points
), used as (
    insert into lot_consumptions (account_id, member_id, lot_cause, cause, points)
    select :account, member_id, cause, 'expiry', points from dead
    on conflict (account_id, member_id, lot_cause, cause) do update
        set points = lot_consumptions.points + excluded.points
    returning cause
), ranked as (
    select dead.*, members.key as owner, 'expiry:' || dead.cause as expiry,
        points_sum - sum(points) over (partition by member_id order by expires_at, dead.sequence) as balance
    from dead join members on members.id = dead.member_id
), posted as (
    insert into ledger_entries (
        account_id, id, member_id, entry_key, cause, kind, points, balance_after, order_key, program_version, reason,
        explanation, effective_at, posted_at, content_sha256)
    select :account, uuidv7(), member_id, expiry || '#0', expiry, 'expiry', -points, balance, order_key, null, 'expired',
        '{}', expires_at, :now,
        sha256(convert_to(format(
            '["%s","%s#0","expiry",%s,"%s+00:00","expired","%s",null]', owner, expiry, -points,
            to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS'), order_key), 'UTF8'))
    from ranked order by member_id, expires_at, sequence
    on conflict (account_id, member_id, entry_key) do nothing returning id
)
update members set
    points_sum = points_sum - gone.points, settled_at = :now,
    head = head || jsonb_build_object('place', jsonb_build_array(
        to_char(gone.last at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'), 1, 0, 0, U&'\FFFF'))
from (
    select member_id, sum(points) as points, max(expires_at) as last from ranked
    where (select count(*) from used) >= 0 and (select count(*) from posted) >= 0 group by member_id
) gone
where members.id = gone.member_id;
