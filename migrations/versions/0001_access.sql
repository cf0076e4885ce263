-- Who may see what: the role laurel_app, row-level security on every table of a tenant, and the few named functions
-- that work across accounts. They run as the owner of the tables, who has policies of his own for exactly their tables.

do $$
begin
    if not exists (select from pg_roles where rolname = 'laurel_app') then
        create role laurel_app nologin;
    end if;
    if not pg_has_role(current_user, 'laurel_app', 'member') then
        execute format('grant laurel_app to %I', current_user);
    end if;
exception when insufficient_privilege then
    -- Only an owner whose login the app shares (no DATABASE_OWNER_URL) has to become laurel_app.
    raise notice '% may not become laurel_app: give the app a login of its own', current_user;
end
$$;

grant usage on schema public to laurel_app;
grant select, insert, update, delete on all tables in schema public to laurel_app;
grant usage on all sequences in schema public to laurel_app;

-- A posted entry and an accepted command never change; the audit log only grows.
revoke update, delete on ledger_entries, adjustments, activities, program_versions from laurel_app;

do $$
declare
    tenant_table text;
    account_column text;
begin
    for tenant_table in select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version'
    loop
        account_column := case when tenant_table = 'accounts' then 'id' else 'account_id' end;
        execute format('alter table %I enable row level security', tenant_table);
        execute format('alter table %I force row level security', tenant_table);
        execute format(
            'create policy of_account on %I using (%I = (select nullif(current_setting(''app.account'', true), '''')::uuid))',
            tenant_table, account_column);
    end loop;
    foreach tenant_table in array array['accounts', 'stores', 'api_keys', 'inbox_messages', 'pushes', 'members', 'lots']
    loop
        execute format('create policy across_accounts on %I for select to current_user using (true)', tenant_table);
    end loop;
end
$$;

revoke execute on all functions in schema public from public;

-- The first statement of every transaction: bind it to one account (null: none), become the app's role where the
-- login is the owner's, and tell how many program versions the account has, so that built ones need no reading.
create function laurel_begin(for_account uuid, as_role text)
returns bigint
language plpgsql security invoker set search_path = public
as $$
begin
    if as_role is not null then
        perform set_config('role', as_role, true);
    end if;
    perform set_config('app.account', coalesce(for_account::text, ''), true);
    return (select count(*) from program_versions);
end
$$;

-- The receiver: whose address is this, and how are its deliveries signed?
create function laurel_find_store_by_token(wanted text)
returns table (store_id uuid, account_id uuid, platform text, webhook_secrets bytea)
language sql stable security definer set search_path = public
as $$
    select id, stores.account_id, stores.platform, stores.webhook_secrets
    from stores where webhook_token = wanted and state = 'connected'
$$;

-- The command line: which account and store does this name mean? Stores first, then accounts.
create function laurel_find_store_by_key(wanted text)
returns table (account_id uuid, store_id uuid)
language sql stable security definer set search_path = public
as $$
    select account_id, store_id from (
        select stores.account_id, id as store_id, 0 as place from stores where key = wanted
        union all
        select accounts.id, null, 1 from accounts where key = wanted
    ) found order by place limit 1
$$;

-- The API: whose key is this?
create function laurel_find_api_key(wanted bytea)
returns table (account_id uuid, key_id uuid, scopes text[])
language sql stable security definer set search_path = public
as $$
    select api_keys.account_id, id, api_keys.scopes from api_keys where sha256 = wanted and revoked_at is null
$$;

-- Every delivery: one statement and one round trip, durable with its commit. True when it was new.
create function laurel_accept(
    for_account uuid, for_store uuid, key bytea, from_source text, with_topic text, with_delivery_id text,
    raw_body bytea, observed timestamptz)
returns boolean
language plpgsql security invoker set search_path = public
as $$
declare
    stored bigint;
begin
    perform set_config('app.account', for_account::text, true);
    insert into inbox_messages (account_id, store_id, message_key, source, topic, delivery_id, body, observed_at)
    values (for_account, for_store, key, from_source, with_topic, with_delivery_id, raw_body, observed)
    on conflict (store_id, message_key) do nothing
    returning id into stored;
    return stored is not null;
end
$$;

-- The sweeper: who has work that waits? kind: drain (by account), read and push (by store).
create function laurel_due_work(as_of timestamptz)
returns table (kind text, account_id uuid, store_id uuid)
language sql stable security definer set search_path = public
as $$
    select distinct 'drain', inbox_messages.account_id, null::uuid from inbox_messages where status = 'pending'
    union
    select distinct 'drain', members.account_id, null::uuid from members where must_refold
    union
    select distinct 'read', waiting.account_id, waiting.store_id
    from inbox_messages waiting join stores on stores.id = waiting.store_id and stores.state = 'connected'
    where status = 'reading' and coalesce(not_before, as_of) <= as_of and coalesce(leased_until, as_of) <= as_of
    union
    select distinct 'push', waiting.account_id, waiting.store_id
    from pushes waiting join stores on stores.id = waiting.store_id and stores.state = 'connected'
    where status = 'waiting' and coalesce(not_before, as_of) <= as_of and coalesce(leased_until, as_of) <= as_of
$$;

-- /readyz and /metrics: how long has the oldest message waited, how much waits?
create function laurel_waiting()
returns table (oldest_message timestamptz, messages bigint, failed_messages bigint, pushes bigint, failed_pushes bigint)
language sql stable security definer set search_path = public
as $$
    select
        (select min(received_at) from inbox_messages where status in ('pending', 'reading')),
        (select count(*) from inbox_messages where status in ('pending', 'reading')),
        (select count(*) from inbox_messages where status = 'failed'),
        (select count(*) from pushes where status = 'waiting'),
        (select count(*) from pushes where status = 'failed')
$$;

-- Periodic jobs: which accounts and stores are there?
create function laurel_stores()
returns table (account_id uuid, store_id uuid, key text, platform text, state text)
language sql stable security definer set search_path = public
as $$
    select stores.account_id, id, stores.key, stores.platform, stores.state from stores order by stores.account_id, number
$$;

do $$
declare
    named regprocedure;
begin
    for named in select oid::regprocedure from pg_proc where pronamespace = 'public'::regnamespace and proname like 'laurel\_%'
    loop
        execute format('revoke execute on function %s from public', named);
        execute format('grant execute on function %s to laurel_app', named);
    end loop;
end
$$;
