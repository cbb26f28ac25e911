-- BillKaro's whole schema: four tables, five enum types, their policies, the collections summary.
-- docs/complete_schema_literal.sql holds the text of the published document; docs/differences.md
-- says where and why this file departs from it.

create type public.user_role as enum ('admin', 'manager', 'operator');
create type public.machine_status as enum ('online', 'offline');
create type public.service_status as enum ('active', 'inactive');
create type public.payment_method as enum ('Cash', 'UPI', 'Card');
create type public.payment_status as enum ('success', 'pending', 'failed');

-- Identifiers ------------------------------------------------------------------------------------

-- "mach_001", "srv_012", "pay_1000": three digits until there are more.
create function public.prefixed_id(prefix text, counter regclass) returns text
language sql volatile
set search_path = ''
return (
  select prefix || '_' || lpad(n::text, greatest(3, length(n::text)), '0')
  from nextval(counter) as n
);

create sequence public.machine_number;
create sequence public.service_number;
create sequence public.payment_number;

-- Tables -----------------------------------------------------------------------------------------

-- The profile of an account: passwords live in auth.users alone.
create table public.users (
  id uuid primary key references auth.users (id) on delete cascade,
  username varchar(50) unique not null,
  email varchar(255) unique not null,
  role public.user_role default 'operator' not null,
  is_active varchar(10) default 'true' not null check (is_active in ('true', 'false')),
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);

create table public.machines (
  id text primary key default public.prefixed_id('mach', 'public.machine_number'),
  name text not null,
  location text not null,
  status public.machine_status default 'offline',
  last_sync timestamptz default now(),
  online_collection numeric(10, 2) default 0,
  offline_collection numeric(10, 2) default 0,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);

create table public.services (
  id text primary key default public.prefixed_id('srv', 'public.service_number'),
  machine_id text not null references public.machines (id) on delete cascade,
  name text not null,
  price numeric(10, 2) not null,
  status public.service_status default 'active',
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);

create table public.payments (
  id text primary key default public.prefixed_id('pay', 'public.payment_number'),
  machine_id text not null references public.machines (id) on delete cascade,
  bill_number text unique not null,
  amount numeric(10, 2) not null,
  method public.payment_method not null,
  status public.payment_status default 'success',
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);

create index idx_services_machine_id on public.services (machine_id);
create index idx_payments_machine_id on public.payments (machine_id);
create index idx_payments_created_at on public.payments (created_at desc);
create index idx_payments_bill_number on public.payments (bill_number);

-- updated_at: the database's clock, whatever the client sends ---------------------------------------

create function public.touch_updated_at() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.updated_at := now();
  return new;
end;
$$;

create trigger users_touch before update on public.users
  for each row execute function public.touch_updated_at();
create trigger machines_touch before update on public.machines
  for each row execute function public.touch_updated_at();
create trigger services_touch before update on public.services
  for each row execute function public.touch_updated_at();
create trigger payments_touch before update on public.payments
  for each row execute function public.touch_updated_at();

-- Accounts and profiles ----------------------------------------------------------------------------

-- The business role lives in app_metadata.role, which only the service role can write; the
-- database role of every account stays "authenticated".
create function public.business_role() returns text
language sql stable
set search_path = ''
return (select auth.jwt() -> 'app_metadata' ->> 'role');

create function public.role_of(metadata jsonb) returns public.user_role
language sql immutable
set search_path = ''
return case
  when metadata ->> 'role' in ('admin', 'manager', 'operator')
    then (metadata ->> 'role')::public.user_role
  else 'operator'::public.user_role
end;

create function public.create_profile() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  insert into public.users (id, username, email, role)
  values (
    new.id,
    coalesce(nullif(new.raw_user_meta_data ->> 'username', ''), split_part(new.email, '@', 1)),
    new.email,
    public.role_of(new.raw_app_meta_data)
  );
  return null;
end;
$$;

create trigger create_profile after insert on auth.users
  for each row execute function public.create_profile();

-- What the admin API changes on the account shows on the profile.
create function public.follow_account() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  update public.users
  set email = new.email, role = public.role_of(new.raw_app_meta_data)
  where id = new.id
    and (email, role) is distinct from (new.email::varchar, public.role_of(new.raw_app_meta_data));
  return null;
end;
$$;

create trigger follow_account after update of email, raw_app_meta_data on auth.users
  for each row execute function public.follow_account();

-- What an administrator changes on the profile shows on the account: the role in the next token,
-- and an inactive account is banned, which ends its sessions.
create function public.follow_profile() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  if new.role is distinct from old.role then
    update auth.users
    set raw_app_meta_data = coalesce(raw_app_meta_data, '{}') || jsonb_build_object('role', new.role)
    where id = new.id and raw_app_meta_data ->> 'role' is distinct from new.role::text;
  end if;
  if new.is_active is distinct from old.is_active then
    update auth.users
    set banned_until = case when new.is_active = 'false' then now() + interval '100 years' end
    where id = new.id;
    if new.is_active = 'false' then
      delete from auth.sessions where user_id = new.id;
    end if;
  end if;
  return null;
end;
$$;

