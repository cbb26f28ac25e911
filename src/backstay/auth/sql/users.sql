-- Users and identities. `{user}` stands for the JSON of the row `u` with its identities, factors
-- and profile (statements.py). Parameters are text; times are RFC 3339.

-- name: user_by_email
-- $1 address in lower case, $2 audience.
select {user} from auth.users u
where u.instance_id = '00000000-0000-0000-0000-000000000000'
  and lower(u.email) = $1 and u.aud = $2 and not u.is_sso_user
order by u.id limit 1;

-- name: user_by_phone
-- $1 number without plus, $2 audience.
select {user} from auth.users u
where u.instance_id = '00000000-0000-0000-0000-000000000000'
  and u.phone = $1 and u.aud = $2 and not u.is_sso_user
order by u.id limit 1;

-- name: user_by_login
-- $1 the name in the profile table's login column, $2 audience.
select {user} from auth.users u
where u.instance_id = '00000000-0000-0000-0000-000000000000'
  and u.id = ({login}) and u.aud = $2 and not u.is_sso_user
order by u.id limit 1;

-- name: user_by_id
-- $1 id.
select {user} from auth.users u
where u.instance_id = '00000000-0000-0000-0000-000000000000' and u.id = $1::uuid;

-- name: user_by_email_or_identity
-- Who has the address $1, by account or by a linked identity; $2 audience, $3 the id of a user
-- whose own identities do not count, or null.
select {user} from auth.users u
where u.instance_id = '00000000-0000-0000-0000-000000000000' and u.aud = $2
  and (
    u.id in (
      select i.user_id from auth.identities i
      where i.email = $1 and i.provider not like 'sso:%' and i.user_id is distinct from $3::uuid
    )
    or (lower(u.email) = $1 and not u.is_sso_user)
  )
order by u.id limit 1;

-- name: caller
-- The user $1 and the session $2 (or null) a token speaks for, in one row.
select
  (select {user} from auth.users u
    where u.instance_id = '00000000-0000-0000-0000-000000000000' and u.id = $1::uuid),
  (select {session} from auth.sessions s where s.id = $2::uuid);

-- name: insert_user
-- $1 id, $2 audience, $3 role, $4 address or null, $5 phone or null, $6 password hash,
-- $7 app metadata, $8 user metadata, $9 anonymous, $10 now.
insert into auth.users (
  instance_id, id, aud, role, email, phone, encrypted_password, raw_app_meta_data,
  raw_user_meta_data, is_anonymous, created_at, updated_at, confirmation_token, recovery_token,
  email_change_token_new, email_change_token_current, email_change, email_change_confirm_status,
  phone_change, phone_change_token, reauthentication_token, is_sso_user
) values (
  '00000000-0000-0000-0000-000000000000', $1::uuid, $2, $3, $4, $5, $6, $7::jsonb,
  $8::jsonb, $9::boolean, $10::timestamptz, $10::timestamptz, '', '', '', '', '', 0, '', '', '',
  false
);

-- name: insert_identity
-- $1 id, $2 user, $3 provider, $4 the provider's id for the user, $5 data, $6 now.
insert into auth.identities (
  id, user_id, provider, provider_id, identity_data, last_sign_in_at, created_at, updated_at
) values (
  $1::uuid, $2::uuid, $3, $4, $5::jsonb, $6::timestamptz, $6::timestamptz, $6::timestamptz
);

-- name: merge_identity
-- Members $4 into the data of the identity of user $1 with provider $2; $3 now.
update auth.identities
set identity_data = identity_data || $4::jsonb, updated_at = $3::timestamptz
where user_id = $1::uuid and provider = $2 and provider_id = $1::uuid::text;

-- name: derive_providers
-- app_metadata.provider and .providers of user $1 from its identities, oldest first; $2 now.
update auth.users u
set updated_at = $2::timestamptz,
  raw_app_meta_data = coalesce(u.raw_app_meta_data, '{}')
    || jsonb_build_object('providers', coalesce(p.names, '[]'))
    || case when p.names is null then '{}' else jsonb_build_object('provider', p.names -> 0) end
from (
  select jsonb_agg(o.provider order by o.since, o.provider) as names
  from (
    select i.provider, min(i.created_at) as since
    from auth.identities i where i.user_id = $1::uuid group by i.provider
  ) o
) p
where u.id = $1::uuid;

-- name: delete_user
-- $1 id.
delete from auth.users where id = $1::uuid;

-- name: soft_delete_identities
-- Empties the identities of user $1; the provider's ids become hashes no one can sign in with.
update auth.identities
set identity_data = '{}', provider_id = rtrim(translate(encode(
  sha256(convert_to(user_id::text || provider || ':' || provider_id, 'UTF8')), 'base64'
), '+/', '-_'), '=')
where user_id = $1::uuid;

-- name: delete_factors
-- Second factors and passkeys of user $1.
with passkeys as (delete from auth.webauthn_credentials where user_id = $1::uuid)
delete from auth.mfa_factors where user_id = $1::uuid;

-- name: count_users
-- $1 audience, $2 pattern for the address or full name, or null.
select count(*) from auth.users u
where u.instance_id = '00000000-0000-0000-0000-000000000000' and u.aud = $1
  and ($2::text is null or u.email like $2 or u.raw_user_meta_data ->> 'full_name' ilike $2);

-- name: list_users_descending
-- One page: $1 audience, $2 pattern or null, $3 limit, $4 offset. Newest first.
select json_build_object('row', row_to_json(u)) from auth.users u
where u.instance_id = '00000000-0000-0000-0000-000000000000' and u.aud = $1
  and ($2::text is null or u.email like $2 or u.raw_user_meta_data ->> 'full_name' ilike $2)
order by u.created_at desc, u.id limit $3::bigint offset $4::bigint;

-- name: list_users_ascending
-- As list_users_descending, oldest first.
select json_build_object('row', row_to_json(u)) from auth.users u
where u.instance_id = '00000000-0000-0000-0000-000000000000' and u.aud = $1
  and ($2::text is null or u.email like $2 or u.raw_user_meta_data ->> 'full_name' ilike $2)
order by u.created_at, u.id limit $3::bigint offset $4::bigint;

-- name: audit
-- $1 id, $2 payload, $3 now.
insert into auth.audit_log_entries (instance_id, id, payload, created_at, ip_address)
values ('00000000-0000-0000-0000-000000000000', $1::uuid, $2::json, $3::timestamptz, '');
