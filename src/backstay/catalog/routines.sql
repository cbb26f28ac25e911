-- Functions of the exposed schemas that can be called over HTTP, one JSON array each (the order is
-- `routines.py`'s). $1 text[]: the exposed schemas; $2 bool: only what the current role may execute.
with recursive
domain_step (domain, base) as (
  select oid, typbasetype from pg_type where typtype = 'd'
  union all
  select s.domain, t.typbasetype
  from domain_step s join pg_type t on t.oid = s.base
  where t.typtype = 'd'
)
select json_build_array(
  n.nspname,
  p.proname,
  coalesce(i.list, '[]'::json),
  rn.nspname,
  coalesce(rc.relname, r.typname),
  p.proretset,
  -- Arguments going out make a row even where no named composite type is returned.
  r.typtype = 'c' or coalesce(p.proargmodes && '{t,b,o}'::"char"[], false),
  r.oid <> p.prorettype,
  p.provolatile,
  p.provariadic <> 0,
  p.proconfig,
  d.description
)
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
left join lateral (
  select s.base from domain_step s join pg_type t on t.oid = s.base
  where s.domain = p.prorettype and t.typtype <> 'd'
) b on true
join pg_type r on r.oid = coalesce(b.base, p.prorettype)
join pg_namespace rn on rn.oid = r.typnamespace
left join pg_class rc on rc.oid = r.typrelid
left join pg_description d
  on d.objoid = p.oid and d.objsubid = 0 and d.classoid = 'pg_proc'::regclass
cross join lateral (
  select
    json_agg(
      json_build_array(
        coalesce(a.name, ''),
        a.type::regtype,
        -- These types cut or pad what is cast to them without a length.
        case a.type
          when 'bit'::regtype then 'bit varying'
          when 'bit[]'::regtype then 'bit varying[]'
          when 'character'::regtype then 'character varying'
          when 'character[]'::regtype then 'character varying[]'
          else a.type::regtype::text
        end,
        a.position <= p.pronargs - p.pronargdefaults,
        a.mode = 'v'
      )
      order by a.position
    ) as list,
    count(*) - count(a.name) as unnamed,
    (array_agg(a.type order by a.position))[1] as first
  from (
    select u.name, u.type, coalesce(u.mode, 'i') as mode, row_number() over (order by u.slot) as position
    from unnest(p.proargnames, coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes)
      with ordinality u (name, type, mode, slot)
    where coalesce(u.mode, 'i') in ('i', 'b', 'v') and u.type is not null
  ) a
) i
where n.nspname = any ($1::text[])
  and p.prokind = 'f'
  and r.oid <> 'trigger'::regtype
  and (not $2::bool or has_function_privilege(p.oid, 'execute'))
  -- One argument may go without a name if a whole body can be handed to it.
  and (
    i.unnamed = 0
    or (
      i.unnamed = 1
      and i.first in (
        'json'::regtype, 'jsonb'::regtype, 'text'::regtype, 'bytea'::regtype, 'xml'::regtype
      )
    )
  )
