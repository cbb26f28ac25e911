-- What every project finds installed: in schema extensions the ones migrations call without asking,
-- and the vault. An extension this server does not ship is left out, not an error: an external
-- database (--db-url) may lack it.

do $install$
declare
  wanted record;
begin
  for wanted in select * from (values
    ('pgcrypto', 'extensions'), ('uuid-ossp', 'extensions'), ('pgjwt', 'extensions'),
    ('pg_stat_statements', 'extensions'), ('pg_net', 'extensions'),
    ('supabase_vault', 'vault'), ('pg_graphql', 'graphql')
  ) as e (name, schema) loop
    if exists (select from pg_available_extensions where name = wanted.name) then
      execute format('create extension if not exists %I with schema %I', wanted.name, wanted.schema);
    else
      raise notice 'extension % is not available on this server', wanted.name;
    end if;
  end loop;
end
$install$;

grant all on all tables in schema extensions to postgres with grant option;
grant all on all routines in schema extensions to postgres with grant option;
grant all on all sequences in schema extensions to postgres with grant option;

-- Empty until migrations add tables to it; postgres owns it, so it may drop and re-create it.
do $publication$
begin
  if not exists (select from pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
    alter publication supabase_realtime owner to postgres;
  end if;
end
$publication$;
