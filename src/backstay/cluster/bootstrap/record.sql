-- Which text of these files the database holds, so that the next start need not run them again.
create schema if not exists _backstay;
create table if not exists _backstay.bootstrap (
  only_row boolean primary key default true check (only_row),
  fingerprint text not null,
  applied_at timestamptz not null default now()
);
