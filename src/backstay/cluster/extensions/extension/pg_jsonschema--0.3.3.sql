-- The vocabulary of JSON Schema that constraints use, in SQL. A keyword that would be ignored
-- silently ($ref, dependencies, unevaluated…) is an error instead. https://json-schema.org/

create function _jsonschema_type(instance jsonb) returns text[] immutable strict language sql
return case when jsonb_typeof(instance) = 'number' and (instance #>> '{}')::numeric % 1 = 0
            then array['number', 'integer'] else array[jsonb_typeof(instance)] end;

-- What is wrong with the instance, one sentence each, with the path to it.
create function _jsonschema_errors(schema jsonb, instance jsonb, path text) returns setof text
immutable language plpgsql as $body$
declare
  keyword text;
  rule jsonb;
  item record;
  kind text := jsonb_typeof(instance);
  number numeric := case when jsonb_typeof(instance) = 'number' then (instance #>> '{}')::numeric end;
  string text := case when jsonb_typeof(instance) = 'string' then instance #>> '{}' end;
  matching integer;
begin
  if jsonb_typeof(schema) = 'boolean' then
    if schema = 'false' then
      return next format('%s is not allowed', path);
    end if;
    return;
  elsif jsonb_typeof(schema) <> 'object' then
    raise exception 'a JSON schema is an object or a boolean' using errcode = 'invalid_parameter_value';
  end if;
  for keyword, rule in select * from jsonb_each(schema) loop
    case keyword
      when 'type' then
        if not (@extschema@._jsonschema_type(instance) && case jsonb_typeof(rule)
                  when 'array' then array(select jsonb_array_elements_text(rule)) else array[rule #>> '{}'] end) then
          return next format('%s is not of type %s', path, rule);
        end if;
      when 'enum' then
        if not exists (select from jsonb_array_elements(rule) as e where e = instance) then
          return next format('%s is not one of %s', path, rule);
        end if;
      when 'const' then
        if rule <> instance then
          return next format('%s is not %s', path, rule);
        end if;
      when 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf' then
        if not (case keyword
             when 'minimum' then number >= (rule #>> '{}')::numeric
             when 'maximum' then number <= (rule #>> '{}')::numeric
             when 'exclusiveMinimum' then number > (rule #>> '{}')::numeric
             when 'exclusiveMaximum' then number < (rule #>> '{}')::numeric
             else number % (rule #>> '{}')::numeric = 0 end) then
          return next format('%s does not satisfy %s %s', path, keyword, rule);
        end if;
      when 'minLength', 'maxLength' then
        if not (case keyword when 'minLength' then length(string) >= rule::int else length(string) <= rule::int end) then
          return next format('%s does not satisfy %s %s', path, keyword, rule);
        end if;
      when 'pattern' then
        if string !~ (rule #>> '{}') then
          return next format('%s does not match %s', path, rule);
        end if;
      when 'minItems', 'maxItems', 'uniqueItems', 'items', 'prefixItems', 'contains' then
        if kind = 'array' then
          return query select * from @extschema@._jsonschema_array(keyword, rule, schema, instance, path);
        end if;
      when 'required' then
        if kind = 'object' then
          return query select format('%s lacks %s', path, r) from jsonb_array_elements_text(rule) as r
                        where not instance ? r;
        end if;
      when 'minProperties', 'maxProperties' then
        if kind = 'object' then
          matching := (select count(*) from jsonb_object_keys(instance));
          if not (case keyword when 'minProperties' then matching >= rule::int else matching <= rule::int end) then
            return next format('%s does not satisfy %s %s', path, keyword, rule);
          end if;
        end if;
      when 'properties', 'patternProperties', 'propertyNames' then
        if kind = 'object' then
          for item in select * from jsonb_each(instance) loop
            if keyword = 'propertyNames' then
              return query select * from @extschema@._jsonschema_errors(rule, to_jsonb(item.key), path || '/' || item.key);
            elsif keyword = 'properties' then
              if rule ? item.key then
                return query select * from @extschema@._jsonschema_errors(rule -> item.key, item.value, path || '/' || item.key);
              end if;
            else
              return query select e.* from jsonb_each(rule) as p
                cross join lateral @extschema@._jsonschema_errors(p.value, item.value, path || '/' || item.key) as e
                where item.key ~ p.key;
            end if;
          end loop;
        end if;
      when 'additionalProperties' then
        if kind = 'object' then
          return query select e.* from jsonb_each(instance) as i
            cross join lateral @extschema@._jsonschema_errors(rule, i.value, path || '/' || i.key) as e
            where not coalesce(schema -> 'properties', '{}') ? i.key
              and not exists (select from jsonb_object_keys(coalesce(schema -> 'patternProperties', '{}')) as p
                               where i.key ~ p);
        end if;
      when 'allOf' then
        return query select e.* from jsonb_array_elements(rule) as s
          cross join lateral @extschema@._jsonschema_errors(s, instance, path) as e;
      when 'anyOf', 'oneOf' then
        select count(*) into matching from jsonb_array_elements(rule) as s
         where not exists (select from @extschema@._jsonschema_errors(s, instance, path));
        if matching = 0 or keyword = 'oneOf' and matching > 1 then
          return next format('%s matches %s schemas of %s', path, matching, keyword);
        end if;
      when 'not' then
        if not exists (select from @extschema@._jsonschema_errors(rule, instance, path)) then
          return next format('%s matches what it must not', path);
        end if;
      when 'if' then
        if exists (select from @extschema@._jsonschema_errors(rule, instance, path)) then
          return query select * from @extschema@._jsonschema_errors(coalesce(schema -> 'else', 'true'), instance, path);
        else
          return query select * from @extschema@._jsonschema_errors(coalesce(schema -> 'then', 'true'), instance, path);
        end if;
      when 'then', 'else', '$schema', '$id', '$comment', '$defs', 'definitions', 'title', 'description',
           'default', 'examples', 'format', 'readOnly', 'writeOnly', 'deprecated', 'contentEncoding',
           'contentMediaType' then
        null; -- said elsewhere, or only notes
      else
        raise exception 'the JSON schema keyword % is not available here', keyword
          using errcode = 'feature_not_supported';
    end case;
  end loop;
end
$body$;

create function _jsonschema_array(keyword text, rule jsonb, schema jsonb, instance jsonb, path text)
returns setof text immutable language plpgsql as $body$
declare
  length integer := jsonb_array_length(instance);
  fixed integer := coalesce(jsonb_array_length(schema -> 'prefixItems'), 0);
begin
  case keyword
    when 'minItems' then
      if length < rule::int then return next format('%s has fewer than %s items', path, rule); end if;
    when 'maxItems' then
      if length > rule::int then return next format('%s has more than %s items', path, rule); end if;
    when 'uniqueItems' then
      if rule = 'true' and length > (select count(distinct e) from jsonb_array_elements(instance) as e) then
        return next format('%s has equal items', path);
      end if;
    when 'contains' then
      if not exists (select from jsonb_array_elements(instance) as e
                      where not exists (select from @extschema@._jsonschema_errors(rule, e, path))) then
        return next format('%s contains no such item', path);
      end if;
    when 'prefixItems' then
      return query select e.* from jsonb_array_elements(instance) with ordinality as i (value, n)
        cross join lateral @extschema@._jsonschema_errors(rule -> (i.n::int - 1), i.value, path || '/' || (i.n - 1)) as e
        where i.n <= fixed;
    else
      return query select e.* from jsonb_array_elements(instance) with ordinality as i (value, n)
        cross join lateral @extschema@._jsonschema_errors(rule, i.value, path || '/' || (i.n - 1)) as e
        where i.n > fixed;
  end case;
end
$body$;

create function jsonb_matches_schema(schema json, instance jsonb) returns boolean immutable strict language sql
as $body$ select not exists (select from @extschema@._jsonschema_errors(schema::jsonb, instance, '')) $body$;
create function json_matches_schema(schema json, instance json) returns boolean immutable strict language sql
as $body$ select @extschema@.jsonb_matches_schema(schema, instance::jsonb) $body$;
create function jsonschema_validation_errors(schema json, instance json) returns text[] immutable strict language sql
as $body$ select array(select * from @extschema@._jsonschema_errors(schema::jsonb, instance::jsonb, '')) $body$;
create function jsonschema_is_valid(schema json) returns boolean immutable strict language plpgsql as $body$
begin
  perform @extschema@._jsonschema_errors(schema::jsonb, '{}', ''), @extschema@._jsonschema_errors(schema::jsonb, '[]', '');
  return true;
exception when feature_not_supported then
  raise;
when others then
  return false;
end
$body$;
