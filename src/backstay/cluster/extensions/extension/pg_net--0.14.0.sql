-- Queues HTTP requests; backstay sends them after the commit and stores the answers. The objects are
-- in schema net whichever schema is asked for. https://supabase.com/docs/guides/database/extensions/pg_net

do $schema$
begin
  if to_regnamespace('net') is null then
    create schema net;
  end if;
end
$schema$;

create domain net.http_method as text check (value in ('get', 'post', 'delete', 'GET', 'POST', 'DELETE'));

create table net.http_request_queue (
  id bigserial primary key,
  method net.http_method not null,
  url text not null,
  headers jsonb,
  body bytea,
  timeout_milliseconds integer not null
);

create table net._http_response (
  id bigint,
  status_code integer,
  content_type text,
  headers jsonb,
  content text,
  timed_out boolean,
  error_msg text,
  created timestamptz not null default now()
);
create index _http_response_id_idx on net._http_response (id);
create index _http_response_created_idx on net._http_response (created);

create type net.request_status as enum ('PENDING', 'SUCCESS', 'ERROR');
create type net.http_response as (status_code integer, headers jsonb, body text);
create type net.http_response_result as (status net.request_status, message text, response net.http_response);

create function net._urlencode_string(string character varying) returns text
immutable strict language sql as $body$
  select string_agg(case when piece ~ '^[A-Za-z0-9_.~-]$' then piece
                         else upper(regexp_replace(encode(convert_to(piece, 'UTF8'), 'hex'), '(..)', '%\1', 'g')) end,
                    '' order by n)
    from regexp_split_to_table(string, '') with ordinality as c (piece, n)
$body$;

create function net._encode_url_with_params_array(url text, params_array text[]) returns text
immutable language sql
return url || case when coalesce(cardinality(params_array), 0) = 0 then ''
                   else case when url like '%?%' then '&' else '?' end || array_to_string(params_array, '&') end;

-- Writes a request into the queue and wakes the sender when the transaction commits.
create function net._enqueue(method text, url text, params jsonb, headers jsonb, body bytea, timeout_milliseconds integer)
returns bigint language plpgsql as $body$
declare
  request bigint;
begin
  if url is null or url !~* '^https?://' then
    raise exception 'url must begin with http:// or https://' using errcode = 'invalid_parameter_value';
  end if;
  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  values (method,
          net._encode_url_with_params_array(url, (
            select array_agg(net._urlencode_string(key) || '=' || net._urlencode_string(value))
              from jsonb_each_text(coalesce(params, '{}')))),
          headers, body, timeout_milliseconds)
  returning id into request;
  perform pg_notify('backstay_net', '');
  return request;
end
$body$;
revoke all on function net._enqueue(text, text, jsonb, jsonb, bytea, integer) from public;

create function net.http_get(url text, params jsonb default '{}', headers jsonb default '{}',
                             timeout_milliseconds integer default 5000)
returns bigint security definer set search_path = net language sql as $body$
  select net._enqueue('GET', url, params, headers, null, timeout_milliseconds)
$body$;

create function net.http_post(url text, body jsonb default '{}', params jsonb default '{}',
                              headers jsonb default '{"Content-Type": "application/json"}',
                              timeout_milliseconds integer default 5000)
returns bigint security definer set search_path = net language plpgsql as $body$
declare
  content_type text := (select value from jsonb_each_text(coalesce(headers, '{}'))
                         where lower(key) = 'content-type' limit 1);
begin
  if coalesce(content_type, 'application/json') not ilike 'application/json%' then
    raise exception 'Content-Type header must be "application/json"';
  end if;
  return net._enqueue('POST', url, params,
    case when content_type is null
         then coalesce(headers, '{}') || '{"Content-Type": "application/json"}' else headers end,
    convert_to(body::text, 'UTF8'), timeout_milliseconds);
end
$body$;

create function net.http_delete(url text, params jsonb default '{}', headers jsonb default '{}',
                                timeout_milliseconds integer default 5000, body jsonb default null)
returns bigint security definer set search_path = net language sql as $body$
  select net._enqueue('DELETE', url, params, headers, convert_to(body::text, 'UTF8'), timeout_milliseconds)
$body$;

create function net._http_collect_response(request_id bigint, async boolean default true)
returns net.http_response_result security definer set search_path = net language plpgsql as $body$
declare
  answer net._http_response;
begin
  loop
    select r.* into answer from net._http_response as r where r.id = request_id;
    exit when found;
    if async then
      return ('PENDING', 'request is pending processing', null)::net.http_response_result;
    end if;
    perform pg_sleep(0.05);
  end loop;
  if answer.error_msg is not null then
    return ('ERROR', answer.error_msg, null)::net.http_response_result;
  end if;
  return ('SUCCESS', 'ok', (answer.status_code, answer.headers, answer.content)::net.http_response
         )::net.http_response_result;
end
$body$;
create function net.http_collect_response(request_id bigint, async boolean default true)
returns net.http_response_result language sql as $body$ select net._http_collect_response(request_id, async) $body$;
revoke all on function net._http_collect_response(bigint, boolean),
  net.http_collect_response(bigint, boolean) from public;

create function net.check_worker_is_up() returns void language sql as $body$ select null $body$;
create function net.worker_restart() returns boolean language sql as $body$ select true $body$;

revoke all on function net.http_get(text, jsonb, jsonb, integer),
  net.http_post(text, jsonb, jsonb, jsonb, integer),
  net.http_delete(text, jsonb, jsonb, integer, jsonb) from public;
