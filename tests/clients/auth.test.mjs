// Rule of this file: the flows of supabase-js's auth client, against a running project whose
// sign-ups are open and confirmed at once, as the Supabase CLI's default has it.
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { anonKey, anonymous, service, url } from './support.mjs'

let count = 0
const address = () => `js-${process.pid}-${Date.now()}-${++count}@example.com`
const password = 'correct horse'

async function signedUp() {
  const client = anonymous()
  const email = address()
  const { data, error } = await client.auth.signUp({ email, password, options: { data: { name: 'Ada' } } })
  assert.equal(error, null)
  return { client, email, ...data }
}

test('signUp opens a session at once and keeps the metadata', async () => {
  const { session, user, email } = await signedUp()
  assert.equal(user.email, email)
  assert.equal(user.user_metadata.name, 'Ada')
  assert.equal(user.app_metadata.provider, 'email')
  assert.equal(user.identities.length, 1)
  assert.equal(session.token_type, 'bearer')
  assert.equal(session.expires_in, 3600)
})

test('signUp twice is refused', async () => {
  const { email } = await signedUp()
  const { error } = await anonymous().auth.signUp({ email, password })
  assert.equal(error.code, 'user_already_exists')
  assert.equal(error.status, 422)
})

test('signUp with a short password names the reason', async () => {
  const { error } = await anonymous().auth.signUp({ email: address(), password: 'abc' })
  assert.equal(error.name, 'AuthWeakPasswordError')
  assert.deepEqual(error.reasons, ['length'])
})

test('signInWithPassword, and its one answer to every wrong pair', async () => {
  const { email } = await signedUp()
  const client = anonymous()
  assert.equal((await client.auth.signInWithPassword({ email, password })).error, null)
  for (const wrong of [{ email, password: 'wrong' }, { email: address(), password }]) {
    const { error } = await anonymous().auth.signInWithPassword(wrong)
    assert.equal(error.code, 'invalid_credentials')
    assert.equal(error.status, 400)
  }
})

test('getUser, getClaims through the published keys', async () => {
  const { client, user } = await signedUp()
  assert.equal((await client.auth.getUser()).data.user.id, user.id)
  const { data, error } = await client.auth.getClaims()
  assert.equal(error, null)
  assert.equal(data.claims.sub, user.id)
  assert.equal(data.claims.role, 'authenticated')
  assert.equal(data.header.alg, 'ES256')
  const jwks = await (await fetch(`${url}/auth/v1/.well-known/jwks.json`)).json()
  assert.ok(jwks.keys.some((key) => key.kid === data.header.kid && !('d' in key)))
})

test('refreshSession rotates; the old token is tolerated once, then a stranger', async () => {
  const { client, session } = await signedUp()
  const { data, error } = await client.auth.refreshSession()
  assert.equal(error, null)
  assert.notEqual(data.session.refresh_token, session.refresh_token)
  const again = await anonymous().auth.refreshSession({ refresh_token: session.refresh_token })
  assert.equal(again.error, null)
  assert.equal(again.data.session.refresh_token, data.session.refresh_token)
  const { error: unknown } = await anonymous().auth.refreshSession({ refresh_token: 'aaaaaaaaaaaa' })
  assert.equal(unknown.code, 'refresh_token_not_found')
})

test('updateUser merges data and changes the password', async () => {
  const { client, email } = await signedUp()
  const { data, error } = await client.auth.updateUser({ data: { age: 36 }, password: 'another horse' })
  assert.equal(error, null)
  assert.deepEqual({ name: data.user.user_metadata.name, age: data.user.user_metadata.age }, { name: 'Ada', age: 36 })
  assert.equal((await anonymous().auth.signInWithPassword({ email, password })).error.code, 'invalid_credentials')
  assert.equal((await anonymous().auth.signInWithPassword({ email, password: 'another horse' })).error, null)
  assert.equal((await client.auth.updateUser({ password: 'another horse' })).error.code, 'same_password')
})

test('signOut by scope', async () => {
  const { client, email } = await signedUp()
  const other = anonymous()
  await other.auth.signInWithPassword({ email, password })
  assert.equal((await client.auth.signOut({ scope: 'others' })).error, null)
  assert.equal((await other.auth.getUser()).error.name, 'AuthSessionMissingError')
  assert.equal((await client.auth.getUser()).error, null)
  const token = (await client.auth.getSession()).data.session.access_token
  assert.equal((await client.auth.signOut()).error, null)
  const after = await fetch(`${url}/auth/v1/user`, { headers: { apikey: anonKey, Authorization: `Bearer ${token}` } })
  assert.equal(after.status, 403)
  assert.equal((await after.json()).error_code, 'session_not_found')
})

test('signInAnonymously is refused unless the project allows it', async () => {
  const { error } = await anonymous().auth.signInAnonymously()
  assert.equal(error.code, 'anonymous_provider_disabled')
})

test('admin: create, list, get, update, ban, delete', async () => {
  const admin = service().auth.admin
  const email = address()
  const { data: created, error } = await admin.createUser({ email, password, email_confirm: true })
  assert.equal(error, null)
  const id = created.user.id
  assert.equal((await admin.getUserById(id)).data.user.email, email)
  const listed = await admin.listUsers({ page: 1, perPage: 1 })
  assert.equal(listed.data.users.length, 1)
  assert.ok(listed.data.total >= 1)
  const updated = await admin.updateUserById(id, { app_metadata: { plan: 'pro' }, ban_duration: '1h' })
  assert.equal(updated.data.user.app_metadata.plan, 'pro')
  assert.equal((await anonymous().auth.signInWithPassword({ email, password })).error.code, 'user_banned')
  await admin.updateUserById(id, { ban_duration: 'none' })
  assert.equal((await anonymous().auth.signInWithPassword({ email, password })).error, null)
  assert.equal((await admin.deleteUser(id)).error, null)
  assert.equal((await admin.getUserById(id)).error.code, 'user_not_found')
})

test('admin endpoints refuse everybody else', async () => {
  const { client } = await signedUp()
  const { error } = await client.auth.admin.listUsers()
  assert.equal(error.code, 'not_admin')
  assert.equal(error.status, 403)
})
