-- Settings of the roles the current role is a member of, to be applied when a request switches to
-- one of them; those it could not set itself are left out (they would fail every request).
-- One JSON array each: role, setting, value.
select json_build_array(r.rolname, c.name, c.value)
from pg_auth_members m
join pg_roles r on r.oid = m.roleid
cross join lateral (
  select split_part(entry, '=', 1) as name, substr(entry, strpos(entry, '=') + 1) as value
  from unnest(r.rolconfig) entry
) c
join pg_settings s on s.name = c.name
where m.member = (select oid from pg_roles where rolname = current_user)
  and (
    s.context = 'user'
    or (
      current_setting('server_version_num')::int >= 150000
      and has_parameter_privilege(current_user, s.name, 'set')
    )
  )
order by r.rolname, c.name
