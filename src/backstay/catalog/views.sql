-- Views whose columns may show keys of other relations, with the rule PostgreSQL stores for them.
-- $1 text[]: the exposed schemas; $2 text[]: the extra search path, whose views are looked through
-- (a view over a view) but give no relationships of their own.
select
  c.oid,
  n.nspname,
  c.relname,
  n.nspname = any ($1::text[]),
  (
    select json_agg(json_build_array(a.attnum, a.attname) order by a.attnum)
    from pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0
  ),
  w.ev_action
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_rewrite w on w.ev_class = c.oid and w.ev_type = '1'
where c.relkind in ('v', 'm')
  and n.nspname = any ($1::text[] || $2::text[])
order by n.nspname, c.relname
