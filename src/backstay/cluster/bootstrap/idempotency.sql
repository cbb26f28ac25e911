-- The replies to writes with an Idempotency-Key, for the REST service to give once more. It reads and
-- writes them as the role it logs in with; no role that a token can name sees them.
create schema if not exists _backstay;
create table if not exists _backstay.idempotency_keys (
  caller bytea not null,
  key text not null,
  request bytea not null,
  status integer,
  headers json,
  body bytea,
  expires_at timestamptz not null,
  constraint idempotency_keys_pkey primary key (caller, key)
);
create index if not exists idempotency_keys_expires_at on _backstay.idempotency_keys (expires_at);
revoke all on schema _backstay from public;
revoke all on table _backstay.idempotency_keys from public, anon, authenticated, service_role;
grant usage on schema _backstay to authenticator;
grant select, insert, update, delete on table _backstay.idempotency_keys to authenticator;
