-- Names of pg_tle; extensions stored in the database are not available.
do $schema$
begin
  if to_regnamespace('pgtle') is null then
    create schema pgtle;
  end if;
end
$schema$;
create function pgtle.install_extension(name text, version text, description text, ext text, requires text[] default null)
returns boolean language plpgsql as $body$
begin
  raise exception 'pg_tle is a stand-in here: extension % can not be installed from the database', name
    using errcode = 'feature_not_supported', hint = 'Put its objects into a migration.';
end
$body$;
create function pgtle.install_extension_version_sql(name text, version text, ext text) returns boolean
language sql as $body$ select pgtle.install_extension(name, version, '', ext) $body$;
create function pgtle.uninstall_extension(extname text) returns boolean language sql as $body$ select false $body$;
create function pgtle.uninstall_extension_if_exists(extname text) returns boolean language sql as $body$ select false $body$;
create function pgtle.available_extensions(out name name, out default_version text, out comment text)
returns setof record language sql as $body$ select null::name, null::text, null::text where false $body$;
