create domain email as text check (value ~ '@');
create table customers (id uuid primary key default gen_random_uuid(), contact email,
  name text, search tsvector generated always as (to_tsvector('english', coalesce(name, ''))) stored);
create index on customers using gin (search);
create table measurements (id bigserial, at date not null, value numeric, primary key (id, at)) partition by range (at);
create table measurements_2024 partition of measurements for values from ('2024-01-01') to ('2025-01-01');
create table measurements_rest partition of measurements default;
create table a (id int primary key);
create table b (id int primary key, a_id int references a deferrable initially deferred);
create function audit() returns trigger language plpgsql security definer as $function$
begin
  if tg_op = 'DELETE' then return old; end if;
  perform pg_notify('changes', json_build_object('table', tg_table_name, 'id', new.id)::text);
  perform realtime.broadcast_changes('topic:' || new.id::text, tg_op, tg_op, tg_table_name, tg_table_schema, new, old);
  return new;
end
$function$;
create trigger audit after insert or update or delete on a for each row execute function audit();
insert into b values (1, 1); insert into a values (1);
select realtime.send('{"hello":"world"}'::jsonb, 'event', 'topic', false);
create rule no_delete as on delete to b do instead (select 1; notify nothing_deleted);
