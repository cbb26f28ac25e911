-- Custom media types: domains named like a media type, and what returns them: aggregates over a
-- relation's rows or over anyelement, and functions. $1 text[]: the exposed schemas.
-- One JSON array each: handler schema and name, target schema and name, media type.
with media_type as (
  select t.oid, t.typname, t.typnamespace
  from pg_type t
  where t.typtype = 'd'
    and (t.typname = '*/*' or t.typname ~* '^[a-z0-9.-]+/[a-z0-9.+-]+$')
)
select json_build_array(n.nspname, p.proname, an.nspname, a.typname, m.typname)
from media_type m
join pg_proc p on p.prorettype = m.oid and p.prokind = 'a' and p.pronargs = 1
join pg_namespace n on n.oid = p.pronamespace
join pg_type a on a.oid = p.proargtypes[0]
join pg_namespace an on an.oid = a.typnamespace
left join pg_class r on r.oid = a.typrelid
where n.nspname = any ($1::text[])
  and (r.relkind in ('r', 'p', 'v', 'm', 'f') or a.oid = 'anyelement'::regtype)
union all
-- A function answers in a media type all by itself: the domain, as a cast, is its handler.
select json_build_array(mn.nspname, m.typname, n.nspname, p.proname, m.typname)
from media_type m
join pg_namespace mn on mn.oid = m.typnamespace
join pg_proc p on p.prorettype = m.oid and p.prokind = 'f' and not p.proretset
join pg_namespace n on n.oid = p.pronamespace
where n.nspname = any ($1::text[])
