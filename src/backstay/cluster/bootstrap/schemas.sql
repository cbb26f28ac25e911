-- The schemas of a project and who may look into them. Objects follow in the file of each schema.

create schema if not exists extensions;
create schema if not exists auth;
create schema if not exists storage;
create schema if not exists realtime;
create schema if not exists _realtime;
create schema if not exists graphql;
create schema if not exists graphql_public;
create schema if not exists vault;
create schema if not exists net;
create schema if not exists supabase_functions;
create schema if not exists supabase_migrations;
create schema if not exists pgbouncer authorization pgbouncer;

-- The database is the project's: its owner may create schemas, install trusted extensions, drop and
-- re-create public, and set database parameters.
do $database$
begin
  execute format('alter database %I owner to postgres', current_database());
  execute format('grant all on database %I to dashboard_user', current_database());
end
$database$;

alter schema _realtime owner to postgres;
alter schema supabase_migrations owner to postgres;

grant usage on schema public, extensions, auth, storage, realtime, graphql_public, graphql,
  supabase_functions to anon, authenticated, service_role;
grant all on schema extensions, auth, storage to postgres, dashboard_user;
grant all on schema graphql, graphql_public, supabase_functions to postgres;
grant usage on schema public to postgres;
grant usage on schema vault, net to postgres with grant option;
grant usage on schema vault to service_role;
grant usage on schema realtime to postgres with grant option;
grant usage on schema realtime to supabase_auth_admin;
grant all on schema auth to supabase_auth_admin;
grant all on schema storage to supabase_storage_admin;
grant all on schema realtime to supabase_realtime_admin;
grant all on schema supabase_functions to supabase_functions_admin;
