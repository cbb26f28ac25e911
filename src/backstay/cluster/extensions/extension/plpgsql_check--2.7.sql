-- Names of plpgsql_check; its analysis is not available, so it must not look as if nothing was found.
create function plpgsql_check_function(funcoid regprocedure, relid regclass default 0, format text default 'text',
  fatal_errors boolean default true, other_warnings boolean default true,
  performance_warnings boolean default false, extra_warnings boolean default true)
returns setof text language plpgsql as $body$
begin
  raise exception 'plpgsql_check is a stand-in here: functions can not be checked'
    using errcode = 'feature_not_supported';
end
$body$;
create function plpgsql_check_function(name text, relid regclass default 0, format text default 'text')
returns setof text language sql as $body$ select @extschema@.plpgsql_check_function(name::regprocedure) $body$;
