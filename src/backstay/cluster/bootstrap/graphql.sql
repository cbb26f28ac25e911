-- graphql_public.graphql is what POST /graphql/v1 calls. Without an engine it answers in GraphQL's
-- own form that there is none.
create or replace function graphql_public.graphql(
  "operationName" text default null, query text default null,
  variables jsonb default null, extensions jsonb default null)
returns jsonb language sql stable
return jsonb_build_object('errors', jsonb_build_array(
  jsonb_build_object('message', 'pg_graphql extension is not enabled.')));
grant execute on function graphql_public.graphql(text, text, jsonb, jsonb)
  to postgres, anon, authenticated, service_role;
