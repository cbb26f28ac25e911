-- Message queues: a table each, messages hidden while they are worked on. The objects are in schema
-- pgmq whichever schema is asked for. https://pgmq.github.io/pgmq/

do $schema$
begin
  if to_regnamespace('pgmq') is null then
    create schema pgmq;
  end if;
end
$schema$;

create table pgmq.meta (
  queue_name varchar not null unique,
  is_partitioned boolean not null,
  is_unlogged boolean not null,
  created_at timestamptz not null default now()
);
select pg_catalog.pg_extension_config_dump('pgmq.meta', '');

create type pgmq.message_record as (
  msg_id bigint, read_ct integer, enqueued_at timestamptz, vt timestamptz, message jsonb, headers jsonb);
create type pgmq.queue_record as (
  queue_name varchar, is_partitioned boolean, is_unlogged boolean, created_at timestamptz);
create type pgmq.metrics_result as (
  queue_name text, queue_length bigint, newest_msg_age_sec integer, oldest_msg_age_sec integer,
  total_messages bigint, scrape_time timestamptz, queue_visible_length bigint);

create function pgmq.validate_queue_name(queue_name text) returns void language plpgsql as $body$
begin
  if length(queue_name) > 47 then
    raise exception 'queue name is too long, maximum length is 47 characters';
  elsif queue_name !~ '^[A-Za-z0-9_\-. ]+$' then
    raise exception 'queue name contains invalid characters: $, ;, --, or ''';
  end if;
end
$body$;

create function pgmq.format_table_name(queue_name text, prefix text) returns text immutable language sql
return prefix || '_' || lower(queue_name);

create function pgmq._table(prefix text, queue_name text) returns text stable language plpgsql as $body$
begin
  perform pgmq.validate_queue_name(queue_name);
  return format('pgmq.%I', pgmq.format_table_name(queue_name, prefix));
end
$body$;

create function pgmq._create(queue_name text, unlogged boolean) returns void language plpgsql as $body$
declare
  queue text := pgmq._table('q', queue_name);
  archive text := pgmq._table('a', queue_name);
begin
  perform pg_advisory_xact_lock(hashtext('pgmq.' || lower(queue_name)));
  execute format($sql$
    create %s table if not exists %s (
      msg_id bigint primary key generated always as identity,
      read_ct integer not null default 0,
      enqueued_at timestamptz not null default now(),
      vt timestamptz not null,
      message jsonb,
      headers jsonb)$sql$, case when unlogged then 'unlogged' else '' end, queue);
  execute format('create index if not exists %I on %s (vt)',
    pgmq.format_table_name(queue_name, 'q') || '_vt_idx', queue);
  execute format($sql$
    create table if not exists %s (
      msg_id bigint primary key,
      read_ct integer not null default 0,
      enqueued_at timestamptz not null default now(),
      archived_at timestamptz not null default now(),
      vt timestamptz not null,
      message jsonb,
      headers jsonb)$sql$, archive);
  execute format('create index if not exists %I on %s (archived_at)',
    'archived_at_idx_' || lower(queue_name), archive);
  insert into pgmq.meta (queue_name, is_partitioned, is_unlogged)
  values (lower(queue_name), false, unlogged) on conflict do nothing;
end
$body$;

create function pgmq.create(queue_name text) returns void language sql as $body$ select pgmq._create(queue_name, false) $body$;
create function pgmq.create_non_partitioned(queue_name text) returns void language sql as $body$ select pgmq._create(queue_name, false) $body$;
create function pgmq.create_unlogged(queue_name text) returns void language sql as $body$ select pgmq._create(queue_name, true) $body$;
create function pgmq.create_partitioned(queue_name text, partition_interval text default '10000', retention_interval text default '100000')
returns void language plpgsql as $body$
begin
  raise exception 'partitioned queues need pg_partman, which is not available here'
    using errcode = 'feature_not_supported', hint = 'Use pgmq.create.';
end
$body$;

create function pgmq.drop_queue(queue_name text) returns boolean language plpgsql as $body$
begin
  execute format('drop table if exists %s', pgmq._table('q', queue_name));
  execute format('drop table if exists %s', pgmq._table('a', queue_name));
  delete from pgmq.meta as m where m.queue_name = lower(drop_queue.queue_name);
  return found;