create trigger follow_profile after update of role, is_active on public.users
  for each row execute function public.follow_profile();

create function public.custom_access_token_hook(event jsonb) returns jsonb
language sql stable
set search_path = ''
return jsonb_set(
  event,
  '{claims,user_role}',
  coalesce(event #> '{claims,app_metadata,role}', to_jsonb('operator'::text))
);

revoke execute on function
  public.prefixed_id, public.touch_updated_at, public.create_profile, public.follow_account,
  public.follow_profile, public.custom_access_token_hook, public.role_of
  from public, anon, authenticated;
-- Column defaults run as whoever inserts.
grant execute on function public.prefixed_id to authenticated;
grant execute on function public.custom_access_token_hook to supabase_auth_admin;
grant usage on schema public to supabase_auth_admin;

-- Row level security -------------------------------------------------------------------------------

alter table public.users enable row level security;
alter table public.machines enable row level security;
alter table public.services enable row level security;
alter table public.payments enable row level security;

create policy "Allow reading one's own profile"
  on public.users for select
  using (id = (select auth.uid()));

-- Sign-in by username, and the profile in its answers (backstay.auth in config.toml).
grant select on public.users to supabase_auth_admin;
create policy "Allow auth to read profiles"
  on public.users for select to supabase_auth_admin
  using (true);

create policy "Allow admin to manage users"
  on public.users for all
  using ((select public.business_role()) = 'admin')
  with check ((select public.business_role()) = 'admin');

create policy "Allow read access to machines"
  on public.machines for select
  using ((select auth.role()) = 'authenticated');

create policy "Allow admin to modify machines"
  on public.machines for all
  using ((select public.business_role()) = 'admin')
  with check ((select public.business_role()) = 'admin');

create policy "Allow read access to services"
  on public.services for select
  using ((select auth.role()) = 'authenticated');

create policy "Allow managers to modify services"
  on public.services for all
  using ((select public.business_role()) in ('admin', 'manager'))
  with check ((select public.business_role()) in ('admin', 'manager'));

create policy "Allow insert payments"
  on public.payments for insert
  with check ((select auth.role()) = 'authenticated');

create policy "Allow read payments"
  on public.payments for select
  using ((select auth.role()) = 'authenticated');

create policy "Allow managers to update payments"
  on public.payments for update
  using ((select public.business_role()) in ('admin', 'manager'))
  with check ((select public.business_role()) in ('admin', 'manager'));

-- Analytics ----------------------------------------------------------------------------------------

-- Bounds inclusive; every method and status is listed, absent ones with 0. The parameter names are
-- the API, so they are told apart from the columns by the function's name.
create function public.get_collections_summary(
  machine_id text,
  start_date timestamptz,
  end_date timestamptz
) returns json
language plpgsql stable
set search_path = ''
as $$
begin
  return (
    with chosen as (
      select p.amount, p.method, p.status
      from public.payments p
      where p.machine_id = get_collections_summary.machine_id
        and p.created_at >= get_collections_summary.start_date
        and p.created_at <= get_collections_summary.end_date
    )
    select json_build_object(
      'total_amount', coalesce(sum(c.amount), 0),
      'transaction_count', count(*),
      'average_transaction', coalesce(round(avg(c.amount), 2), 0),
      'successful_amount', coalesce(sum(c.amount) filter (where c.status = 'success'), 0),
      'by_method', (
        select json_object_agg(m.label, coalesce(s.total, 0) order by m.label)
        from unnest(enum_range(null::public.payment_method)) as m (label)
        left join (
          select k.method, sum(k.amount) as total from chosen k group by k.method
        ) s on s.method = m.label
      ),
      'by_status', (
        select json_object_agg(t.label, coalesce(s.total, 0) order by t.label)
        from unnest(enum_range(null::public.payment_status)) as t (label)
        left join (
          select k.status, sum(k.amount) as total from chosen k group by k.status
        ) s on s.status = t.label
      )
    )
    from chosen c
  );
end;
$$;

-- Bill numbers -------------------------------------------------------------------------------------

-- A till may number its bills itself (they are only required to be unique) or ask for the next one:
-- M001-20260204-0001, counted per machine and day (UTC).
create table public.bill_counters (
  machine_id text not null references public.machines (id) on delete cascade,
  day date not null,
  last integer not null,
  primary key (machine_id, day)
);
alter table public.bill_counters enable row level security;
revoke all on public.bill_counters from anon, authenticated;

create function public.next_bill_number(machine_id text) returns text
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  today date := (now() at time zone 'UTC')::date;
  number integer;
begin
  insert into public.bill_counters as c (machine_id, day, last)
  values (next_bill_number.machine_id, today, 1)
  on conflict on constraint bill_counters_pkey do update set last = c.last + 1
  returning c.last into number;
  return format(
    'M%s-%s-%s',
    coalesce(substring(next_bill_number.machine_id from '[^_]*$'), next_bill_number.machine_id),
    to_char(today, 'YYYYMMDD'),
    lpad(number::text, greatest(4, length(number::text)), '0')
  );
end;
$$;

revoke execute on function public.next_bill_number from public, anon;
grant execute on function public.next_bill_number to authenticated;
