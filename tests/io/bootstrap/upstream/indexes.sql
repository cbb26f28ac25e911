select format('%s.%s %s%s', n.nspname, t.relname, case when i.indisunique then 'unique ' else '' end, c.relname)
  from pg_index as i join pg_class as c on c.oid = i.indexrelid join pg_class as t on t.oid = i.indrelid
  join pg_namespace as n on n.oid = c.relnamespace
 where n.nspname in ('auth', 'storage', 'realtime') and not c.relispartition
