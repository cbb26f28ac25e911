-- The database every contestant serves: a shop under row level security, written as
-- PostgreSQL's documentation and Supabase's guide advise (auth.uid() in a sub-select).
create table public.customers (
    id int primary key,
    name text not null,
    city text not null
);

create table public.orders (
    id int primary key,
    customer_id int not null references public.customers,
    status text not null,
    total numeric(10, 2) not null,
    note text,
    owner uuid not null,
    created_at timestamptz not null default now()
);
create index on public.orders (customer_id);
create index on public.orders (status, id);

create table public.events (
    id bigint generated always as identity primary key,
    owner uuid not null default auth.uid(),
    kind text not null,
    payload jsonb not null,
    created_at timestamptz not null default now()
);

create function public.order_summary(wanted text, rows_read int)
returns table (city text, orders bigint, total numeric)
language sql stable
as $$
    select c.city, count(*), sum(o.total)
    from (
        select customer_id, orders.total from public.orders
        where status = wanted order by id limit rows_read
    ) o
    join public.customers c on c.id = o.customer_id
    group by c.city order by c.city
$$;

insert into public.customers
select g, 'Customer ' || g, (array['Pune', 'Mumbai', 'Delhi', 'Chennai', 'Goa'])[1 + g % 5]
from generate_series(1, 500) g;

insert into public.orders
select g, 1 + g % 500, (array['open', 'paid', 'sent', 'closed'])[1 + g % 4], g % 1000 + 0.5,
    case when g % 3 = 0 then 'Leave at the door, order ' || g end,
    '11111111-1111-1111-1111-111111111111'
from generate_series(1, 10000) g;

alter table public.customers enable row level security;
alter table public.orders enable row level security;
alter table public.events enable row level security;
create policy everyone on public.customers for select to authenticated using (true);
create policy own on public.orders for select to authenticated using (owner = (select auth.uid()));
create policy own on public.events to authenticated
    using (owner = (select auth.uid())) with check (owner = (select auth.uid()));
grant select on public.customers, public.orders to authenticated;
grant select, insert on public.events to authenticated;
grant execute on function public.order_summary to authenticated;
