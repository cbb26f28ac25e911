-- What has been applied to this database, where the Supabase CLI keeps it.
create table if not exists supabase_migrations.schema_migrations (
  version text not null constraint schema_migrations_pkey primary key,
  statements text[],
  name text
);
create table if not exists supabase_migrations.seed_files (
  path text not null constraint seed_files_pkey primary key,
  hash text not null
);
alter table supabase_migrations.schema_migrations owner to postgres;
alter table supabase_migrations.seed_files owner to postgres;
