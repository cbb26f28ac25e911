-- What follows from DDL: the API learns of new objects, and extensions made by a migration are
-- granted as on the hosted platform. https://docs.postgrest.org/en/stable/references/schema_cache.html

create or replace function extensions.pgrst_ddl_watch() returns event_trigger
language plpgsql set search_path = '' as $body$
begin
  if exists (
    select from pg_event_trigger_ddl_commands() as command
     where command.schema_name is distinct from 'pg_temp'
       and command.command_tag = any (array[
         'CREATE SCHEMA', 'ALTER SCHEMA',
         'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE',
         'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE',
         'CREATE VIEW', 'ALTER VIEW', 'CREATE MATERIALIZED VIEW', 'ALTER MATERIALIZED VIEW',
         'CREATE FUNCTION', 'ALTER FUNCTION', 'CREATE PROCEDURE', 'ALTER PROCEDURE',
         'CREATE TRIGGER', 'CREATE TYPE', 'ALTER TYPE', 'CREATE DOMAIN', 'ALTER DOMAIN',
         'CREATE CAST', 'CREATE AGGREGATE', 'CREATE RULE', 'COMMENT', 'GRANT', 'REVOKE',
         'ALTER DEFAULT PRIVILEGES', 'CREATE EXTENSION'])
  ) then
    notify pgrst, 'reload schema';
  end if;
end
$body$;

create or replace function extensions.pgrst_drop_watch() returns event_trigger
language plpgsql set search_path = '' as $body$
begin
  if exists (
    select from pg_event_trigger_dropped_objects() as dropped
     where not dropped.is_temporary
       and dropped.object_type = any (array[
         'schema', 'table', 'foreign table', 'view', 'materialized view', 'function', 'procedure',
         'aggregate', 'trigger', 'type', 'domain', 'cast', 'rule', 'table constraint'])
  ) then
    notify pgrst, 'reload schema';
  end if;
end
$body$;

-- True while the event trigger that calls it answers the creation of this extension.
create or replace function extensions.created_now(extension text) returns boolean
language sql set search_path = '' as $body$
  select exists (
    select from pg_event_trigger_ddl_commands() as command
      join pg_catalog.pg_extension as e on e.oid = command.objid
     where command.classid = 'pg_catalog.pg_extension'::regclass and e.extname = extension)
$body$;
revoke all on function extensions.created_now(text) from public;

create or replace function extensions.grant_pg_net_access() returns event_trigger
language plpgsql security definer set search_path = '' as $body$
begin
  if extensions.created_now('pg_net') then
    grant usage on schema net to supabase_functions_admin, postgres, anon, authenticated, service_role;
    -- Sending is for everyone; what came back is the owner's to read.
    grant execute on function net.http_get(text, jsonb, jsonb, integer),
      net.http_post(text, jsonb, jsonb, jsonb, integer),
      net.http_delete(text, jsonb, jsonb, integer, jsonb)
      to supabase_functions_admin, postgres, anon, authenticated, service_role;
    grant all on all functions in schema net to postgres with grant option;
    grant all on all tables in schema net to postgres with grant option;
  end if;
end
$body$;

create or replace function extensions.grant_pg_cron_access() returns event_trigger
language plpgsql security definer set search_path = '' as $body$
begin
  if extensions.created_now('pg_cron') then
    grant usage on schema cron to postgres with grant option;
    grant all on all functions in schema cron to postgres with grant option;
    grant all on all tables in schema cron to postgres with grant option;
    grant all on all sequences in schema cron to postgres with grant option;
  end if;
end
$body$;

create or replace function extensions.grant_pg_graphql_access() returns event_trigger
language plpgsql security definer set search_path = '' as $body$
begin
  if extensions.created_now('pg_graphql') then
    grant usage on schema graphql, graphql_public to postgres with grant option;
    grant usage on schema graphql, graphql_public to anon, authenticated, service_role;
    grant execute on all functions in schema graphql to postgres, anon, authenticated, service_role;
  end if;
end
$body$;

-- Puts back the answer of graphql_public.graphql when pg_graphql is dropped.
create or replace function extensions.set_graphql_placeholder() returns event_trigger
language plpgsql security definer set search_path = '' as $body$
begin
  if exists (select from pg_event_trigger_dropped_objects() as dropped
              where dropped.object_type = 'extension' and dropped.object_identity = 'pg_graphql') then
    create or replace function graphql_public.graphql(
      "operationName" text default null, query text default null,
      variables jsonb default null, extensions jsonb default null)
    returns jsonb language sql stable
    return jsonb_build_object('errors', jsonb_build_array(
      jsonb_build_object('message', 'pg_graphql extension is not enabled.')));
  end if;
end
$body$;

do $triggers$
declare
  wanted record;
begin
  for wanted in select * from (values
    ('pgrst_ddl_watch', 'ddl_command_end', '', 'pgrst_ddl_watch'),
    ('pgrst_drop_watch', 'sql_drop', '', 'pgrst_drop_watch'),
    ('issue_pg_net_access', 'ddl_command_end', 'CREATE EXTENSION', 'grant_pg_net_access'),
    ('issue_pg_cron_access', 'ddl_command_end', 'CREATE EXTENSION', 'grant_pg_cron_access'),
    ('issue_pg_graphql_access', 'ddl_command_end', 'CREATE EXTENSION', 'grant_pg_graphql_access'),
    ('issue_graphql_placeholder', 'sql_drop', 'DROP EXTENSION', 'set_graphql_placeholder')
  ) as t (name, event, tag, answer) loop
    if not exists (select from pg_event_trigger where evtname = wanted.name) then
      execute format('create event trigger %I on %s %s execute function extensions.%I()',
        wanted.name, wanted.event,
        case when wanted.tag <> '' then format('when tag in (%L)', wanted.tag) else '' end,
        wanted.answer);
    end if;
  end loop;
end
$triggers$;
