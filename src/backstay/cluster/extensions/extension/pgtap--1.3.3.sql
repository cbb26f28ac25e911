-- The part of pgTAP that tests of policies, functions and schemas use; each assertion is a line of
-- TAP. https://pgtap.org/documentation.html

create function _tap_state(name text, value integer default null) returns integer language sql as $body$
  select coalesce(nullif(case when value is null then current_setting('pgtap.' || name, true)
                              else set_config('pgtap.' || name, value::text, true) end, ''), '0')::integer
$body$;

create function plan(integer) returns text language sql as $body$
  select format('1..%s', @extschema@._tap_state('plan', $1) + 0 * @extschema@._tap_state('run', 0)
                         + 0 * @extschema@._tap_state('failed', 0))
$body$;
create function no_plan() returns setof boolean language sql as $body$
  select true where @extschema@._tap_state('plan', 0) + @extschema@._tap_state('run', 0)
                    + @extschema@._tap_state('failed', 0) <> 0
$body$;

create function diag(msg text) returns text language sql immutable return regexp_replace('# ' || msg, E'\n', E'\n# ', 'g');

create function ok(aok boolean, descr text) returns text language plpgsql as $body$
declare
  number integer := @extschema@._tap_state('run', @extschema@._tap_state('run') + 1);
begin
  if aok then
    return format('ok %s - %s', number, descr);
  end if;
  perform @extschema@._tap_state('failed', @extschema@._tap_state('failed') + 1);
  return format(E'not ok %s - %s\n# Failed test %s: "%s"', number, descr, number, descr);
end
$body$;
create function ok(boolean) returns text language sql as $body$ select @extschema@.ok($1, '') $body$;
create function pass(text default '') returns text language sql as $body$ select @extschema@.ok(true, $1) $body$;
create function fail(text default '') returns text language sql as $body$ select @extschema@.ok(false, $1) $body$;
create function skip(why text, how_many integer default 1) returns text language sql as $body$
  select string_agg(@extschema@.ok(true, 'SKIP: ' || why), E'\n') from generate_series(1, how_many) $body$;

create function finish(exception_on_failure boolean default false) returns setof text language plpgsql as $body$
declare
  planned integer := @extschema@._tap_state('plan');
  run integer := @extschema@._tap_state('run');
  failed integer := @extschema@._tap_state('failed');
begin
  if planned = 0 then
    return next format('1..%s', run);
  elsif planned <> run then
    return next @extschema@.diag(format('Looks like you planned %s tests but ran %s', planned, run));
  end if;
  if failed > 0 then
    return next @extschema@.diag(format('Looks like you failed %s tests of %s', failed, run));
    if exception_on_failure then
      raise exception '% tests failed of %', failed, run;
    end if;
  end if;
end
$body$;

create function is(have anyelement, want anyelement, descr text default '') returns text language sql as $body$
  select @extschema@.ok(have is not distinct from want, descr)
         || case when have is not distinct from want then ''
                 else format(E'\n#         have: %s\n#         want: %s', coalesce(have::text, 'NULL'), coalesce(want::text, 'NULL')) end
$body$;
create function isnt(have anyelement, want anyelement, descr text default '') returns text language sql as $body$
  select @extschema@.ok(have is distinct from want, descr) $body$;
create function matches(have anyelement, pattern text, descr text default '') returns text language sql as $body$
  select @extschema@.ok(coalesce(have::text ~ pattern, false), descr) $body$;
create function alike(have anyelement, pattern text, descr text default '') returns text language sql as $body$
  select @extschema@.ok(coalesce(have::text like pattern, false), descr) $body$;
create function cmp_ok(have anyelement, op text, want anyelement, descr text default '') returns text language plpgsql as $body$
declare
  verdict boolean;
begin
  execute format('select $1 operator(%s) $2', op) into verdict using have, want;
  return @extschema@.ok(coalesce(verdict, false), descr);
end
$body$;

-- A query is a statement or the name of a prepared one.
create function _tap_query(query text) returns text immutable language sql
return case when query ~ '^\s*\S+\s*$' then 'execute ' || query else query end;

create function throws_ok(query text, errcode text, errmsg text, descr text) returns text language plpgsql as $body$
declare
  state text;
  message text;
begin
  execute @extschema@._tap_query(query);
  return @extschema@.ok(false, descr) || E'\n#       caught: no exception';
exception when others then
  get stacked diagnostics state = returned_sqlstate, message = message_text;
  return @extschema@.ok(state = coalesce(errcode, state) and message = coalesce(errmsg, message), descr)
         || case when state = coalesce(errcode, state) and message = coalesce(errmsg, message) then ''
                 else format(E'\n#       caught: %s: %s', state, message) end;
end
$body$;
create function throws_ok(query text, errcode char(5), errmsg text) returns text language sql as $body$
  select @extschema@.throws_ok(query, errcode::text, errmsg, 'threw ' || coalesce(errcode, errmsg)) $body$;
create function throws_ok(query text, expected text) returns text language sql as $body$
  select @extschema@.throws_ok(query, case when expected ~ '^[0-9A-Z]{5}$' then expected end,
           case when expected !~ '^[0-9A-Z]{5}$' then expected end, 'threw ' || expected) $body$;
