-- Domain representations: implicit casts by a function between a domain and json or text, that the
-- current role may use. One JSON array each: source type, target type, function.
select json_build_array(
  c.castsource::regtype,
  c.casttarget::regtype,
  c.castfunc::regproc
)
from pg_cast c
join pg_type s on s.oid = c.castsource
join pg_type t on t.oid = c.casttarget
where c.castcontext = 'i'
  and c.castmethod = 'f'
  and has_function_privilege(c.castfunc, 'execute')
  and (
    (s.typtype = 'd' and t.oid in ('json'::regtype, 'text'::regtype))
    or (t.typtype = 'd' and s.oid in ('json'::regtype, 'text'::regtype))
  )
