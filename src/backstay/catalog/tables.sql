-- Tables, partitioned tables, views, materialised views and foreign tables of the exposed schemas,
-- each with its columns, as one JSON array per relation (the order is `tables.py`'s).
-- $1 text[]: the exposed schemas. Run with an empty search_path, so that every name in a default
-- or a type is qualified unless it belongs to pg_catalog.
with recursive
domain_step (domain, base) as (
  select oid, typbasetype from pg_type where typtype = 'd'
  union all
  select s.domain, t.typbasetype
  from domain_step s join pg_type t on t.oid = s.base
  where t.typtype = 'd'
),
-- A domain over a domain: only the last step names the base type.
domain_base as (
  select s.domain, t.oid as base, t.typnamespace as namespace
  from domain_step s join pg_type t on t.oid = s.base
  where t.typtype <> 'd'
),
labels as (
  select enumtypid, json_agg(enumlabel order by enumsortorder) as list
  from pg_enum
  group by enumtypid
),
relation as (
  select
    c.oid, c.relname, c.relkind, n.nspname,
    case when c.relkind in ('v', 'f') then pg_relation_is_updatable(c.oid, true) else 0 end as events
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = any ($1::text[])
    and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and not c.relispartition
),
attribute as (
  select
    a.attrelid, a.attnum, a.attname, a.attidentity, a.attgenerated, a.atttypid,
    t.typtype, t.typnotnull, t.typdefaultbin, a.attnotnull, a.atttypmod,
    t.typnamespace = 'pg_catalog'::regnamespace as builtin,
    b.base, b.namespace = 'pg_catalog'::regnamespace as base_builtin,
    -- The length belongs to the domain's declaration where the column's type is a domain.
    case when t.typtype = 'd' then t.typbasetype else a.atttypid end as true_type,
    case when t.typtype = 'd' then t.typtypmod else a.atttypmod end as true_modifier
  from relation r
  join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  join pg_type t on t.oid = a.atttypid
  left join domain_base b on b.domain = a.atttypid
),
columns as (
  select
    a.attrelid,
    json_agg(
      json_build_array(
        a.attname,
        case
          when a.typtype = 'd' and a.base_builtin then format_type(a.base, null)
          when a.typtype <> 'd' and a.builtin then format_type(a.atttypid, null)
          else format_type(a.atttypid, a.atttypmod)
        end,
        format_type(a.atttypid, a.atttypmod),
        not (a.attnotnull or (a.typtype = 'd' and a.typnotnull)),
        case
          when a.typtype = 'd' and d.adbin is null then pg_get_expr(a.typdefaultbin, 0)
          when a.attidentity = 'd' then (
            select format('nextval(%L)', s.objid::regclass)
            from pg_depend s
            where s.classid = 'pg_class'::regclass
              and s.refclassid = 'pg_class'::regclass
              and s.refobjid = a.attrelid
              and s.refobjsubid = a.attnum
              and s.deptype = 'i'
          )
          when a.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid)
        end,
        case
          when a.true_modifier = -1 then null
          when a.true_type in ('bpchar'::regtype, 'varchar'::regtype) then a.true_modifier - 4
          when a.true_type in ('bit'::regtype, 'varbit'::regtype) then a.true_modifier
        end,
        l.list,
        c.description,
        a.attidentity <> '',
        a.attgenerated <> ''
      )
      order by a.attnum
    ) as list
  from attribute a
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  left join labels l on l.enumtypid = coalesce(a.base, a.atttypid)
  left join pg_description c
    on c.objoid = a.attrelid and c.objsubid = a.attnum and c.classoid = 'pg_class'::regclass
  group by a.attrelid
)
select json_build_array(
  r.nspname,
  r.relname,
  r.relkind in ('v', 'm'),
  r.relkind in ('r', 'p') or r.events & 8 <> 0,
  r.relkind in ('r', 'p') or r.events & 4 <> 0,
  r.relkind in ('r', 'p') or r.events & 16 <> 0,
  (
    select json_agg(a.attname order by a.attname)
    from pg_constraint k
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
    where k.conrelid = r.oid and k.contype = 'p'
  ),
  coalesce(c.list, '[]'::json),
  d.description
)
from relation r
left join columns c on c.attrelid = r.oid
left join pg_description d
  on d.objoid = r.oid and d.objsubid = 0 and d.classoid = 'pg_class'::regclass
order by r.nspname, r.relname
