select format('%s.%s %s', n.nspname, t.typname, string_agg(e.enumlabel, ',' order by e.enumsortorder))
  from pg_enum as e join pg_type as t on t.oid = e.enumtypid join pg_namespace as n on n.oid = t.typnamespace
 where n.nspname in ('auth', 'storage', 'realtime') group by n.nspname, t.typname
