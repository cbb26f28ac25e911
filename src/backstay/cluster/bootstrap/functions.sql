-- Schema supabase_functions: database webhooks, as triggers that queue an HTTP request.
-- https://supabase.com/docs/guides/database/webhooks

create table if not exists supabase_functions.migrations (
  version text constraint migrations_pkey primary key,
  inserted_at timestamptz not null default now()
);

create table if not exists supabase_functions.hooks (
  id bigserial constraint hooks_pkey primary key,
  hook_table_id integer not null,
  hook_name text not null,
  created_at timestamptz not null default now(),
  request_id bigint
);
create index if not exists supabase_functions_hooks_request_id_idx on supabase_functions.hooks (request_id);
create index if not exists supabase_functions_hooks_h_table_id_h_name_idx
  on supabase_functions.hooks (hook_table_id, hook_name);
comment on table supabase_functions.hooks is 'One row for every webhook that fired.';

-- Arguments of the trigger: url, method, headers, params, timeout in milliseconds; the last three
-- may be left out or 'null'. The body of a POST is what changed.
create or replace function supabase_functions.http_request() returns trigger
language plpgsql security definer set search_path = supabase_functions as $body$
declare
  url text := nullif(tg_argv[0], 'null');
  method text := nullif(tg_argv[1], 'null');
  headers jsonb := coalesce(nullif(tg_argv[2], 'null'), '{"Content-Type": "application/json"}');
  params jsonb := coalesce(nullif(tg_argv[3], 'null'), '{}');
  timeout_ms integer := coalesce(nullif(tg_argv[4], 'null'), '1000');
  request bigint;
begin
  if url is null then
    raise exception 'url argument is missing';
  elsif method is null then
    raise exception 'method argument is missing';
  end if;
  case method
    when 'GET' then
      request := net.http_get(url, params, headers, timeout_ms);
    when 'POST' then
      request := net.http_post(url,
        jsonb_build_object('type', tg_op, 'table', tg_table_name, 'schema', tg_table_schema,
                           'record', new, 'old_record', old),
        params, headers, timeout_ms);
    else
      raise exception 'method argument % is invalid', method;
  end case;
  insert into supabase_functions.hooks (hook_table_id, hook_name, request_id)
  values (tg_relid, tg_name, request);
  return coalesce(new, old);
end
$body$;

alter table supabase_functions.migrations owner to supabase_functions_admin;
alter table supabase_functions.hooks owner to supabase_functions_admin;
alter function supabase_functions.http_request() owner to supabase_functions_admin;
revoke all on function supabase_functions.http_request() from public;
grant execute on function supabase_functions.http_request() to postgres, anon, authenticated, service_role;
grant all on all tables in schema supabase_functions to postgres;
grant all on all sequences in schema supabase_functions to postgres;
-- What a webhook was called with is not for the API's roles.
revoke all on all tables in schema supabase_functions from anon, authenticated;
