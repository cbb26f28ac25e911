select format('%s.%s %s %s', n.nspname, t.relname, k.contype, k.conname)
  from pg_constraint as k join pg_class as t on t.oid = k.conrelid join pg_namespace as n on n.oid = t.relnamespace
 where n.nspname in ('auth', 'storage', 'realtime') and k.contype not in ('n', 't') and not t.relispartition
