-- The types and functions of pgsql-http. A request that a transaction waits for is not available:
-- every call says so and names pg_net, which sends after the commit.
-- https://supabase.com/docs/guides/database/extensions/http

create domain http_method as text;
create domain content_type as text check (value ~ '^\S+\/\S+');
create type http_header as (field varchar, value varchar);
create type http_response as (status integer, content_type varchar, headers http_header[], content varchar);
create type http_request as (method http_method, uri varchar, headers http_header[], content_type varchar, content varchar);

create function http_header(field varchar, value varchar) returns http_header immutable language sql
return row(field, value)::@extschema@.http_header;

create function http(request http_request) returns http_response language plpgsql as $body$
begin
  raise exception 'the extension http is a stand-in here: a statement can not wait for %', (request).uri
    using errcode = 'feature_not_supported', hint = 'Use net.http_get or net.http_post of pg_net.';
end
$body$;

create function http_get(uri varchar) returns http_response language sql
as $body$ select @extschema@.http(('GET', $1, null, null, null)::@extschema@.http_request) $body$;
create function http_get(uri varchar, data jsonb) returns http_response language sql
as $body$ select @extschema@.http(('GET', $1, null, null, null)::@extschema@.http_request) $body$;
create function http_head(uri varchar) returns http_response language sql
as $body$ select @extschema@.http(('HEAD', $1, null, null, null)::@extschema@.http_request) $body$;
create function http_delete(uri varchar) returns http_response language sql
as $body$ select @extschema@.http(('DELETE', $1, null, null, null)::@extschema@.http_request) $body$;
create function http_delete(uri varchar, content varchar, content_type varchar) returns http_response language sql
as $body$ select @extschema@.http(('DELETE', $1, null, $3, $2)::@extschema@.http_request) $body$;
create function http_post(uri varchar, content varchar, content_type varchar) returns http_response language sql
as $body$ select @extschema@.http(('POST', $1, null, $3, $2)::@extschema@.http_request) $body$;
create function http_post(uri varchar, data jsonb) returns http_response language sql
as $body$ select @extschema@.http(('POST', $1, null, null, null)::@extschema@.http_request) $body$;
create function http_put(uri varchar, content varchar, content_type varchar) returns http_response language sql
as $body$ select @extschema@.http(('PUT', $1, null, $3, $2)::@extschema@.http_request) $body$;
create function http_patch(uri varchar, content varchar, content_type varchar) returns http_response language sql
as $body$ select @extschema@.http(('PATCH', $1, null, $3, $2)::@extschema@.http_request) $body$;

create function urlencode(string varchar) returns text immutable strict language sql as $body$
  select string_agg(case when piece ~ '^[A-Za-z0-9_.~-]$' then piece
                         else upper(regexp_replace(encode(convert_to(piece, 'UTF8'), 'hex'), '(..)', '%\1', 'g')) end,
                    '' order by n)
    from regexp_split_to_table(string, '') with ordinality as c (piece, n)
$body$;
create function http_set_curlopt(curlopt varchar, value varchar) returns boolean language sql as $body$ select true $body$;
create function http_reset_curlopt() returns boolean language sql as $body$ select true $body$;
create function http_list_curlopt() returns table (curlopt text, value text) language sql
as $body$ select null::text, null::text where false $body$;
