-- Secrets encrypted with a key that is a file beside the database, not a row in it: a dump holds
-- ciphertext only. The objects are in schema vault whichever schema is asked for.
-- https://supabase.com/docs/guides/database/vault

do $schema$
begin
  if to_regnamespace('vault') is null then
    create schema vault;
  end if;
end
$schema$;

create table vault.secrets (
  id uuid primary key default gen_random_uuid(),
  name text,
  description text not null default '',
  secret text not null,
  key_id uuid,
  nonce bytea,
  created_at timestamptz not null default current_timestamp,
  updated_at timestamptz not null default current_timestamp
);
create unique index secrets_name_idx on vault.secrets (name) where name is not null;
alter table vault.secrets enable row level security;
comment on table vault.secrets is 'Encrypted secrets; vault.decrypted_secrets shows them.';
comment on column vault.secrets.nonce is 'Set once the secret is encrypted; without it the row is plain text to encrypt.';

-- The key is 48 random bytes in a file of the data directory, which only the server's user can enter.
-- Made with the first secret, so that copies of an empty database do not share it.
create function vault._key(make boolean) returns text security definer set search_path = ''
language plpgsql as $body$
declare
  file constant text := 'backstay_vault.key';
begin
  if make and (pg_stat_file(file, missing_ok => true)).size is null then
    -- One maker: a key written over another would lose what the other encrypted.
    perform pg_advisory_xact_lock(hashtext(file));
    if (pg_stat_file(file, missing_ok => true)).size is null then
      execute format('copy (select %L) to %L',
        encode(@extschema:pgcrypto@.gen_random_bytes(48), 'hex'),
        current_setting('data_directory') || '/' || file);
    end if;
  end if;
  return btrim(pg_read_file(file), E' \n');
exception when undefined_file or insufficient_privilege then
  raise exception 'the vault has no key' using errcode = 'config_file_error', detail = sqlerrm,
    hint = 'The file backstay_vault.key belongs into the data directory; a copy of the database needs a copy of it.';
end
$body$;

create function vault._encrypt(message text) returns text language sql as $body$
  select translate(encode(@extschema:pgcrypto@.pgp_sym_encrypt(
    message, vault._key(true), 'cipher-algo=aes256, s2k-mode=1, compress-algo=0'), 'base64'), E'\n', '')
$body$;

create function vault._decrypt(message text) returns text security definer
set search_path = '' language sql as $body$
  select @extschema:pgcrypto@.pgp_sym_decrypt(decode(message, 'base64'), vault._key(false))
$body$;
revoke all on function vault._key(boolean), vault._encrypt(text), vault._decrypt(text) from public;

create function vault._encrypt_secret() returns trigger security definer set search_path = ''
language plpgsql as $body$
begin
  if tg_op = 'UPDATE' then
    new.updated_at := current_timestamp;
    if new.secret is not distinct from old.secret then
      return new;
    end if;
  elsif new.nonce is not null then
    return new; -- restored from a dump
  end if;
  new.secret := vault._encrypt(new.secret);
  new.nonce := @extschema:pgcrypto@.gen_random_bytes(16);
  return new;
end
$body$;
revoke all on function vault._encrypt_secret() from public;
create trigger encrypt_secret before insert or update on vault.secrets
  for each row execute function vault._encrypt_secret();

create view vault.decrypted_secrets as
  select s.id, s.name, s.description, s.secret, vault._decrypt(s.secret) as decrypted_secret,
         s.key_id, s.nonce, s.created_at, s.updated_at
    from vault.secrets as s;

create function vault.create_secret(
  new_secret text, new_name text default null, new_description text default '',
  new_key_id uuid default null)
returns uuid security definer set search_path = '' language sql as $body$
  insert into vault.secrets (secret, name, description, key_id)
  values (new_secret, new_name, coalesce(new_description, ''), new_key_id) returning id
$body$;

create function vault.update_secret(
  secret_id uuid, new_secret text default null, new_name text default null,
  new_description text default null, new_key_id uuid default null)
returns void security definer set search_path = '' language sql as $body$
  update vault.secrets as s
     set secret = coalesce(new_secret, s.secret), name = coalesce(new_name, s.name),
         description = coalesce(new_description, s.description),
         key_id = coalesce(new_key_id, s.key_id)
   where s.id = secret_id
$body$;
revoke all on function vault.create_secret(text, text, text, uuid),
  vault.update_secret(uuid, text, text, text, uuid) from public;

-- Reading the key takes a superuser; whoever installs this lends its functions one.
do $rights$
declare
  owned record;
begin
  if to_regrole('supabase_admin') is not null and current_setting('is_superuser') = 'on' then
    for owned in select p.oid::regprocedure as name from pg_proc as p
                  where p.pronamespace = 'vault'::regnamespace loop
      execute format('alter function %s owner to supabase_admin', owned.name);
    end loop;
    alter table vault.secrets owner to supabase_admin;
    alter view vault.decrypted_secrets owner to supabase_admin;
    grant usage on schema vault to supabase_admin;
  end if;
  if to_regrole('postgres') is not null and to_regrole('service_role') is not null then
    grant usage on schema vault to postgres, service_role;
    grant select, insert, update, delete on table vault.secrets to postgres with grant option;
    grant select, delete on table vault.decrypted_secrets to postgres with grant option;
    grant select, delete on table vault.secrets, vault.decrypted_secrets to service_role;
    grant execute on function vault._decrypt(text),
      vault.create_secret(text, text, text, uuid),
      vault.update_secret(uuid, text, text, text, uuid) to postgres with grant option;
    grant execute on function vault._decrypt(text),
      vault.create_secret(text, text, text, uuid),
      vault.update_secret(uuid, text, text, text, uuid) to service_role;
  end if;
end
$rights$;
select pg_catalog.pg_extension_config_dump('vault.secrets', '');
