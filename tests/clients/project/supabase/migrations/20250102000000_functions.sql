-- Functions of every shape that can be called by name.
create function add_them(a int, b int default 1) returns int language sql immutable
  as 'select a + b';
create function greeting() returns text language sql stable as $$ select 'hello' $$;
create function books_by(author int) returns setof books language sql stable
  as 'select * from books where author_id = author';
create function one_book(book int) returns books language sql stable
  as 'select * from books where id = book';
create function prices() returns table (lowest numeric, highest numeric) language sql stable
  as 'select min(price), max(price) from books';
create function total(variadic numbers int[]) returns bigint language sql immutable
  as 'select sum(n) from unnest(numbers) n';
create function longest(words text[]) returns text language sql immutable
  as 'select w from unnest(words) w order by length(w) desc, w limit 1';
create function describe(n int) returns text language sql immutable
  as $$ select 'number ' || n $$;
create function describe(t text) returns text language sql immutable
  as $$ select 'text ' || t $$;
create function same(value jsonb) returns jsonb language sql immutable as 'select value';
create function note_down(code text) returns void language sql volatile
  as $$ insert into entries (code, label) values (code, 'called') $$;
create function relabel(wanted text) returns setof entries language sql volatile
  as $$ update entries set note = 'relabelled' where label = wanted returning * $$;
create function refuse() returns void language plpgsql as $$
begin
  raise exception using errcode = 'P0001', message = 'refused', detail = 'why', hint = 'ask';
end $$;
create function sleep_for(seconds float) returns text language sql volatile
  as $$ select 'awake' from pg_sleep(seconds) $$;
create function header(name text) returns text language sql stable
  as $$ select current_setting('request.headers')::json ->> name $$;

create function numbers(most int) returns setof int language sql stable rows 2000
  as 'select generate_series(1, most)';

-- What PostGIS would bring, where only requests for this schema look.
create function stacks.st_asgeojson(shelf record) returns text language plpgsql immutable as $$
begin
  return json_build_object('type', 'Feature', 'properties', to_json(shelf));
end $$;

-- Columns and a relationship that are computed.
create function shouted(books) returns text language sql stable as 'select upper($1.title)';
create function first_book(authors) returns setof books rows 1 language sql stable
  as 'select * from books where author_id = $1.id order by id limit 1';

-- In-database configuration, as Supabase's guides change it, for the test that does so.
create function configure(wanted text, setting text) returns void
  language plpgsql security definer as $$
begin
  execute format('alter role authenticator set pgrst.%I = %L', wanted, setting);
  notify pgrst, 'reload config';
end $$;
revoke execute on function configure from public, anon, authenticated;
