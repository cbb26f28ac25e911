-- The search path the dump emptied is back.
alter table items add column note text default gen_random_uuid()::text;
