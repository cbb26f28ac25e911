-- The entry points of pg_graphql, whose engine is not available: they answer so in GraphQL's form.
-- https://supabase.com/docs/guides/database/extensions/pg_graphql

do $schema$
begin
  if to_regnamespace('graphql') is null then
    create schema graphql;
  end if;
end
$schema$;

create function graphql.resolve(
  query text, variables jsonb default '{}', "operationName" text default null, extensions jsonb default null)
returns jsonb stable language sql
return jsonb_build_object('data', null, 'errors', jsonb_build_array(jsonb_build_object(
  'message', 'GraphQL is not available on this server: pg_graphql is a stand-in here. Use the REST API.')));

create function graphql.get_schema_version() returns integer stable language sql return 0;
create function graphql.increment_schema_version() returns event_trigger language plpgsql as $body$ begin end $body$;
create function graphql.comment_directive(comment_ text) returns jsonb immutable language sql
return coalesce(substring(comment_ from '@graphql\((.*)\)')::jsonb, '{}');
