-- name: claim
-- Make the key this request's, unless it is somebody's; waits for a transaction that has it in hand.
insert into _backstay.idempotency_keys as kept (caller, key, request, expires_at)
values ($1::bytea, $2::text, $3::bytea, $4::timestamptz)
on conflict (caller, key) do update
  set request = excluded.request, expires_at = excluded.expires_at,
      status = null, headers = null, body = null
  where kept.expires_at <= $5::timestamptz

-- name: find
-- What is known of the key: whether it was this request, and the reply, if there is one yet.
select request = $3::bytea, status, headers::text, body
from _backstay.idempotency_keys where caller = $1::bytea and key = $2::text

-- name: keep
-- The reply, in the transaction that it tells of.
update _backstay.idempotency_keys
set status = $3::integer, headers = $4::json, body = $5::bytea
where caller = $1::bytea and key = $2::text

-- name: sweep
-- Some of what has expired; what others are sweeping is left to them.
delete from _backstay.idempotency_keys as kept using (
  select caller, key from _backstay.idempotency_keys
  where expires_at <= $1::timestamptz order by expires_at limit 20 for update skip locked
) as expired
where kept.caller = expired.caller and kept.key = expired.key
