-- Names of hypopg; planning with indexes that do not exist is not available.
create function hypopg_create_index(sql_order text, out indexrelid oid, out indexname text) returns setof record
language plpgsql as $body$
begin
  raise exception 'hypopg is a stand-in here: hypothetical indexes are not available'
    using errcode = 'feature_not_supported';
end
$body$;
create function hypopg_drop_index(indexid oid) returns boolean language sql as $body$ select false $body$;
create function hypopg_reset() returns void language sql as $body$ select null $body$;
create function hypopg(out indexname text, out indexrelid oid, out indrelid oid) returns setof record
language sql as $body$ select null::text, null::oid, null::oid where false $body$;
