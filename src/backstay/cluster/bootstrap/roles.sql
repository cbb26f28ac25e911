-- The roles a hosted project has, with their attributes, memberships and limits. Roles are shared by
-- every database of the cluster and some may exist already, so creation and attributes are apart.
-- https://supabase.com/docs/guides/database/postgres/roles

do $create$
declare
  wanted text;
begin
  foreach wanted in array array[
    'postgres', 'anon', 'authenticated', 'service_role', 'authenticator', 'supabase_auth_admin',
    'supabase_storage_admin', 'supabase_realtime_admin', 'supabase_functions_admin',
    'supabase_replication_admin', 'supabase_read_only_user', 'supabase_etl_admin',
    'dashboard_user', 'pgbouncer', 'pgsodium_keyiduser', 'pgsodium_keyholder',
    'pgsodium_keymaker'
  ] loop
    if to_regrole(quote_ident(wanted)) is null then
      execute format('create role %I', wanted);
    end if;
  end loop;
  -- Ours where the cluster is, a superuser's by another name where it is not (--db-url).
  if to_regrole('supabase_admin') is null then
    create role supabase_admin superuser login replication bypassrls createrole createdb;
  end if;
end
$create$;

-- What a request can become. NOLOGIN and without any attribute but service_role's BYPASSRLS.
alter role anon nologin nosuperuser inherit nocreatedb nocreaterole noreplication nobypassrls;
alter role authenticated nologin nosuperuser inherit nocreatedb nocreaterole noreplication nobypassrls;
alter role service_role nologin nosuperuser inherit nocreatedb nocreaterole noreplication bypassrls;

-- Logs in for the REST service and has no right of its own: NOINHERIT, it only becomes the three.
alter role authenticator login nosuperuser noinherit nocreatedb nocreaterole noreplication nobypassrls;

-- The project's owner: everything but a superuser (docs/decisions/0002-powers-of-postgres.md).
alter role postgres login inherit createdb createrole replication bypassrls;

alter role supabase_auth_admin login nosuperuser noinherit nocreatedb createrole noreplication;
alter role supabase_storage_admin login nosuperuser noinherit nocreatedb createrole noreplication;
alter role supabase_functions_admin login nosuperuser noinherit nocreatedb createrole noreplication;
alter role supabase_realtime_admin nologin nosuperuser noinherit noreplication;
alter role supabase_replication_admin login nosuperuser replication;
alter role supabase_etl_admin login nosuperuser replication;
alter role supabase_read_only_user login nosuperuser bypassrls;
alter role dashboard_user nologin nosuperuser createdb createrole replication;
alter role pgbouncer login nosuperuser;

grant anon, authenticated, service_role to authenticator with inherit false;
grant authenticator to supabase_storage_admin with inherit false;
grant pg_read_all_data to supabase_read_only_user, supabase_etl_admin;
grant pgsodium_keyholder to service_role;

-- ADMIN lets postgres change these roles' settings (ALTER ROLE authenticator SET pgrst.…) and hand
-- them to roles of its own; membership of the service owners makes it an owner of their tables, so
-- policies on storage.objects and triggers on auth.users are its to create.
grant anon, authenticated, service_role, authenticator to postgres with admin option;
grant supabase_auth_admin, supabase_storage_admin, supabase_realtime_admin,
  supabase_functions_admin to postgres;
grant pgsodium_keyiduser, pgsodium_keyholder, pgsodium_keymaker to postgres with admin option;
grant pg_monitor, pg_read_all_data, pg_signal_backend, pg_create_subscription to postgres;
grant set on parameter session_replication_role to postgres, supabase_admin;

-- In-database configuration of the REST service: ALTER ROLE authenticator SET pgrst.… asks for the
-- right to each parameter. https://docs.postgrest.org/en/stable/references/configuration.html
do $parameters$
declare
  parameter text;
begin
  foreach parameter in array array[
    'app_settings', 'db_aggregates_enabled', 'db_anon_role', 'db_extra_search_path',
    'db_hoisted_tx_settings', 'db_max_rows', 'db_plan_enabled', 'db_pre_request',
    'db_prepared_statements', 'db_root_spec', 'db_schemas', 'db_tx_end', 'jwt_aud',
    'jwt_cache_max_entries', 'jwt_cache_max_lifetime', 'jwt_role_claim_key', 'jwt_secret',
    'jwt_secret_is_base64', 'openapi_mode', 'openapi_security_active',
    'openapi_server_proxy_uri', 'server_cors_allowed_origins', 'server_timing_enabled',
    'server_trace_header', 'client_error_verbosity', 'log_level', 'url_use_legacy_target_names'
  ] loop
    execute format('grant set on parameter pgrst.%s to postgres', parameter);
  end loop;
end
$parameters$;

alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';
alter role postgres set search_path = "$user", public, extensions;
alter role supabase_admin set search_path = "$user", public, auth, extensions;
alter role supabase_auth_admin set search_path = auth;
alter role supabase_auth_admin set idle_in_transaction_session_timeout = 60000;
alter role supabase_storage_admin set search_path = storage;
alter role supabase_functions_admin set search_path = supabase_functions;

-- Reading and writing files of the server through large objects stays with the superuser.
revoke all on function pg_catalog.lo_export(oid, text) from public;
revoke all on function pg_catalog.lo_import(text) from public;
revoke all on function pg_catalog.lo_import(text, oid) from public;
