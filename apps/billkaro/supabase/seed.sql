-- Three accounts (password = name followed by 123), two tills and a kiosk, one week of business.
-- The first five payments are those of the document's collections summary.

with staff (id, name, role) as (
  values
    ('00000000-0000-4000-8000-000000000001'::uuid, 'admin', 'admin'),
    ('00000000-0000-4000-8000-000000000002'::uuid, 'manager', 'manager'),
    ('00000000-0000-4000-8000-000000000003'::uuid, 'operator', 'operator')
), accounts as (
  insert into auth.users (
    instance_id, id, aud, role, email, encrypted_password, email_confirmed_at,
    raw_app_meta_data, raw_user_meta_data, created_at, updated_at,
    confirmation_token, recovery_token, email_change_token_new, email_change
  )
  select
    '00000000-0000-0000-0000-000000000000', id, 'authenticated', 'authenticated',
    name || '@billkaro.example', extensions.crypt(name || '123', extensions.gen_salt('bf', 10)), now(),
    jsonb_build_object('provider', 'email', 'providers', jsonb_build_array('email'), 'role', role),
    jsonb_build_object('username', name), '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z',
    '', '', '', ''
  from staff
  returning id, email
)
insert into auth.identities (provider_id, user_id, identity_data, provider, created_at, updated_at)
select
  id::text, id,
  jsonb_build_object('sub', id, 'email', email, 'email_verified', true, 'phone_verified', false),
  'email', now(), now()
from accounts;

insert into public.machines
  (name, location, status, last_sync, online_collection, created_at, updated_at)
values
  ('Main Entrance POS', 'Lobby A', 'online', '2026-02-04T14:30:00Z', 12500, '2026-01-01T00:00:00Z', '2026-02-04T14:30:00Z'),
  ('Cafeteria Kiosk', 'Food Court', 'online', '2026-02-04T14:25:00Z', 5000, '2026-01-01T00:00:00Z', '2026-02-04T14:25:00Z'),
  ('Parking Booth', 'Gate 3', 'offline', '2026-02-03T20:05:00Z', 0, '2026-01-12T00:00:00Z', '2026-02-03T20:05:00Z');

insert into public.services (machine_id, name, price, status, created_at, updated_at)
select machine_id, name, price, status::public.service_status, '2026-01-01T00:00:00Z', '2026-02-04T10:00:00Z'
from (
  values
    (1, 'mach_001', 'Entry Ticket - Adult', 150.00, 'active'),
    (2, 'mach_001', 'Entry Ticket - Child', 75.00, 'active'),
    (3, 'mach_001', 'Entry Ticket - Senior', 100.00, 'active'),
    (4, 'mach_001', 'Locker', 50.00, 'active'),
    (5, 'mach_001', 'Audio Guide', 177.00, 'inactive'),
    (6, 'mach_002', 'Masala Chai', 20.00, 'active'),
    (7, 'mach_002', 'Veg Thali', 180.00, 'active'),
    (8, 'mach_002', 'Samosa Plate', 40.00, 'active'),
    (9, 'mach_002', 'Cold Coffee', 90.00, 'inactive'),
    (10, 'mach_003', 'Two Wheeler - Day', 30.00, 'active'),
    (11, 'mach_003', 'Car - Day', 80.00, 'active')
) as s (position, machine_id, name, price, status)
order by position;

insert into public.payments (machine_id, bill_number, amount, method, status, created_at, updated_at)
select 'mach_001', bill_number, amount, method::public.payment_method, 'success', at, at
from (
  values
    ('M001-20260204-0001', 177.00, 'Cash', '2026-02-04T12:30:00Z'::timestamptz),
    ('M001-20260204-0002', 273.00, 'Cash', '2026-02-04T12:41:00Z'),
    ('M001-20260204-0003', 150.00, 'UPI', '2026-02-04T12:58:00Z'),
    ('M001-20260204-0004', 100.00, 'UPI', '2026-02-04T13:15:00Z'),
    ('M001-20260204-0009', 100.00, 'Card', '2026-02-04T13:47:00Z')
) as p (bill_number, amount, method, at)
order by at;

-- The week before, for lists that page: every till, every method, a few that did not go through.
insert into public.payments (machine_id, bill_number, amount, method, status, created_at, updated_at)
select
  'mach_' || lpad(m::text, 3, '0'),
  format('M%s-%s-%s', lpad(m::text, 3, '0'), to_char(at, 'YYYYMMDD'), lpad(n::text, 4, '0')),
  (array[150, 75, 225, 40, 180, 300, 20, 80])[1 + (day * 7 + m * 3 + n) % 8],
  (enum_range(null::public.payment_method))[1 + (day + m + n) % 3],
  case (day * 5 + m * 2 + n) % 11 when 0 then 'failed' when 7 then 'pending' else 'success' end
    ::public.payment_status,
  at, at
from generate_series(1, 6) as day,
  generate_series(1, 3) as m,
  generate_series(1, 6) as n,
  lateral (
    select '2026-01-28T04:30:00Z'::timestamptz
      + make_interval(days => day - 1, hours => n, mins => (m * 17 + n * 5) % 60)
  ) as t (at)
order by at, m;