end
$body$;
create function pgmq.drop_queue(queue_name text, partitioned boolean) returns boolean language sql as $body$ select pgmq.drop_queue(queue_name) $body$;
create function pgmq.detach_archive(queue_name text) returns void language sql as $body$ select null $body$;

create function pgmq.list_queues() returns setof pgmq.queue_record language sql as $body$
  select queue_name, is_partitioned, is_unlogged, created_at from pgmq.meta
$body$;

create function pgmq.purge_queue(queue_name text) returns bigint language plpgsql as $body$
declare
  purged bigint;
begin
  execute format('with gone as (delete from %s returning 1) select count(*) from gone', pgmq._table('q', queue_name)) into purged;
  return purged;
end
$body$;

-- ── sending ───────────────────────────────────────────────────────────────────────────────────

create function pgmq.send_batch(queue_name text, msgs jsonb[], headers jsonb[], delay timestamptz)
returns setof bigint language plpgsql as $body$
begin
  if headers is not null and cardinality(headers) not in (0, cardinality(msgs)) then
    raise exception 'headers must be as many as messages, or none';
  end if;
  return query execute format(
    'insert into %s (vt, message, headers) select $1, u.msg, u.header
       from unnest($2, $3) with ordinality as u (msg, header, n) order by n returning msg_id',
    pgmq._table('q', queue_name)) using delay, msgs, headers;
end
$body$;
create function pgmq.send_batch(queue_name text, msgs jsonb[]) returns setof bigint language sql as $body$
  select pgmq.send_batch(queue_name, msgs, null, clock_timestamp()) $body$;
create function pgmq.send_batch(queue_name text, msgs jsonb[], headers jsonb[]) returns setof bigint language sql as $body$
  select pgmq.send_batch(queue_name, msgs, headers, clock_timestamp()) $body$;
create function pgmq.send_batch(queue_name text, msgs jsonb[], delay integer) returns setof bigint language sql as $body$
  select pgmq.send_batch(queue_name, msgs, null, clock_timestamp() + make_interval(secs => delay)) $body$;
create function pgmq.send_batch(queue_name text, msgs jsonb[], delay timestamptz) returns setof bigint language sql as $body$
  select pgmq.send_batch(queue_name, msgs, null, delay) $body$;
create function pgmq.send_batch(queue_name text, msgs jsonb[], headers jsonb[], delay integer) returns setof bigint language sql as $body$
  select pgmq.send_batch(queue_name, msgs, headers, clock_timestamp() + make_interval(secs => delay)) $body$;

create function pgmq.send(queue_name text, msg jsonb, headers jsonb, delay timestamptz) returns setof bigint language sql as $body$
  select pgmq.send_batch(queue_name, array[msg], case when headers is not null then array[headers] end, delay) $body$;
create function pgmq.send(queue_name text, msg jsonb) returns setof bigint language sql as $body$
  select pgmq.send(queue_name, msg, null, clock_timestamp()) $body$;
create function pgmq.send(queue_name text, msg jsonb, headers jsonb) returns setof bigint language sql as $body$
  select pgmq.send(queue_name, msg, headers, clock_timestamp()) $body$;
create function pgmq.send(queue_name text, msg jsonb, delay integer) returns setof bigint language sql as $body$
  select pgmq.send(queue_name, msg, null, clock_timestamp() + make_interval(secs => delay)) $body$;
create function pgmq.send(queue_name text, msg jsonb, delay timestamptz) returns setof bigint language sql as $body$
  select pgmq.send(queue_name, msg, null, delay) $body$;
create function pgmq.send(queue_name text, msg jsonb, headers jsonb, delay integer) returns setof bigint language sql as $body$
  select pgmq.send(queue_name, msg, headers, clock_timestamp() + make_interval(secs => delay)) $body$;

-- ── receiving ─────────────────────────────────────────────────────────────────────────────────

-- Takes up to qty visible messages and hides them for vt seconds; readers do not wait for each other.
create function pgmq.read(queue_name text, vt integer, qty integer, conditional jsonb default '{}')
returns setof pgmq.message_record language plpgsql as $body$
begin
  return query execute format($sql$
    with taken as (
      select msg_id from %1$s
       where vt <= clock_timestamp() and ($3 = '{}' or message @> $3)
       order by msg_id limit $2 for update skip locked
    )
    update %1$s as q set vt = clock_timestamp() + make_interval(secs => $1), read_ct = q.read_ct + 1
      from taken where q.msg_id = taken.msg_id
    returning q.msg_id, q.read_ct, q.enqueued_at, q.vt, q.message, q.headers$sql$,
    pgmq._table('q', queue_name)) using vt, qty, conditional;
