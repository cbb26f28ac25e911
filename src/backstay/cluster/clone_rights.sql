-- What CREATE DATABASE leaves behind of its template: owner, rights and settings are kept outside
-- of a database. There is no statement that copies them, so the catalogs are written.
-- $1 the template's name, $2 the new database's
with pair as (
  select old.oid as old_oid, new.oid as new_oid, old.datacl, old.datdba
  from pg_database old, pg_database new
  where old.datname = $1 and new.datname = $2
),
settings as (
  insert into pg_db_role_setting (setdatabase, setrole, setconfig)
  select pair.new_oid, setting.setrole, setting.setconfig
  from pg_db_role_setting setting
  join pair on pair.old_oid = setting.setdatabase
)
update pg_database
set datacl = pair.datacl, datdba = pair.datdba
from pair
where oid = pair.new_oid
