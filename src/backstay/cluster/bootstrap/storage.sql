-- Schema storage: buckets, objects and uploads in parts. Policies on storage.objects decide who may
-- do what with files; the bytes are elsewhere. Needs auth.sql before it.
-- https://supabase.com/docs/guides/storage/schema/design

do $enums$
begin
  if to_regtype('storage.buckettype') is null then
    create type storage.buckettype as enum ('STANDARD', 'ANALYTICS', 'VECTOR');
  end if;
end
$enums$;

create table if not exists storage.buckets (
  id text not null constraint buckets_pkey primary key,
  name text not null,
  owner uuid,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  public boolean default false,
  avif_autodetection boolean default false,
  file_size_limit bigint,
  allowed_mime_types text[],
  owner_id text,
  type storage.buckettype not null default 'STANDARD',
  versioning_status text not null default 'DISABLED'
    constraint buckets_versioning_dark_check check (versioning_status = 'DISABLED')
    constraint buckets_versioning_status_check
    check (versioning_status in ('DISABLED', 'ENABLED', 'SUSPENDED')),
  constraint buckets_versioning_standard_only_check
    check (type = 'STANDARD' or versioning_status = 'DISABLED')
);
create unique index if not exists bname on storage.buckets (name);
comment on column storage.buckets.owner is 'Deprecated: owner_id says it.';

create table if not exists storage.objects (
  id uuid not null default gen_random_uuid() constraint objects_pkey primary key,
  bucket_id text constraint "objects_bucketId_fkey" references storage.buckets (id),
  name text,
  owner uuid,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  last_accessed_at timestamptz default now(),
  metadata jsonb,
  path_tokens text[] generated always as (string_to_array(name, '/')) stored,
  version text,
  owner_id text,
  user_metadata jsonb,
  archived_at timestamptz,
  is_delete_marker boolean not null default false,
  is_versioned boolean not null default false
);
create unique index if not exists bucketid_objname on storage.objects (bucket_id, name);
create index if not exists idx_objects_bucket_id_name on storage.objects (bucket_id, name collate "C");
create index if not exists idx_objects_bucket_id_name_lower on storage.objects (bucket_id, lower(name) collate "C");
create index if not exists name_prefix_search on storage.objects (name text_pattern_ops);
comment on column storage.objects.owner is 'Deprecated: owner_id says it.';

create table if not exists storage.s3_multipart_uploads (
  id text not null constraint s3_multipart_uploads_pkey primary key,
  in_progress_size bigint not null default 0,
  upload_signature text not null,
  bucket_id text not null
    constraint s3_multipart_uploads_bucket_id_fkey references storage.buckets (id),
  key text collate "C" not null,
  version text not null,
  owner_id text,
  created_at timestamptz not null default now(),
  user_metadata jsonb,
  metadata jsonb
);
create index if not exists idx_multipart_uploads_list on storage.s3_multipart_uploads (bucket_id, key, created_at);

create table if not exists storage.s3_multipart_uploads_parts (
  id uuid not null default gen_random_uuid()
    constraint s3_multipart_uploads_parts_pkey primary key,
  upload_id text not null constraint s3_multipart_uploads_parts_upload_id_fkey
    references storage.s3_multipart_uploads (id) on delete cascade,
  size bigint not null default 0,
  part_number integer not null,
  bucket_id text not null
    constraint s3_multipart_uploads_parts_bucket_id_fkey references storage.buckets (id),
  key text collate "C" not null,
  etag text not null,
  owner_id text,
  version text not null,
  created_at timestamptz not null default now()
);

create table if not exists storage.buckets_analytics (
  name text not null,
  type storage.buckettype not null default 'ANALYTICS',
  format text not null default 'ICEBERG',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  id uuid not null default gen_random_uuid() constraint buckets_analytics_pkey primary key,
  deleted_at timestamptz
);
create unique index if not exists buckets_analytics_unique_name_idx on storage.buckets_analytics (name)
  where deleted_at is null;