end
$body$;

create function pgmq.read_with_poll(
  queue_name text, vt integer, qty integer, max_poll_seconds integer default 5,
  poll_interval_ms integer default 100, conditional jsonb default '{}')
returns setof pgmq.message_record language plpgsql as $body$
declare
  until timestamptz := clock_timestamp() + make_interval(secs => max_poll_seconds);
begin
  loop
    return query select * from pgmq.read(queue_name, vt, qty, conditional);
    exit when found or clock_timestamp() >= until;
    perform pg_sleep(poll_interval_ms / 1000.0);
  end loop;
end
$body$;

create function pgmq.pop(queue_name text, qty integer default 1)
returns setof pgmq.message_record language plpgsql as $body$
begin
  return query execute format($sql$
    delete from %1$s as q
     using (select msg_id from %1$s where vt <= clock_timestamp()
             order by msg_id limit $1 for update skip locked) as taken
     where q.msg_id = taken.msg_id
    returning q.msg_id, q.read_ct, q.enqueued_at, q.vt, q.message, q.headers$sql$,
    pgmq._table('q', queue_name)) using qty;
end
$body$;

create function pgmq.delete(queue_name text, msg_ids bigint[]) returns setof bigint language plpgsql as $body$
begin
  return query execute format('delete from %s where msg_id = any ($1) returning msg_id',
    pgmq._table('q', queue_name)) using msg_ids;
end
$body$;
create function pgmq.delete(queue_name text, msg_id bigint) returns boolean language sql as $body$
  select exists (select from pgmq.delete(queue_name, array[msg_id])) $body$;

create function pgmq.archive(queue_name text, msg_ids bigint[]) returns setof bigint language plpgsql as $body$
begin
  return query execute format($sql$
    with moved as (delete from %s where msg_id = any ($1) returning *)
    insert into %s (msg_id, read_ct, enqueued_at, vt, message, headers)
    select msg_id, read_ct, enqueued_at, vt, message, headers from moved returning msg_id$sql$,
    pgmq._table('q', queue_name), pgmq._table('a', queue_name)) using msg_ids;
end
$body$;
create function pgmq.archive(queue_name text, msg_id bigint) returns boolean language sql as $body$
  select exists (select from pgmq.archive(queue_name, array[msg_id])) $body$;

create function pgmq.set_vt(queue_name text, msg_id bigint, vt integer)
returns setof pgmq.message_record language plpgsql as $body$
begin
  return query execute format($sql$
    update %s as q set vt = clock_timestamp() + make_interval(secs => $1) where q.msg_id = $2
    returning q.msg_id, q.read_ct, q.enqueued_at, q.vt, q.message, q.headers$sql$,
    pgmq._table('q', queue_name)) using vt, msg_id;
end
$body$;

create function pgmq.metrics(queue_name text) returns pgmq.metrics_result language plpgsql as $body$
declare
  result pgmq.metrics_result;
begin
  execute format($sql$
    select $1, count(*),
           extract(epoch from now() - max(enqueued_at))::integer,
           extract(epoch from now() - min(enqueued_at))::integer,
           coalesce(pg_sequence_last_value(pg_get_serial_sequence(%L, 'msg_id')), 0), now(),
           count(*) filter (where vt <= now())
      from %s$sql$, pgmq._table('q', queue_name), pgmq._table('q', queue_name))
    into result using queue_name;
  return result;
end
$body$;
create function pgmq.metrics_all() returns setof pgmq.metrics_result language sql as $body$
  select (pgmq.metrics(queue_name)).* from pgmq.meta $body$;

-- Queues are reached by who is granted their tables, as with any table.
revoke all on all functions in schema pgmq from public;
do $rights$
begin
  if to_regrole('postgres') is not null then
    grant all on schema pgmq to postgres with grant option;
    grant all on all functions in schema pgmq to postgres with grant option;
    grant all on all tables in schema pgmq to postgres with grant option;
  end if;
end
$rights$;
