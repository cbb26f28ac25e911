-- Names of timescaledb; a table stays an ordinary table, and asking for more says so.
create function create_hypertable(relation regclass, time_column_name name,
  chunk_time_interval interval default null, if_not_exists boolean default false)
returns void language plpgsql as $body$
begin
  raise exception 'timescaledb is a stand-in here: % can not become a hypertable', relation
    using errcode = 'feature_not_supported', hint = 'An ordinary or a partitioned table serves.';
end
$body$;
create function time_bucket(bucket_width interval, ts timestamptz) returns timestamptz immutable strict
language sql return date_bin(bucket_width, ts, '2000-01-03 00:00:00+00');
create function time_bucket(bucket_width interval, ts timestamp) returns timestamp immutable strict
language sql return date_bin(bucket_width, ts, '2000-01-03 00:00:00');
