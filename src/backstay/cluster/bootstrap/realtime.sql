-- Schema realtime: messages (broadcast from the database, policies of private channels) and the
-- subscriptions to table changes. Needs roles.sql and schemas.sql.
-- https://supabase.com/docs/guides/realtime/concepts

-- ── messages, one partition a day ─────────────────────────────────────────────────────────────

create table if not exists realtime.messages (
  topic text not null,
  extension text not null,
  payload jsonb,
  event text,
  private boolean default false,
  updated_at timestamp not null default now(),
  inserted_at timestamp not null default now(),
  id uuid not null default gen_random_uuid(),
  binary_payload bytea,
  constraint messages_pkey primary key (id, inserted_at),
  constraint messages_payload_exclusive check (payload is null or binary_payload is null)
) partition by range (inserted_at);
create index if not exists messages_inserted_at_topic_index on realtime.messages (inserted_at desc, topic)
  where extension = 'broadcast' and private is true;

-- Makes the partitions of yesterday to three days ahead, drops those older than three days. The
-- janitor calls it daily; sending calls it when the day has no partition yet.
create or replace function realtime.maintain_message_partitions() returns void
language plpgsql security definer set search_path = '' as $body$
declare
  today date := (now() at time zone 'utc')::date;
  day date;
  old record;
begin
  -- One at a time: two senders at midnight would otherwise both create the day.
  perform pg_advisory_xact_lock(hashtext('realtime.messages partitions'));
  for day in select generate_series(today - 1, today + 3, interval '1 day')::date loop
    if to_regclass(format('realtime.messages_%s', to_char(day, 'YYYY_MM_DD'))) is null then
      execute format(
        'create table realtime.%I partition of realtime.messages for values from (%L) to (%L)',
        'messages_' || to_char(day, 'YYYY_MM_DD'), day, day + 1);
      execute format('alter table realtime.%I owner to supabase_realtime_admin, enable row level security',
        'messages_' || to_char(day, 'YYYY_MM_DD'));
    end if;
  end loop;
  for old in
    select c.relname from pg_catalog.pg_inherits as i join pg_catalog.pg_class as c on c.oid = i.inhrelid
     where i.inhparent = 'realtime.messages'::regclass and c.relname ~ '^messages_\d{4}_\d\d_\d\d$'
       and to_date(substr(c.relname, 10), 'YYYY_MM_DD') < today - 3
  loop
    execute format('drop table realtime.%I', old.relname);
  end loop;
end
$body$;
-- For the role of whoever sends the first message of a day: all it can do is what is due.
revoke all on function realtime.maintain_message_partitions() from public;
grant execute on function realtime.maintain_message_partitions()
  to postgres, anon, authenticated, service_role;

create or replace function realtime._ensure_partition() returns void language plpgsql as $body$
begin
  if to_regclass('realtime.messages_' || to_char(now() at time zone 'utc', 'YYYY_MM_DD')) is null then
    perform realtime.maintain_message_partitions();
  end if;
end
$body$;

-- The topic whose policies are being asked, without the prefix clients see.
create or replace function realtime.topic() returns text stable language sql
return nullif(current_setting('realtime.topic', true), '');

-- Sends a broadcast when the transaction commits. A failure is a warning: a trigger that tells the
-- world about a row must not be the reason why the row is not written.
create or replace function realtime.send(payload jsonb, event text, topic text, private boolean default true)
returns void language plpgsql as $body$
declare
  message_id uuid := gen_random_uuid();
begin
  perform realtime._ensure_partition();
  perform set_config('realtime.topic', topic, true);
  insert into realtime.messages (id, topic, extension, event, private, payload)
  values (message_id, topic, 'broadcast', event, private,
          case when payload ? 'id' then payload else payload || jsonb_build_object('id', message_id) end);
exception when others then
  raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end
$body$;

create or replace function realtime.send_binary(payload bytea, event text, topic text, private boolean default true)
returns void language plpgsql as $body$
begin
  perform realtime._ensure_partition();
  perform set_config('realtime.topic', topic, true);
  insert into realtime.messages (topic, extension, event, private, binary_payload)
  values (topic, 'broadcast', event, private, payload);
exception when others then
  raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end
$body$;