create function throws_ok(query text) returns text language sql as $body$
  select @extschema@.throws_ok(query, null::text, null, 'threw an exception') $body$;

create function lives_ok(query text, descr text default '') returns text language plpgsql as $body$
begin
  execute @extschema@._tap_query(query);
  return @extschema@.ok(true, descr);
exception when others then
  return @extschema@.ok(false, descr) || format(E'\n#         died: %s: %s', sqlstate, sqlerrm);
end
$body$;

create function _tap_rows(query text) returns text[] language plpgsql as $body$
declare
  row record;
  rows text[] := '{}';
begin
  for row in execute @extschema@._tap_query(query) loop
    rows := rows || row::text;
  end loop;
  return rows;
end
$body$;
create function results_eq(have text, want text, descr text default '') returns text language sql as $body$
  select @extschema@.is(@extschema@._tap_rows(have), @extschema@._tap_rows(want), descr) $body$;
create function results_eq(have text, want anyarray, descr text default '') returns text language sql as $body$
  select @extschema@.is(@extschema@._tap_rows(have),
           (select array_agg(row(w)::text order by n) from unnest(want) with ordinality as u (w, n)), descr) $body$;
create function results_ne(have text, want text, descr text default '') returns text language sql as $body$
  select @extschema@.isnt(@extschema@._tap_rows(have), @extschema@._tap_rows(want), descr) $body$;
create function set_eq(have text, want text, descr text default '') returns text language sql as $body$
  select @extschema@.is(array(select distinct r from unnest(@extschema@._tap_rows(have)) as r order by 1),
                        array(select distinct r from unnest(@extschema@._tap_rows(want)) as r order by 1), descr) $body$;
create function bag_eq(have text, want text, descr text default '') returns text language sql as $body$
  select @extschema@.is(array(select r from unnest(@extschema@._tap_rows(have)) as r order by 1),
                        array(select r from unnest(@extschema@._tap_rows(want)) as r order by 1), descr) $body$;
create function is_empty(query text, descr text default '') returns text language sql as $body$
  select @extschema@.is(@extschema@._tap_rows(query), '{}'::text[], descr) $body$;
create function isnt_empty(query text, descr text default '') returns text language sql as $body$
  select @extschema@.isnt(@extschema@._tap_rows(query), '{}'::text[], descr) $body$;

create function has_schema(name name, descr text default '') returns text language sql as $body$
  select @extschema@.ok(to_regnamespace(quote_ident(name)) is not null, descr) $body$;
create function has_extension(name name, descr text default '') returns text language sql as $body$
  select @extschema@.ok(exists (select from pg_extension where extname = name), descr) $body$;
create function has_role(name name, descr text default '') returns text language sql as $body$
  select @extschema@.ok(to_regrole(quote_ident(name)) is not null, descr) $body$;
create function _tap_relation(schema name, name name, kinds "char"[]) returns boolean stable language sql
return exists (select from pg_class as c where c.relname = name and c.relkind = any (kinds)
                 and case when schema is null then pg_table_is_visible(c.oid) else c.relnamespace = to_regnamespace(quote_ident(schema)) end);
create function has_table(name name) returns text language sql as $body$
  select @extschema@.ok(@extschema@._tap_relation(null, name, '{r,p}'), format('Table %I should exist', name)) $body$;
create function has_table(name name, descr text) returns text language sql as $body$
  select @extschema@.ok(@extschema@._tap_relation(null, name, '{r,p}'), descr) $body$;
create function has_table(schema name, name name, descr text) returns text language sql as $body$
  select @extschema@.ok(@extschema@._tap_relation(schema, name, '{r,p}'), descr) $body$;
create function has_table(schema name, name name) returns text language sql as $body$
  select @extschema@.has_table(schema, name, format('Table %I.%I should exist', schema, name)) $body$;
create function hasnt_table(schema name, name name, descr text default '') returns text language sql as $body$
  select @extschema@.ok(not @extschema@._tap_relation(schema, name, '{r,p}'), descr) $body$;
create function has_view(schema name, name name, descr text default '') returns text language sql as $body$
  select @extschema@.ok(@extschema@._tap_relation(schema, name, '{v}'), descr) $body$;
create function has_column(schema name, relation name, col name, descr text) returns text language sql as $body$
  select @extschema@.ok(exists (select from pg_attribute where attname = col and attnum > 0 and not attisdropped
    and attrelid = to_regclass(format('%I.%I', schema, relation))), descr) $body$;
create function has_column(relation name, col name, descr text default '') returns text language sql as $body$
  select @extschema@.ok(exists (select from pg_attribute where attname = col and attnum > 0 and not attisdropped
    and attrelid = to_regclass(quote_ident(relation))), descr) $body$;
create function has_function(schema name, name name, descr text default '') returns text language sql as $body$
  select @extschema@.ok(exists (select from pg_proc as p where p.proname = name
    and p.pronamespace = to_regnamespace(quote_ident(schema))), descr) $body$;
create function policies_are(schema name, relation name, policies name[], descr text default '') returns text language sql as $body$
  select @extschema@.is(array(select polname from pg_policy where polrelid = to_regclass(format('%I.%I', schema, relation)) order by 1),
                        array(select p from unnest(policies) as p order by 1), descr) $body$;
