-- Sessions and refresh tokens. Whoever locks, locks the session before its tokens.

-- name: issue_session
-- A session with its first refresh token: $1 session, $2 user, $3 now, $4 user agent or null,
-- $5 address or null, $6 refresh token, $7 method, $8 id of the method's row.
-- Answers the user, or no row when the user is gone.
with account as (
  update auth.users set last_sign_in_at = $3::timestamptz, updated_at = $3::timestamptz
  where id = $2::uuid returning *
), opened as (
  insert into auth.sessions (id, user_id, created_at, updated_at, aal, user_agent, ip)
  select $1::uuid, a.id, $3::timestamptz, $3::timestamptz, 'aal1', $4, $5::inet from account a
), claimed as (
  insert into auth.mfa_amr_claims (id, session_id, created_at, updated_at, authentication_method)
  select $8::uuid, $1::uuid, $3::timestamptz, $3::timestamptz, $7 from account
), token as (
  insert into auth.refresh_tokens
    (instance_id, user_id, token, parent, revoked, created_at, updated_at, session_id)
  select '00000000-0000-0000-0000-000000000000', a.id, $6, '', false,
    $3::timestamptz, $3::timestamptz, $1::uuid
  from account a
)
select {user} from account u;

-- name: rotate
-- The ordinary refresh in one statement: spends $1, issues $2, at $3. $4 user agent, $5 address;
-- $6 and $7: sessions created, or last refreshed, before are over; $8 and $9 ids of audit rows.
-- No row: the token is unknown, spent, being refreshed by someone else, its session over or its
-- user banned, which `lock_token` and `read_token` then tell apart.
with session as (
  select s.* from auth.sessions s
  where s.id = (select t.session_id from auth.refresh_tokens t where t.token = $1)
  for update skip locked
), account as (
  select u.* from auth.users u join session s on s.user_id = u.id
  where u.banned_until is null or u.banned_until <= $3::timestamptz
), spent as (
  update auth.refresh_tokens t set revoked = true, updated_at = $3::timestamptz
  from session s, account a
  where t.token = $1 and not t.revoked and t.session_id = s.id and s.oauth_client_id is null
    and (s.not_after is null or s.not_after >= $3::timestamptz)
    and s.created_at >= $6::timestamptz
    and coalesce(s.refreshed_at at time zone 'UTC', greatest(t.updated_at, s.created_at))
      >= $7::timestamptz
  returning t.session_id, t.user_id
), issued as (
  insert into auth.refresh_tokens
    (instance_id, user_id, token, parent, revoked, created_at, updated_at, session_id)
  select '00000000-0000-0000-0000-000000000000', user_id, $2, $1, false,
    $3::timestamptz, $3::timestamptz, session_id
  from spent
), touched as (
  update auth.sessions s
  set refreshed_at = $3::timestamptz at time zone 'UTC', updated_at = $3::timestamptz,
    user_agent = $4, ip = $5::inet
  from spent where s.id = spent.session_id
), seen as (
  update auth.users u set updated_at = $3::timestamptz
  from account a, spent where u.id = a.id
  returning u.*
), audited as (
  insert into auth.audit_log_entries (instance_id, id, payload, created_at, ip_address)
  select '00000000-0000-0000-0000-000000000000', e.id,
    jsonb_strip_nulls(jsonb_build_object(
      'action', e.action, 'log_type', 'token', 'actor_id', u.id, 'actor_via_sso', u.is_sso_user,
      'actor_username', coalesce(nullif(u.phone, ''), u.email, ''),
      'actor_name', u.raw_user_meta_data -> 'full_name'
    )),
    $3::timestamptz, ''
  from seen u, (values ($8::uuid, 'token_refreshed'), ($9::uuid, 'token_revoked')) e (id, action)
)
select {user}, (select {session} from session s) from seen u;

-- name: lock_token
-- Locks the session of token $1, then the token; no row when someone else holds either.
with session as (
  select s.id from auth.sessions s
  where s.id = (select t.session_id from auth.refresh_tokens t where t.token = $1)
  for update skip locked
)
select t.id from auth.refresh_tokens t, session s
where t.token = $1 and t.session_id = s.id
for update of t skip locked;

-- name: read_token
-- Token $1, its user, its session and the session's active token, as they are now.
select
  row_to_json(t),
  (select {user} from auth.users u
    where u.instance_id = '00000000-0000-0000-0000-000000000000' and u.id = t.user_id::uuid),
  (select {session} from auth.sessions s where s.id = t.session_id),
  (select row_to_json(a) from auth.refresh_tokens a
    where a.session_id = t.session_id and not a.revoked order by a.id desc limit 1)
from auth.refresh_tokens t where t.token = $1;

-- name: spend_token
-- Revokes $1 at $2.
update auth.refresh_tokens set revoked = true, updated_at = $2::timestamptz where token = $1;

-- name: insert_token
-- $1 token, $2 parent, $3 user, $4 session, $5 now.
insert into auth.refresh_tokens
  (instance_id, user_id, token, parent, revoked, created_at, updated_at, session_id)
values ('00000000-0000-0000-0000-000000000000', $3, $1, $2, false,
  $5::timestamptz, $5::timestamptz, $4::uuid);

-- name: delete_token
-- A token without a session is of no use: $1.
delete from auth.refresh_tokens where token = $1 and session_id is null;

-- name: revoke_family
-- Every token of session $1 at $2.
update auth.refresh_tokens set revoked = true, updated_at = $2::timestamptz
where session_id = $1::uuid and not revoked;

-- name: touch_session
-- $1 session, $2 now, $3 user agent or null, $4 address or null.
update auth.sessions
set refreshed_at = $2::timestamptz at time zone 'UTC', updated_at = $2::timestamptz,
  user_agent = $3, ip = $4::inet
where id = $1::uuid;

-- name: end_all_sessions
-- Of user $1; refresh tokens go with them.
delete from auth.sessions where user_id = $1::uuid;

-- name: end_session
-- $1 session.
delete from auth.sessions where id = $1::uuid;

-- name: end_other_sessions
-- Of user $1, all but $2.
delete from auth.sessions where user_id = $1::uuid and id <> $2::uuid;
