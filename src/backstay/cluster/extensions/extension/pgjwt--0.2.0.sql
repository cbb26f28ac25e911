-- Signs and verifies JSON Web Tokens (RFC 7519) with HMAC. https://github.com/michelp/pgjwt

create function url_encode(data bytea) returns text immutable language sql
return translate(encode(data, 'base64'), E'+/=\n', '-_');

create function url_decode(data text) returns bytea immutable language sql
return decode(translate(data, '-_', '+/') || repeat('=', (4 - length(data) % 4) % 4), 'base64');

create function algorithm_sign(signables text, secret text, algorithm text)
returns text immutable language plpgsql as $body$
begin
  if algorithm not in ('HS256', 'HS384', 'HS512') then
    raise exception 'algorithm % is not one of HS256, HS384, HS512', algorithm
      using errcode = 'invalid_parameter_value';
  end if;
  return @extschema@.url_encode(
    @extschema:pgcrypto@.hmac(signables, secret, 'sha' || substr(algorithm, 3)));
end
$body$;

create function sign(payload json, secret text, algorithm text default 'HS256')
returns text immutable language sql as $body$
  select signed || '.' || @extschema@.algorithm_sign(signed, secret, algorithm)
    from (select @extschema@.url_encode(convert_to(format('{"alg":"%s","typ":"JWT"}', algorithm), 'utf8'))
                 || '.' || @extschema@.url_encode(convert_to(payload::text, 'utf8')) as signed) as t
$body$;

create function try_cast_double(inp text) returns double precision immutable language sql
return case when pg_input_is_valid(inp, 'double precision') then inp::double precision end;

-- valid: the signature is right and now lies between the claims nbf and exp, where they are present.
create function verify(token text, secret text, algorithm text default 'HS256')
returns table (header json, payload json, valid boolean) stable language sql as $body$
  select t.header, t.payload,
         coalesce(t.signed
           and coalesce(@extschema@.try_cast_double(t.payload ->> 'nbf'), 0) <= t.moment
           and t.moment < coalesce(@extschema@.try_cast_double(t.payload ->> 'exp'), 'infinity'), false)
    from (
      select convert_from(@extschema@.url_decode(part[1]), 'utf8')::json as header,
             convert_from(@extschema@.url_decode(part[2]), 'utf8')::json as payload,
             part[3] = @extschema@.algorithm_sign(part[1] || '.' || part[2], secret, algorithm) as signed,
             extract(epoch from current_timestamp) as moment
        from string_to_array(token, '.') as part
    ) as t
$body$;
