-- The function of index_advisor; it needs hypopg's engine, which is not available, and says so the
-- way it reports a query it can not read: in errors.
create function index_advisor(query text)
returns table (startup_cost_before jsonb, startup_cost_after jsonb, total_cost_before jsonb,
               total_cost_after jsonb, index_statements text[], errors text[])
stable language sql as $body$
  select null::jsonb, null::jsonb, null::jsonb, null::jsonb, '{}'::text[],
         array['index_advisor is a stand-in here: hypothetical indexes are not available']
$body$;