-- For row triggers: tells a topic how a row changed.
create or replace function realtime.broadcast_changes(
  topic_name text, event_name text, operation text, table_name text, table_schema text,
  new record, old record, level text default 'ROW')
returns void language plpgsql as $body$
begin
  if level = 'STATEMENT' then
    raise exception 'Failed to process the row: only row triggers know the row that changed';
  elsif operation not in ('INSERT', 'UPDATE', 'DELETE') then
    raise exception 'Failed to process the row: Unexpected operation type: %', operation;
  end if;
  perform realtime.send(
    jsonb_build_object('record', new, 'old_record', old, 'operation', operation,
                       'table', table_name, 'schema', table_schema),
    event_name, topic_name);
end
$body$;

-- ── subscriptions to table changes ────────────────────────────────────────────────────────────

do $types$
begin
  if to_regtype('realtime.action') is null then
    create type realtime.action as enum ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'ERROR');
    create type realtime.equality_op as enum ('eq', 'neq', 'lt', 'lte', 'gt', 'gte', 'in', 'like',
      'ilike', 'is', 'match', 'imatch', 'isdistinct');
    create type realtime.user_defined_filter as (
      column_name text, op realtime.equality_op, value text, negate boolean);
    create type realtime.wal_column as (
      name text, type_name text, type_oid oid, value jsonb, is_pkey boolean, is_selectable boolean);
    create type realtime.wal_rls as (
      wal jsonb, is_rls_enabled boolean, subscription_ids uuid[], errors text[]);
  end if;
end
$types$;

create or replace function realtime.to_regrole(role_name text) returns regrole
immutable language sql as $body$ select role_name::regrole $body$;

create table if not exists realtime.subscription (
  id bigint generated always as identity constraint pk_subscription primary key,
  subscription_id uuid not null,
  entity regclass not null,
  filters realtime.user_defined_filter[] not null default '{}',
  claims jsonb not null,
  claims_role regrole not null generated always as (realtime.to_regrole(claims ->> 'role')) stored,
  created_at timestamp not null default timezone('utc', now()),
  action_filter text default '*' constraint subscription_action_filter_check
    check (action_filter in ('*', 'INSERT', 'UPDATE', 'DELETE')),
  selected_columns text[]
);
create index if not exists ix_realtime_subscription_entity on realtime.subscription (entity);
create unique index if not exists subscription_subscription_id_entity_filters_action_filter_selec
  on realtime.subscription (subscription_id, entity, filters, action_filter, coalesce(selected_columns, '{}'));

create table if not exists realtime.schema_migrations (
  version bigint not null constraint schema_migrations_pkey primary key,
  inserted_at timestamp(0)
);

-- A text value as JSON of a type: numbers and booleans stay what they are, bytea is not encoded twice.
create or replace function realtime."cast"(val text, type_ regtype) returns jsonb
immutable language plpgsql as $body$
declare
  converted jsonb;
begin
  if type_ = 'bytea'::regtype then
    return to_jsonb(val);
  end if;
  execute format('select to_jsonb(%L::%s)', val, type_) into converted;
  return converted;
end
$body$;

-- Whether "val_1 op val_2" holds, both read as type_. NULL compares as unknown, which is no.
create or replace function realtime.check_equality_op(
  op realtime.equality_op, type_ regtype, val_1 text, val_2 text, negate boolean)
returns boolean immutable language plpgsql as $body$
declare
  verdict boolean;
  operator text := case op
    when 'eq' then '=' when 'neq' then '<>' when 'lt' then '<' when 'lte' then '<='
    when 'gt' then '>' when 'gte' then '>=' when 'like' then 'like' when 'ilike' then 'ilike'
    when 'match' then '~' when 'imatch' then '~*' when 'isdistinct' then 'is distinct from' end;
begin
  if op = 'is' then
    if lower(val_2) not in ('null', 'true', 'false', 'unknown') then
      raise exception 'invalid value for is filter: must be null, true, false, or unknown';
    end if;
    execute format('select %L::%s is %s', val_1, type_, lower(val_2)) into verdict;
  elsif op = 'in' then
    -- val_2 is an array literal: {a,b}
    execute format('select %L::%s = any (%L::%s[])', val_1, type_, val_2, type_) into verdict;
  else
    execute format('select %L::%s %s %L::%s', val_1, type_, operator, val_2,
      case when op in ('like', 'ilike', 'match', 'imatch') then 'text'::regtype else type_ end)
      into verdict;
  end if;
  return coalesce(verdict <> coalesce(negate, false), false);
