-- Primary keys, unique keys and foreign keys of every schema, one JSON array each (the order is
-- `constraints.py`'s). All schemas, because an exposed view may show keys of hidden tables.
select json_build_array(
  k.contype,
  k.conname,
  k.conparentid <> 0,
  k.conrelid::bigint,
  n.nspname,
  r.relname,
  (
    select json_agg(json_build_array(a.attnum, a.attname) order by u.position)
    from unnest(k.conkey) with ordinality u (attnum, position)
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum
  ),
  k.confrelid::bigint,
  fn.nspname,
  f.relname,
  (
    select json_agg(json_build_array(a.attnum, a.attname) order by u.position)
    from unnest(k.confkey) with ordinality u (attnum, position)
    join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.attnum
  )
)
from pg_constraint k
join pg_class r on r.oid = k.conrelid
join pg_namespace n on n.oid = r.relnamespace
left join pg_class f on f.oid = k.confrelid
left join pg_namespace fn on fn.oid = f.relnamespace
where k.contype in ('p', 'u', 'f')
order by k.conrelid, k.conname
