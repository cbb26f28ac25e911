select format('%s.%s(%s) -> %s', n.nspname, p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid))
  from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
 where n.nspname in ('auth', 'storage', 'realtime')