end
$body$;

create or replace function realtime.check_equality_op(
  op realtime.equality_op, type_ regtype, val_1 text, val_2 text)
returns boolean immutable language sql
return realtime.check_equality_op(op, type_, val_1, val_2, false);

-- Whether a row passes every filter of a subscription; no filter passes everything.
create or replace function realtime.is_visible_through_filters(
  columns realtime.wal_column[], filters realtime.user_defined_filter[])
returns boolean immutable language sql as $body$
  select coalesce(bool_and(coalesce(
           realtime.check_equality_op(f.op,
             coalesce(c.type_oid::regtype, c.type_name::regtype), c.value #>> '{}', f.value, f.negate),
           false)), true)
    from unnest(filters) as f left join unnest(columns) as c on c.name = f.column_name
$body$;

create or replace function realtime.build_prepared_statement_sql(
  prepared_statement_name text, entity regclass, columns realtime.wal_column[])
returns text language sql as $body$
  select format('prepare %I as select exists (select from %s where %s)', prepared_statement_name, entity,
           string_agg(format('%I = %L', c.name, c.value #>> '{}'), ' and '))
    from unnest(columns) as c where c.is_pkey
$body$;

create or replace function realtime.wal2json_escape_identifier(name text) returns text
immutable strict language sql
return regexp_replace(name, '([\\,.[:space:]])', '\\\1', 'g');

create or replace function realtime.quote_wal2json(entity regclass) returns text
stable strict language sql as $body$
  select realtime.wal2json_escape_identifier(n.nspname) || '.' || realtime.wal2json_escape_identifier(c.relname)
    from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
   where c.oid = entity
$body$;

-- The columns of one side of a change, as a role sees them.
create or replace function realtime._wal_columns(side jsonb, pk jsonb, entity regclass, reader regrole)
returns realtime.wal_column[] stable language sql as $body$
  select coalesce(array_agg((
           c.entry ->> 'name', c.entry ->> 'type', coalesce((c.entry ->> 'typeoid')::oid, (c.entry ->> 'type')::regtype),
           realtime."cast"(c.entry ->> 'value', coalesce((c.entry ->> 'typeoid')::regtype, (c.entry ->> 'type')::regtype)),
           pk @> jsonb_build_array(jsonb_build_object('name', c.entry -> 'name')),
           has_column_privilege(reader, entity, c.entry ->> 'name', 'SELECT'))::realtime.wal_column order by c.n), '{}')
    from jsonb_array_elements(side) with ordinality as c (entry, n)
$body$;

-- A row's columns as one object: readable ones, among them the chosen, without large values when the
-- whole is too large. Unchanged TOAST values are missing from the new side and come from the old.
create or replace function realtime._wal_record(
  main realtime.wal_column[], fallback realtime.wal_column[], chosen text[], keys_only boolean, shorten boolean)
returns jsonb stable language sql as $body$
  select coalesce(jsonb_object_agg(c.name, c.value), '{}')
    from (select m.* from unnest(main) as m
          union all
          select f.* from unnest(fallback) as f where f.name not in (select m.name from unnest(main) as m)) as c
   where c.is_selectable
     and (c.is_pkey or not keys_only)
     and (chosen is null or c.is_pkey or c.name = any (chosen))
     and (not shorten or octet_length(c.value::text) <= 64)
$body$;

-- Who may hear of a change (an object as wal2json writes it), and what: one row for every role and
-- choice of columns that subscribes to the table. The caller must be able to become those roles.
create or replace function realtime.apply_rls(wal jsonb, max_record_bytes integer default (1024 * 1024))
returns setof realtime.wal_rls language plpgsql as $body$
#variable_conflict use_variable
declare
  changed regclass := format('%I.%I', wal ->> 'schema', wal ->> 'table')::regclass;
  action realtime.action := case wal ->> 'action'
    when 'I' then 'INSERT' when 'U' then 'UPDATE' when 'D' then 'DELETE' else 'ERROR' end;
  guarded boolean := (select c.relrowsecurity from pg_catalog.pg_class as c where c.oid = changed);
  too_large boolean := octet_length(wal::text) > max_record_bytes;
  head jsonb := jsonb_build_object('schema', wal ->> 'schema', 'table', wal ->> 'table', 'type', action);
  reader regrole;
  new_row realtime.wal_column[];
  old_row realtime.wal_column[];
  problem text;
  subscriber realtime.subscription;
  allowed boolean;
  visible uuid[];
  choice record;
begin
  for reader in
    select distinct s.claims_role from realtime.subscription as s
     where s.entity = changed and s.action_filter in ('*', action::text)
  loop
    new_row := realtime._wal_columns(wal -> 'columns', wal -> 'pk', changed, reader);
    old_row := realtime._wal_columns(wal -> 'identity', wal -> 'pk', changed, reader);
    problem := case
      when action = 'DELETE' then null
      when not exists (select from unnest(new_row) as c where c.is_pkey)
        then 'Error 400: Bad Request, no primary key'
      when exists (select from unnest(new_row) as c where c.is_pkey and not c.is_selectable)
        then 'Error 401: Unauthorized' end;
    visible := '{}';
    for subscriber in
      select s.* from realtime.subscription as s
       where s.entity = changed and s.claims_role = reader and s.action_filter in ('*', action::text)
         and (problem is not null or realtime.is_visible_through_filters(new_row, s.filters)
              or action = 'DELETE' and realtime.is_visible_through_filters(old_row, s.filters))
    loop
      allowed := problem is not null or action = 'DELETE' or not guarded;
      if not allowed then
        perform set_config('request.jwt.claims', subscriber.claims::text, true),
                set_config('role', (select r.rolname from pg_catalog.pg_roles as r where r.oid = reader), true);
        execute (
          select format('select exists (select from %s where %s)', changed,
                   string_agg(format('%I = %L', c.name, c.value #>> '{}'), ' and '))
            from unnest(new_row) as c where c.is_pkey) into allowed;
        perform set_config('role', 'none', true);
      end if;
      if allowed then
        visible := visible || subscriber.subscription_id;
      end if;
    end loop;
    for choice in
      select s.selected_columns as chosen, array_agg(s.subscription_id) as ids
        from realtime.subscription as s
       where s.entity = changed and s.claims_role = reader and s.action_filter in ('*', action::text)
         and s.subscription_id = any (visible)
       group by s.selected_columns
    loop
      return next (
        case when problem is not null then head else head || jsonb_strip_nulls(jsonb_build_object(
          'commit_timestamp', to_char((wal ->> 'timestamp')::timestamptz at time zone 'utc',
                                      'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
          'columns', (
            select jsonb_agg(jsonb_build_object('name', a.attname, 'type', t.typname) order by a.attnum)
              from pg_catalog.pg_attribute as a join pg_catalog.pg_type as t on t.oid = a.atttypid
             where a.attrelid = changed and a.attnum > 0 and not a.attisdropped
               and has_column_privilege(reader, changed, a.attnum, 'SELECT')
               and (choice.chosen is null or a.attname = any (choice.chosen)
                    or wal -> 'pk' @> jsonb_build_array(jsonb_build_object('name', a.attname))))))
          || case when action in ('INSERT', 'UPDATE') then jsonb_build_object('record',
               realtime._wal_record(new_row, old_row, choice.chosen, false, too_large)) else '{}' end
          || case when action in ('UPDATE', 'DELETE') then jsonb_build_object('old_record',
               -- Whether the row could be seen is unknown once it is gone: its key says little.
               realtime._wal_record(old_row, '{}', choice.chosen, guarded and action = 'DELETE', too_large))
             else '{}' end
        end,
        guarded, choice.ids,
        case when problem is not null then array[problem]
             when too_large then array['Error 413: Payload Too Large'] else '{}' end
      )::realtime.wal_rls;
    end loop;
  end loop;
end
$body$;

-- Upstream reads a replication slot with the output plugin wal2json here; this server has pgoutput,
-- which backstay reads itself.
create or replace function realtime.list_changes(
  publication name, slot_name name, max_changes integer, max_record_bytes integer)
returns table (wal jsonb, is_rls_enabled boolean, subscription_ids uuid[], errors text[], slot_changes_count bigint)
language plpgsql as $body$
begin
  raise exception 'realtime.list_changes needs the output plugin wal2json, which this server does not have'
    using errcode = 'feature_not_supported';
end
$body$;

-- Refuses a subscription that could never be answered, and orders its filters so that two equal
-- ones are equal to the unique index too.
create or replace function realtime.subscription_check_filters() returns trigger
language plpgsql as $body$
declare
  readable text[] := (
    select coalesce(array_agg(a.attname::text), '{}') from pg_catalog.pg_attribute as a
     where a.attrelid = new.entity and a.attnum > 0 and not a.attisdropped
       and has_column_privilege((new.claims ->> 'role')::regrole, a.attrelid, a.attnum, 'SELECT'));
  condition realtime.user_defined_filter;
  column_type regtype;
  wanted text;
begin
  foreach condition in array new.filters loop
    if condition.column_name <> all (readable) then
      raise exception 'invalid column for filter %', condition.column_name;
    end if;
    select a.atttypid into column_type from pg_catalog.pg_attribute as a
     where a.attrelid = new.entity and a.attname = condition.column_name;
    if condition.op = 'in' then
      execute format('select %L::%s[]', condition.value, column_type);
      if cardinality(condition.value::text[]) > 100 then
        raise exception 'too many values for `in` filter. Maximum 100';
      end if;
    else
      -- Fails here, for the subscriber, rather than later for everyone who reads the stream.
      perform realtime.check_equality_op(condition.op, column_type, null,
        condition.value, condition.negate);
      if condition.op in ('match', 'imatch') then
        perform '' ~ condition.value;
      end if;
    end if;
  end loop;
  foreach wanted in array coalesce(new.selected_columns, '{}') loop
    if wanted <> all (readable) then
      raise exception 'invalid column for select %', wanted;
    end if;
  end loop;
  new.filters := (select coalesce(array_agg(f order by f.column_name, f.op, f.value, f.negate), '{}')
                    from unnest(new.filters) as f);
  new.selected_columns := (select array_agg(c order by c) from unnest(new.selected_columns) as c);
  return new;
end
$body$;
create or replace trigger tr_check_filters before insert or update on realtime.subscription
  for each row execute function realtime.subscription_check_filters();

-- ── owner and rights ──────────────────────────────────────────────────────────────────────────

do $rights$
declare
  object record;
begin
  for object in
    select c.relname as name, c.relkind from pg_class c
     where c.relnamespace = 'realtime'::regnamespace and c.relkind in ('r', 'p')
       and not c.relispartition and c.relname <> 'schema_migrations'
  loop
    execute format('alter table realtime.%I owner to supabase_realtime_admin', object.name);
    execute format('grant all on table realtime.%I to postgres, dashboard_user', object.name);
  end loop;
  for object in
    select t.typname as name from pg_type t
     where t.typnamespace = 'realtime'::regnamespace
       and t.typname in ('action', 'equality_op', 'user_defined_filter', 'wal_column', 'wal_rls')
  loop
    execute format('alter type realtime.%I owner to supabase_realtime_admin', object.name);
  end loop;
  for object in
    select p.oid::regprocedure as name from pg_proc p
     where p.pronamespace = 'realtime'::regnamespace and p.proname <> 'maintain_message_partitions'
  loop
    execute format('alter function %s owner to supabase_realtime_admin', object.name);
    execute format('grant execute on function %s to postgres, dashboard_user, anon, authenticated, service_role',
                   object.name);
  end loop;
end
$rights$;
alter table realtime.messages enable row level security;
alter table realtime.schema_migrations enable row level security;
grant select, insert, update on table realtime.messages to anon, authenticated, service_role;
grant select on table realtime.subscription to anon, authenticated, service_role;
grant usage on sequence realtime.subscription_id_seq to anon, authenticated, service_role;
revoke all on table realtime.schema_migrations from postgres, dashboard_user, anon, authenticated, service_role;

select realtime.maintain_message_partitions();

do $publication$
begin
  if not exists (select from pg_publication where pubname = 'supabase_realtime_messages_publication') then
    create publication supabase_realtime_messages_publication for table realtime.messages
      with (publish = 'insert', publish_via_partition_root = true);
  end if;
end
$publication$;
