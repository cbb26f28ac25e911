-- One-time tokens and the state of PKCE flows. Only hashes of codes are stored.

-- name: put_one_time_token
-- Replaces the token of a kind: $1 id, $2 user, $3 kind, $4 hash, $5 what it relates to, $6 now.
insert into auth.one_time_tokens
  (id, user_id, token_type, token_hash, relates_to, created_at, updated_at)
values ($1::uuid, $2::uuid, $3::auth.one_time_token_type, $4, lower($5),
  $6::timestamptz at time zone 'UTC', $6::timestamptz at time zone 'UTC')
on conflict (user_id, token_type) do update
set id = excluded.id, token_hash = excluded.token_hash, relates_to = excluded.relates_to,
  created_at = excluded.created_at, updated_at = excluded.updated_at;

-- name: clear_one_time_tokens
-- All of user $1.
delete from auth.one_time_tokens where user_id = $1::uuid;

-- name: clear_one_time_token
-- That of user $1 and kind $2.
delete from auth.one_time_tokens
where user_id = $1::uuid and token_type = $2::auth.one_time_token_type;

-- name: user_by_one_time_token
-- The user, locked, with a token of one of the kinds $2 whose hash is one of $1; and its kind.
select {user}, o.token_type from auth.one_time_tokens o join auth.users u on u.id = o.user_id
where o.token_hash = any ($1::text[])
  and o.token_type = any ($2::auth.one_time_token_type[])
order by o.token_type desc limit 1
for update of u;

-- name: insert_flow_state
-- $1 id, $2 user, $3 code, $4 challenge method, $5 challenge, $6 provider type,
-- $7 authentication method, $8 now.
insert into auth.flow_state (
  id, user_id, auth_code, code_challenge_method, code_challenge, provider_type,
  authentication_method, provider_access_token, provider_refresh_token, created_at, updated_at
) values (
  $1::uuid, $2::uuid, $3, $4::auth.code_challenge_method, $5, $6, $7, '', '',
  $8::timestamptz, $8::timestamptz
);

-- name: issue_code
-- Marks the code of the newest flow of user $1 and method $2 as issued at $3, and answers it.
update auth.flow_state set auth_code_issued_at = $3::timestamptz, updated_at = $3::timestamptz
where id = (
  select f.id from auth.flow_state f
  where f.user_id = $1::uuid and f.authentication_method = $2 and f.code_challenge is not null
  order by f.created_at desc limit 1
)
returning auth_code;

-- name: flow_by_code
-- $1 code; the row is locked, so that a code is exchanged once.
select row_to_json(f) from auth.flow_state f where f.auth_code = $1 for update;

-- name: delete_flow
-- $1 id.
delete from auth.flow_state where id = $1::uuid;
