-- The part of PostGIS that applications with a map call: columns of both types, points, distances,
-- boxes, points in polygons, text, GeoJSON. PostGIS itself is a library this server does not have;
-- what is not here is an error of a function that does not exist, and [backstay.postgres] bin_dir
-- names a server that has it all.
--
-- A value is kept as it was written: WKT or EWKT, GeoJSON, or the hexadecimal EWKB of a point. It
-- is read when it is used, so what is none of these fails then. A modifier keeps only how many
-- parts it has, (Point) or (Point,4326): the second means 4326. https://postgis.net/docs/reference.html

create type geometry;
create type geography;

do $types$
declare
  kind text;
begin
  foreach kind in array array['geometry', 'geography'] loop
    execute format('create function %1$s_in(cstring, oid, integer) returns %1$s immutable strict parallel safe language internal as ''textin''', kind);
    execute format('create function %1$s_out(%1$s) returns cstring immutable strict parallel safe language internal as ''textout''', kind);
    execute format('create function %1$s_recv(internal, oid, integer) returns %1$s immutable strict parallel safe language internal as ''textrecv''', kind);
    execute format('create function %1$s_send(%1$s) returns bytea immutable strict parallel safe language internal as ''textsend''', kind);
    execute format('create function %1$s_typmod_in(cstring[]) returns integer immutable strict parallel safe language internal as ''array_cardinality''', kind);
    execute format(
      'create type %1$s (input = %1$s_in, output = %1$s_out, receive = %1$s_recv, send = %1$s_send,
         typmod_in = %1$s_typmod_in, internallength = variable, alignment = int4, storage = extended)', kind);
    execute format('create cast (text as %s) without function', kind);
    execute format('create cast (%s as text) without function', kind);
  end loop;
end
$types$;

-- Numbers as WKB has them, in hexadecimal, the least byte first.
create function _postgis_hex(value double precision) returns text immutable strict parallel safe language sql
return encode(reverse(float8send(value)), 'hex');
create function _postgis_hex(value integer) returns text immutable strict parallel safe language sql
return encode(reverse(int4send(value)), 'hex');
create function _postgis_float(hex text) returns double precision immutable strict parallel safe language plpgsql as $body$
declare
  bits bigint := ('x' || encode(reverse(decode(hex, 'hex')), 'hex'))::bit(64)::bigint;
  exponent integer := (bits >> 52) & 2047;
  fraction double precision := (bits & 4503599627370495) / 4503599627370496::double precision;
begin
  return case when bits < 0 then -1 else 1 end * case
    when exponent = 0 then fraction * power(2::double precision, -1022)
    else (1 + fraction) * power(2::double precision, exponent - 1023) end;
end
$body$;

-- A value as {"srid": …, "type": …, "coordinates": …}.
create function _postgis_read(value text) returns jsonb immutable strict parallel safe language plpgsql as $body$
declare
  part text[];
  srid integer := 0;
  coordinates jsonb;
  at integer := 11;
