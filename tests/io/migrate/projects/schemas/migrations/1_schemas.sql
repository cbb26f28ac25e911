drop schema if exists public cascade;
create schema public;
grant usage on schema public to anon, authenticated, service_role;
grant all on schema public to postgres;
create schema if not exists private;
revoke all on schema private from public;
create schema app authorization postgres;
grant usage on schema app to anon, authenticated, service_role;
alter default privileges in schema app grant select on tables to anon, authenticated;
create table app.settings (key text primary key, value jsonb);
create function private.is_admin() returns boolean language sql security definer set search_path = ''
  as $$ select coalesce(((auth.jwt() -> 'app_metadata') ->> 'role') = 'admin', false) $$;
create policy admins on app.settings for all using ((select private.is_admin()));
alter table app.settings enable row level security, force row level security;
