-- Holds jobs and their history; backstay's scheduler runs them. The objects are in schema cron
-- whichever schema is asked for. https://github.com/citusdata/pg_cron

do $schema$
begin
  if to_regnamespace('cron') is null then
    create schema cron;
  end if;
end
$schema$;

create sequence cron.jobid_seq;
create table cron.job (
  jobid bigint primary key default nextval('cron.jobid_seq'),
  schedule text not null,
  command text not null,
  nodename text not null default 'localhost',
  nodeport integer not null default coalesce(inet_server_port(), 5432),
  database text not null default current_database(),
  username text not null default current_user,
  active boolean not null default true,
  jobname text,
  constraint jobname_username_uniq unique (jobname, username)
);
alter table cron.job enable row level security;
create policy cron_job_policy on cron.job using (username = current_user);

create sequence cron.runid_seq;
create table cron.job_run_details (
  jobid bigint,
  runid bigint not null primary key default nextval('cron.runid_seq'),
  job_pid integer,
  database text,
  username text,
  command text,
  status text,
  return_message text,
  start_time timestamptz,
  end_time timestamptz
);
alter table cron.job_run_details enable row level security;
create policy cron_job_run_details_policy on cron.job_run_details using (username = current_user);

-- '30 seconds' or five fields of numbers, names, ranges, lists, steps; $ is the month's last day.
create function cron._is_schedule(schedule text) returns boolean immutable strict language sql as $body$
  select schedule ~* '^\s*([1-9]|[1-5][0-9])\s+seconds?\s*$'
      or schedule ~* '^\s*@(yearly|annually|monthly|weekly|daily|midnight|hourly|reboot)\s*$'
      or (select count(*) = 5 and bool_and(
                   field ~* '^(\*|[0-9]+|[a-z]{3}|\$)(-([0-9]+|[a-z]{3}))?(/[1-9][0-9]*)?(,(\*|[0-9]+|[a-z]{3}|\$)(-([0-9]+|[a-z]{3}))?(/[1-9][0-9]*)?)*$'
                   and coalesce((select bool_and(number::int between least_ and most)
                                   from regexp_matches(regexp_replace(field, '/[0-9]+', '', 'g'), '[0-9]+', 'g') as m (numbers)
                                  cross join lateral unnest(m.numbers) as number), true))
            from regexp_split_to_table(btrim(schedule), '\s+') with ordinality as f (field, n)
            left join (values (1, 0, 59), (2, 0, 23), (3, 1, 31), (4, 1, 12), (5, 0, 7))
                   as limits (n, least_, most) using (n))
$body$;

-- A job runs as its user: only who may become that user may write it down. Not security definer, so
-- that current_user is the one who asks.
create function cron._check_job() returns trigger language plpgsql as $body$
begin
  if not pg_has_role(current_user, new.username, 'member') then
    raise exception 'a job can not be run as %', new.username using errcode = 'insufficient_privilege';
  elsif new.database <> current_database() then
    raise exception 'a job runs in the database that holds it, %', current_database()
      using errcode = 'feature_not_supported';
  elsif not cron._is_schedule(new.schedule) then
    raise exception 'invalid schedule: %', new.schedule using errcode = 'invalid_parameter_value';
  end if;
  perform pg_notify('backstay_cron', '');
  return new;
end
$body$;
create trigger cron_check_job before insert or update on cron.job
  for each row execute function cron._check_job();

create function cron._job_gone() returns trigger language plpgsql as $body$
begin
  perform pg_notify('backstay_cron', '');
  return null;
end
$body$;
create trigger cron_job_gone after delete on cron.job
  for each statement execute function cron._job_gone();

create function cron.schedule(job_name text, schedule text, command text) returns bigint language sql as $body$
  insert into cron.job as j (jobname, schedule, command) values (job_name, schedule, command)
  on conflict on constraint jobname_username_uniq
    do update set schedule = excluded.schedule, command = excluded.command
  returning j.jobid
$body$;

create function cron.schedule(schedule text, command text) returns bigint language sql as $body$
  insert into cron.job (schedule, command) values (schedule, command) returning jobid
$body$;

create function cron.schedule_in_database(
  job_name text, schedule text, command text, database text, username text default null,
  active boolean default true)
returns bigint language sql as $body$
  insert into cron.job as j (jobname, schedule, command, database, username, active)
  values (job_name, schedule, command, database, coalesce(username, current_user), active)
  on conflict on constraint jobname_username_uniq
    do update set schedule = excluded.schedule, command = excluded.command, active = excluded.active
  returning j.jobid
$body$;

create function cron.unschedule(job_id bigint) returns boolean language plpgsql as $body$
begin
  delete from cron.job as j where j.jobid = job_id and pg_has_role(current_user, j.username, 'member');
  if not found then
    raise exception 'could not find valid entry for job %', job_id;
  end if;
  return true;
end
$body$;

create function cron.unschedule(job_name text) returns boolean language plpgsql as $body$
begin
  delete from cron.job as j where j.jobname = job_name and j.username = current_user;
  if not found then
    raise exception 'could not find valid entry for job ''%''', job_name;
  end if;
  return true;
end
$body$;

create function cron.alter_job(
  job_id bigint, schedule text default null, command text default null,
  database text default null, username text default null, active boolean default null)
returns void language plpgsql as $body$
begin
  update cron.job as j
     set schedule = coalesce(alter_job.schedule, j.schedule),
         command = coalesce(alter_job.command, j.command),
         database = coalesce(alter_job.database, j.database),
         username = coalesce(alter_job.username, j.username),
         active = coalesce(alter_job.active, j.active)
   where j.jobid = job_id and pg_has_role(current_user, j.username, 'member');
  if not found then
    raise exception 'Job % does not exist or you don''t own it', job_id;
  end if;
end
$body$;

revoke all on all functions in schema cron from public;
grant select on table cron.job, cron.job_run_details to public;
select pg_catalog.pg_extension_config_dump('cron.job', '');
select pg_catalog.pg_extension_config_dump('cron.jobid_seq', '');
