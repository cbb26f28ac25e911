-- The functions of uuid-ossp over what the server has. https://www.postgresql.org/docs/18/uuid-ossp.html

create function uuid_nil() returns uuid immutable strict parallel safe language sql
return '00000000-0000-0000-0000-000000000000'::uuid;
create function uuid_ns_dns() returns uuid immutable strict parallel safe language sql
return '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid;
create function uuid_ns_url() returns uuid immutable strict parallel safe language sql
return '6ba7b811-9dad-11d1-80b4-00c04fd430c8'::uuid;
create function uuid_ns_oid() returns uuid immutable strict parallel safe language sql
return '6ba7b812-9dad-11d1-80b4-00c04fd430c8'::uuid;
create function uuid_ns_x500() returns uuid immutable strict parallel safe language sql
return '6ba7b814-9dad-11d1-80b4-00c04fd430c8'::uuid;

create function uuid_generate_v4() returns uuid volatile strict parallel safe language sql
return gen_random_uuid();

-- Version 1 counts 100 ns since 1582-10-15; the clock sequence is random, and the node is random
-- with its multicast bit set (RFC 9562, 6.10): no address of this machine is given away.
create function uuid_generate_v1mc() returns uuid volatile strict parallel safe language sql
as $body$
  select (
      lpad(to_hex(ticks & 4294967295), 8, '0')
      || lpad(to_hex((ticks >> 32) & 65535), 4, '0')
      || '1' || lpad(to_hex((ticks >> 48) & 4095), 3, '0')
      || to_hex(8 + floor(random() * 4)::int) || substr(noise, 1, 3)
      || substr(noise, 4, 1) || substr('13579bdf', 1 + floor(random() * 8)::int, 1)
      || substr(noise, 6, 10)
    )::uuid
    from (select (extract(epoch from clock_timestamp()) * 10000000)::bigint
                 + 122192928000000000 + floor(random() * 10)::bigint as ticks,
                 replace(gen_random_uuid()::text, '-', '') as full_noise) as t
   cross join lateral (select substr(full_noise, 18, 15) as noise) as n
$body$;

create function uuid_generate_v1() returns uuid volatile strict parallel safe language sql
as $body$ select @extschema@.uuid_generate_v1mc() $body$;

create function uuid_generate_v3(namespace uuid, name text) returns uuid
immutable strict parallel safe language sql
as $body$
  select (substr(h, 1, 12) || '3' || substr(h, 14, 3)
          || to_hex((get_byte(decode(h, 'hex'), 8) & 63) | 128) || substr(h, 19))::uuid
    from (select md5(decode(replace(namespace::text, '-', ''), 'hex') || convert_to(name, 'UTF8')) as h) as t
$body$;

-- SHA-1 is not among the functions of the server itself; uuid_sha1 is it, in SQL.
create function uuid_sha1(message bytea) returns bytea immutable strict parallel safe language plpgsql
as $body$
declare
  mask constant bigint := 4294967295;
  bits constant bigint := length(message)::bigint * 8;
  padded bytea := message || '\x80'::bytea
    || decode(repeat('00', (119 - length(message) % 64) % 64), 'hex') || int8send(bits);
  state bigint[] := array[1732584193, 4023233417, 2562383102, 271733878, 3285377520];
  w bigint[];
  a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; k bigint; x bigint;
begin
  for block in 0 .. length(padded) / 64 - 1 loop
    for i in 0 .. 79 loop
      if i < 16 then
        x := (get_byte(padded, block * 64 + i * 4)::bigint << 24)
           | (get_byte(padded, block * 64 + i * 4 + 1) << 16)
           | (get_byte(padded, block * 64 + i * 4 + 2) << 8)
           | get_byte(padded, block * 64 + i * 4 + 3);
      else
        x := w[i - 3] # w[i - 8] # w[i - 14] # w[i - 16];
        x := ((x << 1) | (x >> 31)) & mask;
      end if;
      w[i] := x;
    end loop;
    a := state[1]; b := state[2]; c := state[3]; d := state[4]; e := state[5];
    for i in 0 .. 79 loop
      if i < 20 then f := (b & c) | ((~b & mask) & d); k := 1518500249;
      elsif i < 40 then f := b # c # d; k := 1859775393;
      elsif i < 60 then f := (b & c) | (b & d) | (c & d); k := 2400959708;
      else f := b # c # d; k := 3395469782;
      end if;
      x := ((((a << 5) | (a >> 27)) & mask) + f + e + k + w[i]) & mask;
      e := d; d := c; c := ((b << 30) | (b >> 2)) & mask; b := a; a := x;
    end loop;
    state := array[(state[1] + a) & mask, (state[2] + b) & mask, (state[3] + c) & mask,
                   (state[4] + d) & mask, (state[5] + e) & mask];
  end loop;
  return decode((select string_agg(lpad(to_hex(s), 8, '0'), '' order by n)
                   from unnest(state) with ordinality as u (s, n)), 'hex');
end
$body$;

create function uuid_generate_v5(namespace uuid, name text) returns uuid
immutable strict parallel safe language sql
as $body$
  select (substr(h, 1, 12) || '5' || substr(h, 14, 3)
          || to_hex((get_byte(decode(h, 'hex'), 8) & 63) | 128) || substr(h, 19, 14))::uuid
    from (select encode(@extschema@.uuid_sha1(
            decode(replace(namespace::text, '-', ''), 'hex') || convert_to(name, 'UTF8')), 'hex') as h) as t
$body$;
