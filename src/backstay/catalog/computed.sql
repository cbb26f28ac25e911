-- Computed relationships: functions of one argument, a relation's row type, that return rows of a
-- relation; of any schema. One JSON array each (the order is `computed.py`'s).
select json_build_array(
  pn.nspname,
  p.proname,
  sn.nspname,
  s.relname,
  tn.nspname,
  t.relname,
  not p.proretset or p.prorows = 1
)
from pg_proc p
join pg_namespace pn on pn.oid = p.pronamespace
join pg_class s on s.reltype = p.proargtypes[0] and s.relkind in ('r', 'p', 'v', 'm', 'f')
join pg_namespace sn on sn.oid = s.relnamespace
join pg_class t on t.reltype = p.prorettype and t.relkind in ('r', 'p', 'v', 'm', 'f')
join pg_namespace tn on tn.oid = t.relnamespace
where p.pronargs = 1
order by pn.nspname, p.proname, sn.nspname, s.relname
