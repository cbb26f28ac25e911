-- What migrations mention of pgsodium. Its cryptography is not available: supabase_vault keeps
-- secrets, pgcrypto encrypts. https://supabase.com/docs/guides/database/extensions/pgsodium

do $schema$
begin
  if to_regnamespace('pgsodium') is null then
    create schema pgsodium;
  end if;
end
$schema$;
create type pgsodium.key_status as enum ('default', 'valid', 'invalid', 'expired');
create type pgsodium.key_type as enum ('aead-ietf', 'aead-det', 'hmacsha512', 'hmacsha256', 'auth',
  'shorthash', 'generichash', 'kdf', 'secretbox', 'secretstream', 'stream_xchacha20');
create table pgsodium.key (
  id uuid primary key default gen_random_uuid(),
  status pgsodium.key_status default 'valid',
  created timestamptz not null default current_timestamp,
  expires timestamptz,
  key_type pgsodium.key_type,
  key_id bigint generated always as identity,
  key_context bytea default '\x7067736f6469756d',
  name text unique,
  associated_data text default 'associated',
  comment text
);
create view pgsodium.valid_key as
  select id, name, status, key_type, key_id, key_context, created, expires, associated_data
    from pgsodium.key where status in ('valid', 'default') and (expires is null or expires > now());

create function pgsodium.create_key(
  key_type pgsodium.key_type default 'aead-det', name text default null,
  expires timestamptz default null, associated_data text default '')
returns pgsodium.valid_key language sql as $body$
  with made as (
    insert into pgsodium.key (key_type, name, expires, associated_data)
    values (key_type, name, expires, associated_data) returning *)
  select id, name, status, key_type, key_id, key_context, created, expires, associated_data from made
$body$;

create function pgsodium._unavailable() returns bytea language plpgsql as $body$
begin
  raise exception 'pgsodium is a stand-in here: its cryptography is not available'
    using errcode = 'feature_not_supported', hint = 'Use vault.create_secret, or pgp_sym_encrypt of pgcrypto.';
end
$body$;
create function pgsodium.crypto_aead_det_encrypt(message bytea, additional bytea, key_uuid uuid, nonce bytea default null)
returns bytea language sql as $body$ select pgsodium._unavailable() $body$;
create function pgsodium.crypto_aead_det_decrypt(ciphertext bytea, additional bytea, key_uuid uuid, nonce bytea default null)
returns bytea language sql as $body$ select pgsodium._unavailable() $body$;
create function pgsodium.crypto_aead_det_keygen() returns bytea language sql as $body$ select pgsodium._unavailable() $body$;
create function pgsodium.crypto_aead_det_noncegen() returns bytea language sql as $body$ select pgsodium._unavailable() $body$;
create function pgsodium.crypto_secretbox(message bytea, nonce bytea, key bytea)
returns bytea language sql as $body$ select pgsodium._unavailable() $body$;
create function pgsodium.crypto_secretbox_open(ciphertext bytea, nonce bytea, key bytea)
returns bytea language sql as $body$ select pgsodium._unavailable() $body$;
create function pgsodium.randombytes_buf(size integer) returns bytea language sql as $body$ select pgsodium._unavailable() $body$;
revoke all on all functions in schema pgsodium from public;
do $rights$
begin
  if to_regrole('postgres') is not null then
    grant usage on schema pgsodium to postgres with grant option;
    grant all on all functions in schema pgsodium to postgres with grant option;
    grant all on all tables in schema pgsodium to postgres with grant option;
  end if;
end
$rights$;
