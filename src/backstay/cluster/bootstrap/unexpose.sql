-- auto_expose_new_tables off: what is created in public is reachable once a migration grants it.
alter default privileges for role postgres, supabase_admin in schema public
  revoke all on tables from anon, authenticated, service_role;
alter default privileges for role postgres, supabase_admin in schema public
  revoke all on functions from anon, authenticated, service_role;
alter default privileges for role postgres, supabase_admin in schema public
  revoke all on sequences from anon, authenticated, service_role;
