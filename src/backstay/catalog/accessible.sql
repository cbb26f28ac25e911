-- Relations of one schema that the current role owns or has any privilege on, as one JSON array of
-- names. $1 text: the schema.
select coalesce(json_agg(c.relname), '[]'::json)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1
  and c.relkind in ('r', 'p', 'v', 'm', 'f')
  and not c.relispartition
  and (
    pg_has_role(c.relowner, 'usage')
    or has_table_privilege(c.oid, 'select, insert, update, delete, truncate, references, trigger')
    or has_any_column_privilege(c.oid, 'select, insert, update, references')
  )