create table if not exists storage.iceberg_namespaces (
  id uuid not null default gen_random_uuid() constraint iceberg_namespaces_pkey primary key,
  bucket_name text not null,
  name text collate "C" not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  metadata jsonb not null default '{}',
  catalog_id uuid not null constraint iceberg_namespaces_catalog_id_fkey
    references storage.buckets_analytics (id) on delete cascade
);
create unique index if not exists idx_iceberg_namespaces_bucket_id on storage.iceberg_namespaces (catalog_id, name);

create table if not exists storage.iceberg_tables (
  id uuid not null default gen_random_uuid() constraint iceberg_tables_pkey primary key,
  namespace_id uuid not null constraint iceberg_tables_namespace_id_fkey
    references storage.iceberg_namespaces (id) on delete cascade,
  bucket_name text not null,
  name text collate "C" not null,
  location text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  remote_table_id text,
  shard_key text,
  shard_id text,
  catalog_id uuid not null constraint iceberg_tables_catalog_id_fkey
    references storage.buckets_analytics (id) on delete cascade
);
create unique index if not exists idx_iceberg_tables_location on storage.iceberg_tables (location);
create unique index if not exists idx_iceberg_tables_namespace_id
  on storage.iceberg_tables (catalog_id, namespace_id, name);

create table if not exists storage.buckets_vectors (
  id text not null constraint buckets_vectors_pkey primary key,
  type storage.buckettype not null default 'VECTOR',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table if not exists storage.vector_indexes (
  id text not null default gen_random_uuid() constraint vector_indexes_pkey primary key,
  name text collate "C" not null,
  bucket_id text not null
    constraint vector_indexes_bucket_id_fkey references storage.buckets_vectors (id),
  data_type text not null,
  dimension integer not null,
  distance_metric text not null,
  metadata_configuration jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index if not exists vector_indexes_name_bucket_id_idx on storage.vector_indexes (name, bucket_id);

create table if not exists storage.migrations (
  id integer not null constraint migrations_pkey primary key,
  name varchar(100) not null constraint migrations_name_key unique,
  hash varchar(40) not null,
  executed_at timestamp default current_timestamp
);

-- ── names ─────────────────────────────────────────────────────────────────────────────────────

-- 'a/b/c.txt' is in {a,b}; a file at the top is in {}.
create or replace function storage.foldername(name text) returns text[] immutable language sql
return trim_array(string_to_array(name, '/'),
                  least(1, cardinality(string_to_array(name, '/'))));

create or replace function storage.filename(name text) returns text immutable language sql
return split_part(name, '/', -1);

-- What follows the last dot of the file's name; the whole name when there is no dot.
create or replace function storage.extension(name text) returns text immutable language sql
return split_part(split_part(name, '/', -1), '.', -1);

-- The part of a key up to and including the first delimiter after the prefix; NULL when there is none.
create or replace function storage.get_common_prefix(p_key text, p_prefix text, p_delimiter text)
returns text immutable language sql
return left(p_key, length(p_prefix)
            + nullif(position(p_delimiter in substr(p_key, length(p_prefix) + 1)), 0));

-- ── which operation a policy is asked about ───────────────────────────────────────────────────

create or replace function storage.operation() returns text stable language sql
return current_setting('storage.operation', true);

-- 'object.upload' and 'storage.object.upload' name the same operation.
create or replace function storage.allow_any_operation(expected_operations text[])
returns boolean stable language sql
return exists (
  select from unnest(expected_operations) as expected
  where expected <> ''
    and regexp_replace(expected, '^storage\.', '') = regexp_replace(storage.operation(), '^storage\.', '')
);

create or replace function storage.allow_only_operation(expected_operation text)
returns boolean stable language sql
return storage.allow_any_operation(array[expected_operation]);

-- ── listing ───────────────────────────────────────────────────────────────────────────────────

-- Keys below a prefix, those with a further delimiter folded into one row without an id.
create or replace function storage.list_objects_with_delimiter(
  _bucket_id text, prefix_param text, delimiter_param text, max_keys integer default 100,
  start_after text default '', next_token text default '', sort_order text default 'asc')
returns table (name text, id uuid, metadata jsonb, updated_at timestamptz, created_at timestamptz,
               last_accessed_at timestamptz)
stable language plpgsql as $body$
#variable_conflict use_column
declare
  after text := coalesce(nullif(next_token, ''), start_after, '');
  descending boolean := lower(coalesce(sort_order, 'asc')) <> 'asc';
begin
  -- A folder is shown without its delimiter but stands where its delimiter puts it: after 'a!'.
  if after <> '' and exists (select from storage.objects as o where o.bucket_id = _bucket_id
                                and starts_with(o.name, after || delimiter_param)) then
    after := after || delimiter_param;
  end if;
  return query
  with entry as (
    select storage.get_common_prefix(o.name, coalesce(prefix_param, ''), delimiter_param) as folder, o.*
      from storage.objects as o
     where o.bucket_id = _bucket_id and starts_with(o.name, coalesce(prefix_param, ''))
  ), row as (
    select distinct e.folder as place, rtrim(e.folder, delimiter_param) as name, null::uuid as id,
           null::jsonb as metadata, null::timestamptz as updated_at,
           null::timestamptz as created_at, null::timestamptz as last_accessed_at
      from entry as e where e.folder is not null
    union all
    select e.name, e.name, e.id, e.metadata, e.updated_at, e.created_at, e.last_accessed_at
      from entry as e where e.folder is null
  )
  select r.name, r.id, r.metadata, r.updated_at, r.created_at, r.last_accessed_at
    from row as r
   where after = ''
      or case when descending then r.place collate "C" < after else r.place collate "C" > after end
   order by case when descending then null else r.place end collate "C",
            case when descending then r.place end collate "C" desc
   limit max_keys;
end
$body$;

create or replace function storage.list_multipart_uploads_with_delimiter(
  bucket_id text, prefix_param text, delimiter_param text, max_keys integer default 100,
  next_key_token text default '', next_upload_token text default '')
returns table (key text, id text, created_at timestamptz)
stable language plpgsql as $body$
#variable_conflict use_column
begin
  return query
  select distinct on (u.shown collate "C") u.shown, u.id, u.created_at
    from (
      select coalesce(storage.get_common_prefix(m.key, prefix_param, delimiter_param), m.key) as shown,
             m.id, m.created_at
        from storage.s3_multipart_uploads as m
       where m.bucket_id = list_multipart_uploads_with_delimiter.bucket_id
         and starts_with(lower(m.key), lower(prefix_param))
    ) as u
   where (next_key_token = '' or next_upload_token <> '' or u.shown collate "C" > next_key_token)
     and (next_upload_token = '' or u.id collate "C" > next_upload_token)
   order by u.shown collate "C", u.created_at
   limit max_keys;
end
$body$;

-- One level of a bucket as the Storage API lists it, names relative to the prefix. By name, letter
-- case is ignored and folders stand where their slash puts them; by anything else, folders come first.
create or replace function storage.search(
  prefix text, bucketname text, limits integer default 100, levels integer default 1,
  offsets integer default 0, search text default '', sortcolumn text default 'name',
  sortorder text default 'asc')
returns table (name text, id uuid, updated_at timestamptz, created_at timestamptz,
               last_accessed_at timestamptz, metadata jsonb)
stable language plpgsql as $body$
#variable_conflict use_column
declare
  base text := coalesce(prefix, '');
  wanted text := base || coalesce(search, '');
  first_token integer := greatest(cardinality(string_to_array(base, '/')), 1);
  last_token integer := greatest(cardinality(string_to_array(wanted, '/')), 1);
  descending boolean := lower(coalesce(sortorder, 'asc')) <> 'asc';
  by_column text := case when lower(sortcolumn) in ('updated_at', 'created_at', 'last_accessed_at')
                         then lower(sortcolumn) else 'name' end;
begin
  return query
  with entry as (
    select array_to_string(o.path_tokens[first_token:last_token], '/') as shown,
           cardinality(o.path_tokens) > last_token as is_folder, o.*
      from storage.objects as o
     where o.bucket_id = bucketname and starts_with(lower(o.name), lower(wanted))
  ), row as (
    -- Folders that differ in case are one, written as the first object in it has it.
    (select distinct on (case when by_column = 'name' then lower(e.shown) else e.shown end collate "C")
            e.shown as name, null::uuid as id, null::timestamptz as updated_at,
            null::timestamptz as created_at, null::timestamptz as last_accessed_at,
            null::jsonb as metadata, true as is_folder
       from entry as e where e.is_folder
      order by case when by_column = 'name' then lower(e.shown) else e.shown end collate "C",
               lower(e.name) collate "C")
    union all
    select e.shown, e.id, e.updated_at, e.created_at, e.last_accessed_at, e.metadata, false
      from entry as e where not e.is_folder
  ), keyed as (
    select r.*, case by_column when 'updated_at' then r.updated_at
                               when 'created_at' then r.created_at
                               when 'last_accessed_at' then r.last_accessed_at end as moment,
           case when by_column <> 'name' then r.name
                when r.is_folder then lower(r.name) || '/' else lower(r.name) end as place
      from row as r
  )
  select k.name, k.id, k.updated_at, k.created_at, k.last_accessed_at, k.metadata
    from keyed as k
   order by (by_column <> 'name' and not k.is_folder),
            case when not descending then k.moment end, case when descending then k.moment end desc,
            case when not descending then k.place end collate "C",
            case when descending then k.place end collate "C" desc
   limit least(coalesce(limits, 100), 1500) offset coalesce(offsets, 0);
end
$body$;

create or replace function storage.search_by_timestamp(
  p_prefix text, p_bucket_id text, p_limit integer, p_level integer, p_start_after text,
  p_sort_order text, p_sort_column text, p_sort_column_after text)
returns table (key text, name text, id uuid, updated_at timestamptz, created_at timestamptz,
               last_accessed_at timestamptz, metadata jsonb)
stable language plpgsql as $body$
#variable_conflict use_column
declare
  descending boolean := p_sort_order = 'desc';
  after_moment timestamptz := coalesce(nullif(p_sort_column_after, '')::timestamptz, 'epoch');
begin
  return query
  with entry as (
    select storage.get_common_prefix(o.name, coalesce(p_prefix, ''), '/') as folder, o.*
      from storage.objects as o
     where o.bucket_id = p_bucket_id and starts_with(o.name, coalesce(p_prefix, ''))
  ), row as (
    -- A folder is as old as the oldest object in it.
    select rtrim(e.folder, '/') as name, null::uuid as id, min(e.created_at) as updated_at,
           min(e.created_at) as created_at, null::timestamptz as last_accessed_at,
           null::jsonb as metadata
      from entry as e where e.folder is not null group by e.folder
    union all
    select e.name, e.id, e.updated_at, e.created_at, e.last_accessed_at, e.metadata
      from entry as e where e.folder is null
  ), keyed as (
    select r.*, date_trunc('milliseconds', case p_sort_column when 'updated_at' then r.updated_at
                                                              else r.created_at end) as moment
      from row as r
  )
  select split_part(k.name, '/', p_level), k.name, k.id, k.updated_at, k.created_at,
         k.last_accessed_at, k.metadata
    from keyed as k
   where coalesce(p_start_after, '') = ''
      or case when descending then (k.moment, k.name collate "C") < (after_moment, p_start_after)
              else (k.moment, k.name collate "C") > (after_moment, p_start_after) end
   order by case when not descending then coalesce(k.moment, 'epoch') end,
            case when descending then coalesce(k.moment, 'epoch') end desc,
            case when not descending then k.name end collate "C",
            case when descending then k.name end collate "C" desc
   limit p_limit;
end
$body$;

create or replace function storage.search_v2(
  prefix text, bucket_name text, limits integer default 100, levels integer default 1,
  start_after text default '', sort_order text default 'asc', sort_column text default 'name',
  sort_column_after text default '')
returns table (key text, name text, id uuid, updated_at timestamptz, created_at timestamptz,
               last_accessed_at timestamptz, metadata jsonb)
stable language plpgsql as $body$
declare
  direction text := case lower(sort_order) when 'desc' then 'desc' else 'asc' end;
  page integer := least(coalesce(limits, 100), 1500);
begin
  if lower(sort_column) in ('updated_at', 'created_at') then
    return query
    select * from storage.search_by_timestamp(
      prefix, bucket_name, page, levels, start_after, direction, lower(sort_column), sort_column_after);
  else
    return query
    select split_part(l.name, '/', levels), l.name, l.id, l.updated_at, l.created_at,
           l.last_accessed_at, l.metadata
      from storage.list_objects_with_delimiter(
        bucket_name, coalesce(prefix, ''), '/', page, start_after, '', direction) as l;
  end if;
end
$body$;

create or replace function storage.get_size_by_bucket()
returns table (size bigint, bucket_id text) stable language sql as $body$
  select sum((o.metadata ->> 'size')::bigint)::bigint, o.bucket_id
    from storage.objects as o group by o.bucket_id
$body$;

-- Tries the insert a caller asks about and takes it back; the error says that it would have worked.
create or replace function storage.can_insert_object(bucketid text, name text, owner uuid, metadata jsonb)
returns void language plpgsql as $body$
begin
  insert into storage.objects (bucket_id, name, owner, metadata)
  values (bucketid, name, owner, metadata);
  raise exception using errcode = 'PT200', message = 'ROLLBACK', detail = 'rollback successful insert';
end
$body$;

-- ── triggers ──────────────────────────────────────────────────────────────────────────────────

create or replace function storage.update_updated_at_column() returns trigger
language plpgsql as $body$
begin
  new.updated_at := now();
  return new;
end
$body$;
create or replace trigger update_objects_updated_at before update on storage.objects
  for each row execute function storage.update_updated_at_column();

create or replace function storage.enforce_bucket_name_length() returns trigger
language plpgsql as $body$
begin
  if length(new.name) > 100 then
    raise exception 'bucket name "%" is too long (% characters). Max is 100.', new.name, length(new.name);
  end if;
  return new;
end
$body$;
create or replace trigger enforce_bucket_name_length_trigger before insert or update of name on storage.buckets
  for each row execute function storage.enforce_bucket_name_length();

-- A deleted row would leave its bytes behind: only the storage service, which removes both, may.
create or replace function storage.protect_delete() returns trigger
language plpgsql as $body$
begin
  if current_setting('storage.allow_delete_query', true) is distinct from 'true' then
    raise exception 'Direct deletion from storage tables is not allowed. Use the Storage API instead.'
      using errcode = '42501', hint = 'Rows deleted here would leave their files behind.';
  end if;
  return null;
end
$body$;
create or replace trigger protect_buckets_delete before delete on storage.buckets
  for each statement execute function storage.protect_delete();
create or replace trigger protect_objects_delete before delete on storage.objects
  for each statement execute function storage.protect_delete();

-- ── owner and rights ──────────────────────────────────────────────────────────────────────────

do $rights$
declare
  object record;
begin
  for object in
    select c.oid::regclass as name from pg_class c
     where c.relnamespace = 'storage'::regnamespace and c.relkind = 'r'
  loop
    execute format('alter table %s owner to supabase_storage_admin', object.name);
    execute format('alter table %s enable row level security', object.name);
    execute format('grant all on table %s to postgres, service_role', object.name);
  end loop;
  for object in
    select p.oid::regprocedure as name from pg_proc p
     where p.pronamespace = 'storage'::regnamespace
       and p.proowner in ('supabase_admin'::regrole, 'supabase_storage_admin'::regrole, current_role::regrole)
  loop
    execute format('alter function %s owner to supabase_storage_admin', object.name);
    execute format('grant execute on function %s to postgres, anon, authenticated, service_role, dashboard_user',
                   object.name);
  end loop;
end
$rights$;
alter type storage.buckettype owner to supabase_storage_admin;

grant all on table storage.buckets, storage.objects to postgres with grant option;
-- The default privileges of the schema gave everything when the tables were made. Row level security
-- decides over these four, not over TRUNCATE and TRIGGER, which upstream leaves.
revoke all on all tables in schema storage from anon, authenticated;
grant select, insert, update, delete on table storage.buckets, storage.objects,
  storage.buckets_analytics, storage.buckets_vectors, storage.vector_indexes to anon, authenticated;
grant select on table storage.s3_multipart_uploads, storage.s3_multipart_uploads_parts,
  storage.iceberg_namespaces, storage.iceberg_tables to anon, authenticated;
-- The history of the schema is nobody's business.
revoke all on table storage.migrations from service_role;
