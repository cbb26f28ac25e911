create extension if not exists pg_cron with schema pg_catalog;
grant usage on schema cron to postgres;
grant all privileges on all tables in schema cron to postgres;
create extension if not exists pg_net schema extensions;
create extension if not exists pgmq with schema pgmq;
select vault.create_secret('http://localhost:54321', 'project_url');
select cron.schedule('invoke-function-every-minute', '* * * * *', $$
  select net.http_post(
    url := (select decrypted_secret from vault.decrypted_secrets where name = 'project_url') || '/functions/v1/tick',
    headers := jsonb_build_object('Content-type', 'application/json'),
    body := concat('{"time": "', now(), '"}')::jsonb
  ) as request_id;
$$);
select cron.schedule('clean', '30 3 * * 6', 'delete from events where created < now() - interval ''1 week''');
select cron.unschedule('clean');
select pgmq.create('tasks');
select * from pgmq.send('tasks', '{"hello": "world"}'::jsonb);
create table events (id int, created timestamptz default now());
create trigger "notify" after insert or update or delete on events for each row
  execute function supabase_functions.http_request(
    'http://host.docker.internal:54321/functions/v1/hook', 'POST', '{"Content-Type":"application/json"}', '{}', '1000');
insert into events (id) values (1);
