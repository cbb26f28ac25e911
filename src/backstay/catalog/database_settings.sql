-- In-database configuration: pgrst.* settings of the role we log in as; what is set for this
-- database wins over what is set for all of them. $1 text[]: the names looked for.
-- One JSON array each: name without its prefix, value.
select json_build_array(substr(c.name, 7), c.value)
from (
  select distinct on (name) split_part(entry, '=', 1) as name, substr(entry, strpos(entry, '=') + 1) as value
  from pg_db_role_setting s
  cross join unnest(s.setconfig) entry
  cross join lateral (select split_part(entry, '=', 1)) n (name)
  where s.setrole = (select oid from pg_roles where rolname = current_user)
    and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
  order by name, s.setdatabase desc
) c
where c.name = any ($1::text[])
