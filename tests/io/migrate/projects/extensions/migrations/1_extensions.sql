create extension if not exists "uuid-ossp";
create extension if not exists pgcrypto;
create extension if not exists vector with schema extensions;
create extension if not exists pg_trgm with schema "extensions" version "1.6";
CREATE EXTENSION IF NOT EXISTS citext SCHEMA extensions;
create extension unaccent;
create extension moddatetime schema extensions;
create extension btree_gin;
create extension if not exists pg_stat_statements with schema extensions;
create extension if not exists http with schema extensions;
create extension if not exists "pg_graphql" with schema "graphql";
create extension if not exists "supabase_vault" with schema "vault";
create extension if not exists pgsodium;
create extension hypopg; create extension index_advisor cascade;
create extension if not exists plpgsql_check;
create extension if not exists pgaudit with schema extensions;
create extension if not exists pg_tle;
create extension if not exists pgtap with schema extensions;
create extension if not exists pg_jsonschema with schema extensions;
create extension if not exists postgis with schema extensions;
create extension if not exists pgjwt with schema extensions;
drop extension if exists pg_net;
create extension pg_net with schema extensions;
comment on extension pg_net is 'Async HTTP';
create table documents (
  id uuid primary key default uuid_generate_v4(),
  title citext, body text, embedding vector(3), updated_at timestamptz);
create index on documents using ivfflat (embedding vector_cosine_ops) with (lists = 10);
create index on documents using gin (body gin_trgm_ops);
create trigger handle_updated_at before update on documents
  for each row execute procedure moddatetime (updated_at);
