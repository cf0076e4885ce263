-- What redeeming a service writes, as one statement: the same locks, rows, columns, constraints and row-level security.
-- It judges nothing, and knows only members whose first lot pays the price.

with numbered as (
    update accounts set commands = commands + 1 returning commands as number
), locked as materialized (
    select id, key, head, points_sum from members where id = :member for no key update
), told as (
    insert into commands (account_id, number, member_id, kind, accepted_at, data, reason, actor)
    select :account, number, locked.id, 'redeem', :at,
        jsonb_build_object(
            'reward', 'talk', 'kind', 'service', 'points', 1, 'amount', '', 'store', 0, 'hold_until', null),
        'redeemed', 'bench'
    from numbered, locked
), first_lot as materialized (
    select lots.cause, lots.member_id from lots join locked on locked.id = lots.member_id
    where remaining > 0 order by expires_at, created_at, sequence limit 1
), used as (
    update lots set remaining = remaining - 1 from first_lot
    where lots.member_id = first_lot.member_id and lots.cause = first_lot.cause
), consumed as (
    insert into lot_consumptions (account_id, member_id, lot_cause, cause, points)
    select :account, member_id, cause, 'redemption:' || number, 1 from first_lot, numbered
), posted as (
    insert into ledger_entries (
        account_id, id, member_id, entry_key, cause, kind, points, balance_after, order_key, program_version, reason,
        explanation, effective_at, posted_at, content_sha256)
    select :account, uuidv7(), locked.id, 'redemption:' || number || '#0', 'redemption:' || number, 'redemption', -1,
        points_sum - 1, null, 1, 'redeemed', jsonb_build_object('reward', 'talk', 'redemption', number), :at, :at,
        sha256(convert_to(format(
            '["%s","redemption:%s#0","redemption",-1,"%s","redeemed",null,1]', key, number, cast(:iso as text)), 'UTF8'))
    from locked, numbered
), redeemed as (
    insert into redemptions (
        account_id, id, number, member_id, reward_key, kind, program_version, points, state, asked_at)
    select :account, uuidv7(), number, locked.id, 'talk', 'service', 1, 1, 'captured', :at from locked, numbered
)
update members set
    points_sum = members.points_sum - 1, settled_at = :at,
    head = members.head || jsonb_build_object(
        'place', jsonb_build_array(cast(:iso as text), 5, 0, number, ''), 'active', cast(:iso as text),
        'ordered', coalesce(members.head->'ordered', members.head->'active'))
from locked, numbered where members.id = locked.id
