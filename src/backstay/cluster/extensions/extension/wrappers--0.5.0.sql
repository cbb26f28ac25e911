-- The handlers and validators of wrappers, so that servers, foreign tables and what reads them can be
-- made. Reading a foreign table is an error: the handler is file_fdw's, which finds no file named.
-- https://supabase.com/docs/guides/database/extensions/wrappers/overview

do $wrappers$
declare
  name text;
begin
  foreach name in array array[
    'airtable', 'auth0', 'big_query', 'click_house', 'cognito', 'duckdb', 'dynamodb', 'firebase', 'iceberg',
    'logflare', 'mssql', 'mysql', 'redis', 's3', 's3_vectors', 'stripe', 'wasm', 'hello_world'
  ] loop
    execute format('create function %I() returns fdw_handler language c strict as %L, %L',
                   name || '_fdw_handler', '$libdir/file_fdw', 'file_fdw_handler');
    -- An option that file_fdw knows would read a file of the server's.
    execute format($sql$
      create function %1$I(options text[], catalog oid) returns void language plpgsql as $body$
      begin
        if exists (select from unnest(options) as option where option ~* '^(filename|program)=') then
          raise exception 'invalid option: filename and program are not options of %2$s'
            using errcode = 'fdw_invalid_option_name';
        end if;
      end
      $body$
    $sql$, name || '_fdw_validator', name);
    execute format('create function %I() returns table (name text, version text, author text, website text)
      language sql as $body$ select %L::text, ''0.5.0'', ''stand-in'', ''https://fdw.dev'' $body$',
      name || '_fdw_meta', name);
  end loop;
end
$wrappers$;

create table wrappers_fdw_stats (
  fdw_name text primary key, create_times bigint, rows_in bigint, rows_out bigint, bytes_in bigint, bytes_out bigint,
  metadata jsonb, created_at timestamptz not null default now(), updated_at timestamptz not null default now()
);
