-- How an external pooler asks for a role's password hash; nobody else may.
create or replace function pgbouncer.get_auth(p_usename text) returns table (username text, password text)
language sql security definer set search_path = '' as $body$
  select r.rolname::text, case when r.rolvaliduntil < now() then null else r.rolpassword end
    from pg_catalog.pg_authid as r where r.rolname = p_usename and r.rolcanlogin
$body$;
revoke all on function pgbouncer.get_auth(text) from public, anon, authenticated, service_role, postgres;
grant execute on function pgbouncer.get_auth(text) to pgbouncer;