begin
  if value ~* '^01010000[02]0' then
    if substr(value, 9, 1) = '2' then
      srid := ('x' || encode(reverse(decode(substr(value, 11, 8), 'hex')), 'hex'))::bit(32)::integer;
      at := 19;
    end if;
    return jsonb_build_object('srid', srid, 'type', 'Point', 'coordinates', jsonb_build_array(
      @extschema@._postgis_float(substr(value, at, 16)), @extschema@._postgis_float(substr(value, at + 16, 16))));
  elsif value ~ '^\s*\{' then
    return jsonb_build_object('srid', 4326) || (value::jsonb - 'crs');
  end if;
  part := regexp_match(value, '^\s*(?:SRID=(\d+);)?\s*(MULTI)?(POINT|LINESTRING|POLYGON)\s*Z?\s*(\(.*\)|EMPTY)\s*$', 'i');
  if part is null then
    raise exception 'parse error - invalid geometry' using errcode = 'internal_error',
      hint = '"' || left(value, 60) || '": this server knows points, lines and polygons.';
  end if;
  if upper(part[4]) = 'EMPTY' then
    coordinates := '[]';
  else
    coordinates := translate(regexp_replace(
      regexp_replace(part[4], '([-+\d.e]+(?:\s+[-+\d.e]+)+)', '[\1]', 'gi'),
      '(?<=[\d.])\s+(?=[-+\d.])', ',', 'g'), '()', '[]')::jsonb;
    if upper(part[3]) = 'POINT' and (part[2] is null or coordinates #> '{0,0,0}' is not null) then
      coordinates := case when part[2] is null then coordinates -> 0 else
        (select jsonb_agg(one -> 0) from jsonb_array_elements(coordinates) as one) end;
    end if;
  end if;
  return jsonb_build_object('srid', coalesce(part[1]::integer, 0),
    'type', case when part[2] is null then '' else 'Multi' end || case upper(part[3])
      when 'POINT' then 'Point' when 'POLYGON' then 'Polygon' else 'LineString' end,
    'coordinates', coordinates);
exception when invalid_text_representation then
  raise exception 'parse error - invalid geometry' using errcode = 'internal_error', hint = left(value, 60);
end
$body$;

-- Every position in a value: [x, y].
create function _postgis_positions(read jsonb) returns table (x double precision, y double precision)
immutable strict parallel safe language sql as $body$
  with recursive inside (part) as (
    select read -> 'coordinates'
    union all
    select element from inside, jsonb_array_elements(part) as element where jsonb_typeof(part -> 0) = 'array'
  )
  select (part ->> 0)::double precision, (part ->> 1)::double precision
    from inside where jsonb_typeof(part -> 0) = 'number'
$body$;
create function _postgis_wkt(coordinates jsonb) returns text immutable strict parallel safe language plpgsql as $body$
begin
  return case
    when coordinates = '[]' then 'EMPTY'
    when jsonb_typeof(coordinates -> 0) = 'number'
      then (select string_agg(one, ' ' order by n) from jsonb_array_elements_text(coordinates) with ordinality as e (one, n))
    else (select '(' || string_agg(@extschema@._postgis_wkt(one), ',' order by n) || ')'
            from jsonb_array_elements(coordinates) with ordinality as e (one, n)) end;
end
$body$;
create function _postgis_text(read jsonb) returns text immutable strict parallel safe language sql
return upper(read ->> 'type') || case
  when read -> 'coordinates' = '[]' then ' EMPTY'
  when read ->> 'type' = 'Point' then '(' || @extschema@._postgis_wkt(read -> 'coordinates') || ')'
  else @extschema@._postgis_wkt(read -> 'coordinates') end;
create function _postgis_ewkb(read jsonb) returns text immutable strict parallel safe language plpgsql as $body$
declare
  kind text := read ->> 'type';
  at jsonb := read -> 'coordinates';
  srid integer := coalesce((read ->> 'srid')::integer, 0);
  depth integer := array_position(array['LineString', 'Polygon'], kind);
  head text := '01' || @extschema@._postgis_hex(
      array_position(array['Point', 'LineString', 'Polygon', 'MultiPoint', 'MultiLineString', 'MultiPolygon'], kind)
      + case when srid <> 0 then 536870912 else 0 end)
    || case when srid <> 0 then @extschema@._postgis_hex(srid) else '' end;
begin
  if kind = 'Point' then
    return upper(head || @extschema@._postgis_hex(coalesce((at ->> 0)::double precision, 'nan'))
      || @extschema@._postgis_hex(coalesce((at ->> 1)::double precision, 'nan')));
  elsif kind = 'LineString' then
    return upper(head || @extschema@._postgis_hex(jsonb_array_length(at))
      || coalesce((select string_agg(@extschema@._postgis_hex((one ->> 0)::double precision)
           || @extschema@._postgis_hex((one ->> 1)::double precision), '' order by n)
           from jsonb_array_elements(at) with ordinality as e (one, n)), ''));
  end if;
  return upper(head || @extschema@._postgis_hex(jsonb_array_length(at)) || coalesce((
    select string_agg(case kind
        -- A ring is a line without its head.
        when 'Polygon' then substr(@extschema@._postgis_ewkb(jsonb_build_object('type', 'LineString', 'coordinates', one)), 11)
        else @extschema@._postgis_ewkb(jsonb_build_object('type', substr(kind, 6), 'coordinates', one)) end, '' order by n)
      from jsonb_array_elements(at) with ordinality as e (one, n)), ''));
end
$body$;

-- Metres between two positions in degrees, on the ellipsoid WGS 84 (T. Vincenty, 1975), or on a
-- sphere where that does not converge: between antipodes.
create function _postgis_metres(x1 double precision, y1 double precision, x2 double precision, y2 double precision,
  round_earth boolean default false) returns double precision immutable strict parallel safe language plpgsql as $body$
declare
  f constant double precision := 1 / 298.257223563;
  b constant double precision := 6356752.314245179;
  l double precision := radians(x2 - x1);
  u1 double precision := atan((1 - f) * tand(y1));
  u2 double precision := atan((1 - f) * tand(y2));
  lambda double precision := l;
  before double precision;
  sin_sigma double precision; cos_sigma double precision; sigma double precision;
  sin_alpha double precision; cos2_alpha double precision; cos_2m double precision;
  c double precision; uu double precision; big_a double precision; big_b double precision;
begin
  if x1 = x2 and y1 = y2 then
    return 0;
  end if;
  if not round_earth and abs(y1) < 90 and abs(y2) < 90 then
    for turn in 1..100 loop
      sin_sigma := sqrt((cos(u2) * sin(lambda)) ^ 2 + (cos(u1) * sin(u2) - sin(u1) * cos(u2) * cos(lambda)) ^ 2);
      cos_sigma := sin(u1) * sin(u2) + cos(u1) * cos(u2) * cos(lambda);
      sigma := atan2(sin_sigma, cos_sigma);
      exit when sin_sigma = 0;
      sin_alpha := cos(u1) * cos(u2) * sin(lambda) / sin_sigma;
      cos2_alpha := 1 - sin_alpha ^ 2;
      cos_2m := case when cos2_alpha = 0 then 0 else cos_sigma - 2 * sin(u1) * sin(u2) / cos2_alpha end;
      c := f / 16 * cos2_alpha * (4 + f * (4 - 3 * cos2_alpha));
      before := lambda;
      lambda := l + (1 - c) * f * sin_alpha
        * (sigma + c * sin_sigma * (cos_2m + c * cos_sigma * (2 * cos_2m ^ 2 - 1)));
      if abs(lambda - before) < 1e-12 then
        uu := cos2_alpha * (6378137.0::double precision ^ 2 - b ^ 2) / b ^ 2;
        big_a := 1 + uu / 16384 * (4096 + uu * (-768 + uu * (320 - 175 * uu)));
        big_b := uu / 1024 * (256 + uu * (-128 + uu * (74 - 47 * uu)));
        return b * big_a * (sigma - big_b * sin_sigma * (cos_2m + big_b / 4 * (cos_sigma * (2 * cos_2m ^ 2 - 1)
          - big_b / 6 * cos_2m * (4 * sin_sigma ^ 2 - 3) * (4 * cos_2m ^ 2 - 3))));
      end if;
    end loop;
  end if;
  return 2 * 6371008.771415059 * asin(least(1, sqrt(
    sind((y2 - y1) / 2) ^ 2 + cosd(y1) * cosd(y2) * sind((x2 - x1) / 2) ^ 2)));
end
$body$;

-- The nearest two positions; exact for points, and for anything else as near as its corners.
create function _postgis_nearest(a jsonb, b jsonb, metres boolean, round_earth boolean) returns double precision
immutable strict parallel safe language sql
return (select min(case when metres then @extschema@._postgis_metres(p.x, p.y, q.x, q.y, round_earth)
                        else sqrt((p.x - q.x) ^ 2 + (p.y - q.y) ^ 2) end)
          from @extschema@._postgis_positions(a) as p, @extschema@._postgis_positions(b) as q);
create function _postgis_box(read jsonb) returns box immutable strict parallel safe language sql
return (select box(point(min(x), min(y)), point(max(x), max(y))) from @extschema@._postgis_positions(read));
-- Whether every position of b is in a polygon of a, and in none of its holes.
create function _postgis_covers(a jsonb, b jsonb) returns boolean immutable strict parallel safe language sql
return case when a ->> 'type' not like '%Polygon' then @extschema@._postgis_box(a) @> @extschema@._postgis_box(b)
else (select bool_and(exists (
    select from jsonb_array_elements(case a ->> 'type' when 'Polygon' then jsonb_build_array(a -> 'coordinates')
                                                       else a -> 'coordinates' end) as part
     where (select bool_and((r.n = 1) = (r.ring @> point(p.x, p.y)))
              from (select n, (select polygon('(' || string_agg(format('(%s,%s)', c ->> 0, c ->> 1), ',' order by k) || ')')
                                 from jsonb_array_elements(ring) with ordinality as e (c, k)) as ring
                      from jsonb_array_elements(part) with ordinality as f (ring, n)) as r)))
  from @extschema@._postgis_positions(b) as p) end;

create function _postgis_gist_consistent(internal, geometry, smallint, oid, internal) returns boolean
immutable strict language c as '$libdir/btree_gist', 'gbt_bytea_consistent';
create function _postgis_gist_consistent(internal, geography, smallint, oid, internal) returns boolean
immutable strict language c as '$libdir/btree_gist', 'gbt_bytea_consistent';
create function _postgis_gist_union(internal, internal) returns bytea
immutable strict language c as '$libdir/btree_gist', 'gbt_bytea_union';
create function _postgis_gist_compress(internal) returns internal
immutable strict language c as '$libdir/btree_gist', 'gbt_bytea_compress';
create function _postgis_gist_decompress(internal) returns internal
immutable strict language c as '$libdir/btree_gist', 'gbt_var_decompress';
create function _postgis_gist_penalty(internal, internal, internal) returns internal
immutable strict language c as '$libdir/btree_gist', 'gbt_bytea_penalty';
create function _postgis_gist_picksplit(internal, internal) returns internal
immutable strict language c as '$libdir/btree_gist', 'gbt_bytea_picksplit';
create function _postgis_gist_same(bytea, bytea, internal) returns internal
immutable strict language c as '$libdir/btree_gist', 'gbt_bytea_same';

create function geography(value geometry) returns geography immutable strict parallel safe language sql
return (case when value::text ~* '^\s*(point|linestring|polygon|multi)' then 'SRID=4326;' else '' end || value::text)::geography;
create function geometry(value geography) returns geometry immutable strict parallel safe language sql
return (case when value::text ~* '^\s*(point|linestring|polygon|multi)' then 'SRID=4326;' else '' end || value::text)::geometry;
create cast (geometry as geography) with function geography(geometry) as implicit;
create cast (geography as geometry) with function geometry(geography);
create function geometry(value geometry, modifier integer, explicit boolean) returns geometry immutable strict parallel safe language sql
return case when modifier = 2 and value::text ~* '^\s*(point|linestring|polygon|multi)'
  then ('SRID=4326;' || value::text)::geometry else value end;
create cast (geometry as geometry) with function geometry(geometry, integer, boolean) as implicit;

create function _postgis_read(value geometry) returns jsonb immutable strict parallel safe language sql
return @extschema@._postgis_read(value::text);
create function _postgis_read(value geography) returns jsonb immutable strict parallel safe language sql
return @extschema@._postgis_read(@extschema@.geometry(value)::text);

-- What both types have; KIND stands for the one, METRES for whether it measures the earth. The
-- index can be made, so that migrations run, but no operator uses it: btree_gist keeps bytes in it.
do $both$
declare
  pattern constant text := $sql$
    create function ST_AsText(value KIND) returns text HEAD return _postgis_text(_postgis_read(value));
    create function ST_AsEWKT(value KIND) returns text HEAD
      return coalesce('SRID=' || nullif(_postgis_read(value) ->> 'srid', '0') || ';', '') || _postgis_text(_postgis_read(value));
    create function ST_AsGeoJSON(value KIND, maxdecimaldigits integer default 9, options integer default 8)
      returns text HEAD return (_postgis_read(value) - 'srid')::text;
    create function ST_AsHexEWKB(value KIND) returns text HEAD return _postgis_ewkb(_postgis_read(value));
    create function ST_AsEWKB(value KIND) returns bytea HEAD return decode(_postgis_ewkb(_postgis_read(value)), 'hex');
    create function ST_AsBinary(value KIND) returns bytea HEAD return decode(_postgis_ewkb(_postgis_read(value) - 'srid'), 'hex');
    create function ST_SRID(value KIND) returns integer HEAD return (_postgis_read(value) ->> 'srid')::integer;
    create function GeometryType(value KIND) returns text HEAD return upper(_postgis_read(value) ->> 'type');
    create function ST_GeometryType(value KIND) returns text HEAD return 'ST_' || (_postgis_read(value) ->> 'type');
    create function ST_Distance(a KIND, b KIND) returns double precision HEAD
      return _postgis_nearest(_postgis_read(a), _postgis_read(b), METRES, false);
    create function ST_DWithin(a KIND, b KIND, distance double precision) returns boolean HEAD
      return _postgis_nearest(_postgis_read(a), _postgis_read(b), METRES, false) <= distance;
    create function ST_Covers(a KIND, b KIND) returns boolean HEAD return _postgis_covers(_postgis_read(a), _postgis_read(b));
    create function ST_CoveredBy(a KIND, b KIND) returns boolean HEAD return _postgis_covers(_postgis_read(b), _postgis_read(a));
    create function ST_Intersects(a KIND, b KIND) returns boolean HEAD
      return _postgis_covers(_postgis_read(a), _postgis_read(b)) or _postgis_covers(_postgis_read(b), _postgis_read(a));
    create function _postgis_overlaps(a KIND, b KIND) returns boolean HEAD
      return _postgis_box(_postgis_read(a)) && _postgis_box(_postgis_read(b));
    create function KIND_cmp(a KIND, b KIND) returns integer immutable strict parallel safe language internal as 'byteacmp';
    create function KIND_eq(a KIND, b KIND) returns boolean immutable strict parallel safe language internal as 'byteaeq';
    create function KIND_lt(a KIND, b KIND) returns boolean immutable strict parallel safe language internal as 'bytealt';
    create function KIND_le(a KIND, b KIND) returns boolean immutable strict parallel safe language internal as 'byteale';
    create function KIND_gt(a KIND, b KIND) returns boolean immutable strict parallel safe language internal as 'byteagt';
    create function KIND_ge(a KIND, b KIND) returns boolean immutable strict parallel safe language internal as 'byteage';
    create operator = (leftarg = KIND, rightarg = KIND, function = KIND_eq, commutator = =, merges);
    create operator < (leftarg = KIND, rightarg = KIND, function = KIND_lt, commutator = >);
    create operator > (leftarg = KIND, rightarg = KIND, function = KIND_gt, commutator = <);
    create operator <= (leftarg = KIND, rightarg = KIND, function = KIND_le, commutator = >=);
    create operator >= (leftarg = KIND, rightarg = KIND, function = KIND_ge, commutator = <=);
    create operator class btree_KIND_ops default for type KIND using btree as operator 1 <, operator 2 <=,
      operator 3 =, operator 4 >=, operator 5 >, function 1 KIND_cmp(KIND, KIND);
    create operator && (leftarg = KIND, rightarg = KIND, function = _postgis_overlaps, commutator = &&);
    create operator <-> (leftarg = KIND, rightarg = KIND, function = ST_Distance, commutator = <->);
    create operator class gist_KIND_ops default for type KIND using gist as
      function 1 _postgis_gist_consistent(internal, KIND, smallint, oid, internal),
      function 2 _postgis_gist_union(internal, internal), function 3 _postgis_gist_compress(internal),
      function 4 _postgis_gist_decompress(internal),
      function 5 _postgis_gist_penalty(internal, internal, internal),
      function 6 _postgis_gist_picksplit(internal, internal),
      function 7 _postgis_gist_same(bytea, bytea, internal), storage bytea;
  $sql$;
begin
  execute replace(replace(replace(pattern, 'KIND', 'geometry'), 'METRES', 'false'),
                  'HEAD', 'immutable strict parallel safe language sql');
  execute replace(replace(replace(pattern, 'KIND', 'geography'), 'METRES', 'true'),
                  'HEAD', 'immutable strict parallel safe language sql');
end
$both$;

create function ST_MakePoint(x double precision, y double precision) returns geometry immutable strict parallel safe language sql
return format('POINT(%s %s)', x, y)::geometry;
create function ST_MakePoint(x double precision, y double precision, z double precision) returns geometry immutable strict parallel safe language sql
return format('POINT(%s %s %s)', x, y, z)::geometry;
create function ST_Point(x double precision, y double precision) returns geometry immutable strict parallel safe language sql
return format('POINT(%s %s)', x, y)::geometry;
create function ST_Point(x double precision, y double precision, srid integer) returns geometry immutable strict parallel safe language sql
return format('SRID=%s;POINT(%s %s)', srid, x, y)::geometry;
create function ST_SetSRID(value geometry, srid integer) returns geometry immutable strict parallel safe language sql
return format('SRID=%s;%s', srid, @extschema@.ST_AsText(value))::geometry;
create function ST_GeomFromText(value text) returns geometry immutable strict parallel safe language sql
return value::geometry;
create function ST_GeomFromText(value text, srid integer) returns geometry immutable strict parallel safe language sql
return @extschema@.ST_SetSRID(value::geometry, srid);
create function ST_PointFromText(value text, srid integer default 0) returns geometry immutable strict parallel safe language sql
return @extschema@.ST_SetSRID(value::geometry, srid);
create function ST_GeomFromEWKT(value text) returns geometry immutable strict parallel safe language sql
return value::geometry;
create function ST_GeogFromText(value text) returns geography immutable strict parallel safe language sql
return value::geography;
create function ST_GeographyFromText(value text) returns geography immutable strict parallel safe language sql
return value::geography;
create function ST_GeomFromGeoJSON(value text) returns geometry immutable strict parallel safe language sql
return value::geometry;
create function ST_GeomFromGeoJSON(value json) returns geometry immutable strict parallel safe language sql
return value::text::geometry;
create function ST_GeomFromGeoJSON(value jsonb) returns geometry immutable strict parallel safe language sql
return value::text::geometry;
create function ST_MakeEnvelope(xmin double precision, ymin double precision, xmax double precision, ymax double precision,
  srid integer default 0) returns geometry immutable strict parallel safe language sql
return format('SRID=%5$s;POLYGON((%1$s %2$s,%1$s %4$s,%3$s %4$s,%3$s %2$s,%1$s %2$s))', xmin, ymin, xmax, ymax, srid)::geometry;
create function ST_X(value geometry) returns double precision immutable strict parallel safe language sql
return (_postgis_read(value) #>> '{coordinates,0}')::double precision;
create function ST_Y(value geometry) returns double precision immutable strict parallel safe language sql
return (_postgis_read(value) #>> '{coordinates,1}')::double precision;
create function ST_Z(value geometry) returns double precision immutable strict parallel safe language sql
return (_postgis_read(value) #>> '{coordinates,2}')::double precision;
create function ST_XMin(value geometry) returns double precision immutable strict parallel safe language sql
return ((_postgis_box(_postgis_read(value)))[1])[0];
create function ST_YMin(value geometry) returns double precision immutable strict parallel safe language sql
return ((_postgis_box(_postgis_read(value)))[1])[1];
create function ST_XMax(value geometry) returns double precision immutable strict parallel safe language sql
return ((_postgis_box(_postgis_read(value)))[0])[0];
create function ST_YMax(value geometry) returns double precision immutable strict parallel safe language sql
return ((_postgis_box(_postgis_read(value)))[0])[1];
create function ST_Contains(a geometry, b geometry) returns boolean immutable strict parallel safe language sql
return ST_Covers(a, b);
create function ST_Within(a geometry, b geometry) returns boolean immutable strict parallel safe language sql
return ST_Covers(b, a);
create function ST_Equals(a geometry, b geometry) returns boolean immutable strict parallel safe language sql
return _postgis_read(a) -> 'coordinates' = _postgis_read(b) -> 'coordinates';
create function ST_DistanceSphere(a geometry, b geometry) returns double precision immutable strict parallel safe language sql
return _postgis_nearest(_postgis_read(a), _postgis_read(b), true, true);
create function ST_Distance(a geography, b geography, use_spheroid boolean) returns double precision immutable strict parallel safe language sql
return _postgis_nearest(_postgis_read(a), _postgis_read(b), true, not use_spheroid);
create function ST_DWithin(a geography, b geography, distance double precision, use_spheroid boolean) returns boolean immutable strict parallel safe language sql
return ST_Distance(a, b, use_spheroid) <= distance;
create function postgis_version() returns text immutable language sql return '3.5 USE_GEOS=0 USE_PROJ=0 USE_STATS=0';

-- How rows show them: a geometry as GeoJSON, a geography as EWKB.
create function _postgis_json(value geometry) returns json immutable strict parallel safe language sql
return (_postgis_read(value) - 'srid')::json;
create function jsonb(value geometry) returns jsonb immutable strict parallel safe language sql
return _postgis_read(value) - 'srid';
create function _postgis_json(value geography) returns json immutable strict parallel safe language sql
return to_json(ST_AsHexEWKB(value));
create cast (geometry as json) with function _postgis_json(geometry);
create cast (geometry as jsonb) with function jsonb(geometry);
create cast (geography as json) with function _postgis_json(geography);

create table spatial_ref_sys (
  srid integer primary key, auth_name varchar(256), auth_srid integer, srtext varchar(2048), proj4text varchar(2048)
);
insert into spatial_ref_sys values (4326, 'EPSG', 4326, null, '+proj=longlat +datum=WGS84 +no_defs');
