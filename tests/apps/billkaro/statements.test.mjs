// Rule of this file: one test per statement of the BillKaro document, named after its id, through
// supabase-js or plain fetch as the document's own examples do. Rows a test makes it also removes.
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { anonKey, anonymous, bearing, call, service, url } from '../../clients/support.mjs'

const login = async (username, password = `${username}123`) =>
  call('POST', '/auth/v1/token?grant_type=password', { body: { username, password } })

const tokens = {}
const admin = service()
const made = { services: [], payments: [], machines: [] }
let bills = 0
const bill = () => `T${process.pid}-${Date.now()}-${++bills}`

before(async () => {
  for (const name of ['admin', 'manager', 'operator']) {
    const reply = await login(name)
    assert.equal(reply.status, 200, reply.text)
    tokens[name] = reply.body.access_token
  }
})

after(async () => {
  for (const [table, ids] of Object.entries(made)) {
    if (ids.length) await admin.from(table).delete().in('id', ids)
  }
})

const rest = (method, path, as = 'admin', options = {}) =>
  call(method, `/rest/v1${path}`, { token: tokens[as], ...options })

const pay = async (as = 'operator', values = {}) => {
  const reply = await rest('POST', '/payments', as, {
    body: { machine_id: 'mach_001', bill_number: bill(), amount: 177.0, method: 'Cash', status: 'success', ...values },
  })
  if (reply.status === 201) made.payments.push(reply.body[0].id)
  return reply
}

const serve = async (as = 'manager', values = {}) => {
  const reply = await rest('POST', '/services', as, {
    body: { machine_id: 'mach_001', name: 'Premium Pass', price: 1000.0, status: 'active', ...values },
  })
  if (reply.status === 201) made.services.push(reply.body[0].id)
  return reply
}

test('002-01 every request carries apikey, bearer and JSON content type', async () => {
  const reply = await rest('GET', '/machines')
  assert.equal(reply.status, 200)
  assert.match(reply.headers.get('content-type'), /^application\/json/)
})

test('002-02 data under /rest/v1, auth under /auth/v1', async () => {
  assert.equal((await call('GET', '/rest/v1/machines')).status, 200)
  assert.equal((await call('GET', '/auth/v1/health')).status, 200)
  assert.equal((await call('GET', '/machines')).status, 404)
})

test('002-03 the password grant accepts username and password', async () => {
  assert.equal((await login('admin')).status, 200)
})

test('002-04 login answers token fields and the user with its username', async () => {
  const { body } = await login('admin')
  assert.equal(body.token_type, 'bearer')
  assert.equal(body.expires_in, 3600)
  assert.ok(body.access_token.split('.').length === 3)
  assert.ok(body.refresh_token.length > 0)
  assert.match(body.user.id, /^[0-9a-f-]{36}$/)
  assert.equal(body.user.email, 'admin@billkaro.example')
  assert.equal(body.user.username, 'admin')
})

test('002-05 a bad login is 400 invalid_grant, for wrong passwords and unknown names alike', async () => {
  for (const reply of [await login('admin', 'wrong'), await login('nobody', 'admin123')]) {
    assert.equal(reply.status, 400)
    assert.equal(reply.body.error, 'invalid_grant')
    assert.equal(reply.body.error_description, 'Invalid login credentials')
    assert.equal(reply.body.error_code, 'invalid_credentials')
  }
})

test('002-06 logout answers 204 without content', async () => {
  const { body } = await login('operator')
  const reply = await call('POST', '/auth/v1/logout', { token: body.access_token })
  assert.equal(reply.status, 204)
  assert.equal(reply.text, '')
  const after = await call('GET', '/auth/v1/user', { token: body.access_token })
  assert.equal(after.status, 403)
})

test('002-07 the current user carries username, role and is_active at the top', async () => {
  const { status, body } = await call('GET', '/auth/v1/user', { token: tokens.admin })
  assert.equal(status, 200)
  assert.equal(body.username, 'admin')
  assert.equal(body.role, 'admin')
  assert.equal(body.is_active, 'true')
  assert.equal(body.email, 'admin@billkaro.example')
  assert.ok(!Number.isNaN(Date.parse(body.created_at)) && !Number.isNaN(Date.parse(body.updated_at)))
})

test('002-08 machines list with select and order', async () => {
  const { data, error, status } = await bearing(tokens.operator).from('machines').select('*').order('name')
  assert.equal(error, null)
  assert.equal(status, 200)
  const names = data.map((machine) => machine.name)
  assert.deepEqual(names, [...names].sort())
  assert.ok(names.includes('Main Entrance POS'))
  const some = await rest('GET', '/machines?select=id,name&order=name.asc')
  assert.deepEqual(Object.keys(some.body[0]), ['id', 'name'])
})

test('002-09 machine fields', async () => {
  const { body } = await rest('GET', '/machines?id=eq.mach_001')
  assert.deepEqual(Object.keys(body[0]).sort(), [
    'created_at', 'id', 'last_sync', 'location', 'name', 'offline_collection', 'online_collection', 'status', 'updated_at',
  ])
  assert.ok((await rest('GET', '/machines?id=eq.mach_001')).text.includes('"online_collection":12500.00'))
})

test('002-10 a machine by id is an array of one', async () => {
  const { status, body } = await rest('GET', '/machines?id=eq.mach_002')
  assert.equal(status, 200)
  assert.equal(body.length, 1)
  assert.equal(body[0].name, 'Cafeteria Kiosk')
})

test('002-11 PATCH a machine answers 200 and the changed row, without a Prefer header', async () => {
  const { status, body } = await rest('PATCH', '/machines?id=eq.mach_003', 'admin', {
    body: { status: 'offline', last_sync: '2026-02-04T15:00:00Z' },
  })
  assert.equal(status, 200)
  assert.equal(body.length, 1)
  assert.equal(body[0].id, 'mach_003')
  assert.equal(body[0].status, 'offline')
  assert.equal(Date.parse(body[0].last_sync), Date.parse('2026-02-04T15:00:00Z'))
})

test('002-12 services filter by machine and status', async () => {
  const { data, error } = await bearing(tokens.operator)
    .from('services').select('*').eq('machine_id', 'mach_001').eq('status', 'active')
  assert.equal(error, null)
  assert.ok(data.length >= 4)
  assert.ok(data.every((row) => row.machine_id === 'mach_001' && row.status === 'active'))
})

test('002-13 service fields', async () => {
  const { body, text } = await rest('GET', '/services?id=eq.srv_001')
  assert.deepEqual(Object.keys(body[0]).sort(), [
    'created_at', 'id', 'machine_id', 'name', 'price', 'status', 'updated_at',
  ])
  assert.ok(text.includes('"price":150.00'))
})

test('002-14 POST a service answers 201 with its generated id and timestamps', async () => {
  const { status, body } = await serve()
  assert.equal(status, 201)
  assert.match(body[0].id, /^srv_\d{3,}$/)
  assert.equal(body[0].price, 1000)
  assert.ok(body[0].created_at && body[0].updated_at)
})

test('002-15 PATCH a service answers 200 with the row; updated_at is the database clock', async () => {
  const { body: [row] } = await serve()
  const { status, body } = await rest('PATCH', `/services?id=eq.${row.id}`, 'manager', {
    body: { status: 'inactive', updated_at: '2001-01-01T00:00:00Z' },
  })
  assert.equal(status, 200)
  assert.equal(body[0].status, 'inactive')
  assert.ok(Date.parse(body[0].updated_at) > Date.parse('2020-01-01T00:00:00Z'))
})

test('002-16 DELETE a service answers 204', async () => {
  const { body: [row] } = await serve()
  const reply = await rest('DELETE', `/services?id=eq.${row.id}`, 'manager')
  assert.equal(reply.status, 204)
  assert.equal(reply.text, '')
  assert.deepEqual((await rest('GET', `/services?id=eq.${row.id}`)).body, [])
})

test('002-17 payments filter, order and limit', async () => {
  const { status, body } = await rest(
    'GET', '/payments?machine_id=eq.mach_001&method=eq.Cash&status=eq.success&order=created_at.desc&limit=50', 'operator')
  assert.equal(status, 200)
  assert.ok(body.length > 1 && body.length <= 50)
  assert.ok(body.every((row) => row.machine_id === 'mach_001' && row.method === 'Cash' && row.status === 'success'))
  const times = body.map((row) => Date.parse(row.created_at))
  assert.deepEqual(times, [...times].sort((a, b) => b - a))
})

test('002-18 payment fields', async () => {
  const { body, text } = await rest('GET', '/payments?bill_number=eq.M001-20260204-0001')
  assert.deepEqual(Object.keys(body[0]).sort(), [
    'amount', 'bill_number', 'created_at', 'id', 'machine_id', 'method', 'status', 'updated_at',
  ])
  assert.ok(text.includes('"amount":177.00'))
})

test('002-19 a date range names created_at twice and both bounds apply', async () => {
  const { body } = await rest(
    'GET', '/payments?created_at=gte.2026-02-04T00:00:00Z&created_at=lte.2026-02-04T23:59:59Z')
  assert.equal(body.length, 5)
  const { data } = await bearing(tokens.operator).from('payments').select('id')
    .gte('created_at', '2026-02-04T12:41:00Z').lte('created_at', '2026-02-04T13:15:00Z')
  assert.equal(data.length, 3)
})

test('002-20 POST a payment answers 201 with the row', async () => {
  const { data, error, status } = await bearing(tokens.operator).from('payments')
    .insert({ machine_id: 'mach_001', bill_number: bill(), amount: 225.0, method: 'UPI', status: 'success' }).select()
  assert.equal(error, null)
  assert.equal(status, 201)
  made.payments.push(data[0].id)
  assert.match(data[0].id, /^pay_\d{3,}$/)
  assert.equal((await pay()).status, 201)
})

test('002-21 PATCH a payment answers 200 with its new status', async () => {
  const { body: [row] } = await pay()
  const reply = await rest('PATCH', `/payments?id=eq.${row.id}`, 'manager', {
    body: { status: 'failed', updated_at: '2026-02-04T15:00:00Z' },
  })
  assert.equal(reply.status, 200)
  assert.equal(reply.body[0].status, 'failed')
})

const day = 'machine_id=mach_001&start_date=2026-02-04T00:00:00Z&end_date=2026-02-04T23:59:59Z'

test('002-22 the summary by GET is one object', async () => {
  const { status, body } = await rest('GET', `/rpc/get_collections_summary?${day}`, 'operator')
  assert.equal(status, 200)
  assert.equal(body.total_amount, 800)
  assert.equal(body.transaction_count, 5)
})

test('002-23 summary keys', async () => {
  const { body } = await rest('GET', `/rpc/get_collections_summary?${day}`)
  assert.equal(body.average_transaction, 160)
  assert.deepEqual(body.by_method, { Cash: 450, UPI: 250, Card: 100 })
  assert.deepEqual(body.by_status, { success: 800, pending: 0, failed: 0 })
})

test('002-24 the summary through rpc(): inclusive bounds, zeros without rows', async () => {
  const client = bearing(tokens.operator)
  const exact = await client.rpc('get_collections_summary', {
    machine_id: 'mach_001', start_date: '2026-02-04T12:30:00Z', end_date: '2026-02-04T12:41:00Z',
  })
  assert.equal(exact.error, null)
  assert.equal(exact.data.transaction_count, 2)
  const none = await client.rpc('get_collections_summary',
    { machine_id: 'mach_001', start_date: '2020-01-01', end_date: '2020-01-02' }, { get: true })
  assert.equal(none.data.total_amount, 0)
  assert.equal(none.data.average_transaction, 0)
  assert.deepEqual(none.data.by_method, { Cash: 0, UPI: 0, Card: 0 })
})

test('002-25 errors carry code, message, details, hint; an empty singular is PGRST116', async () => {
  const reply = await rest('GET', '/machines?id=eq.none', 'admin', {
    headers: { Accept: 'application/vnd.pgrst.object+json' },
  })
  assert.equal(reply.status, 406)
  assert.deepEqual(Object.keys(reply.body).sort(), ['code', 'details', 'hint', 'message'])
  assert.equal(reply.body.code, 'PGRST116')
  const { error } = await bearing(tokens.admin).from('machines').select().eq('id', 'none').single()
  assert.equal(error.code, 'PGRST116')
})

test('002-26 statuses: 400, 401, 403, 404, 409', async () => {
  assert.equal((await rest('GET', '/machines?nothing=eq.1')).status, 400)
  assert.equal((await pay('operator', { method: 'Cheque' })).status, 400)
  assert.equal((await call('GET', '/rest/v1/machines', { token: 'not.a.token' })).status, 401)
  assert.equal((await serve('operator')).status, 403)
  assert.equal((await rest('GET', '/tills')).status, 404)
  const { body: [row] } = await pay()
  assert.equal((await pay('operator', { bill_number: row.bill_number })).status, 409)
})

test('002-27 users: a profile with unique username and e-mail, default role and state', async () => {
  const email = `clerk${process.pid}@billkaro.example`
  const { data, error } = await admin.auth.admin.createUser({
    email, password: 'clerk123', email_confirm: true, user_metadata: { username: `clerk${process.pid}` },
  })
  assert.equal(error, null)
  try {
    const { data: profile } = await admin.from('users').select('*').eq('id', data.user.id).single()
    assert.deepEqual(Object.keys(profile).sort(),
      ['created_at', 'email', 'id', 'is_active', 'role', 'updated_at', 'username'])
    assert.equal(profile.role, 'operator')
    assert.equal(profile.is_active, 'true')
    assert.equal((await login(`clerk${process.pid}`, 'clerk123')).status, 200)
  } finally {
    await admin.auth.admin.deleteUser(data.user.id)
  }
})

test('002-28 machines: defaults, not null, numeric(10,2)', async () => {
  const { status, body, text } = await rest('POST', '/machines', 'admin', { body: { name: 'Pop-up', location: 'Yard' } })
  assert.equal(status, 201)
  made.machines.push(body[0].id)
  assert.equal(body[0].status, 'offline')
  assert.ok(body[0].last_sync)
  assert.ok(text.includes('"offline_collection":0.00') || text.includes('"offline_collection":0'))
  assert.equal((await rest('POST', '/machines', 'admin', { body: { name: 'Nowhere' } })).status, 400)
})

test('002-29 services: foreign key, not null, default active', async () => {
  assert.equal((await serve('manager', { machine_id: 'mach_999' })).status, 409)
  assert.equal((await serve('manager', { name: null })).status, 400)
  const { body: [row] } = await serve('manager', { status: undefined })
  assert.equal(row.status, 'active')
})

test('002-30 payments: foreign key, not null, default success', async () => {
  assert.equal((await pay('operator', { machine_id: 'mach_999' })).status, 409)
  assert.equal((await pay('operator', { amount: null })).status, 400)
  const { body: [row] } = await pay('operator', { status: undefined })
  assert.equal(row.status, 'success')
})

test('002-32 enum values', async () => {
  for (const method of ['Cash', 'UPI', 'Card']) assert.equal((await pay('operator', { method })).status, 201)
  for (const status of ['success', 'pending', 'failed']) assert.equal((await pay('operator', { status })).status, 201)
  assert.equal((await pay('operator', { status: 'done' })).body.code, '22P02')
})

test('002-33 row level security hides everything from anon', async () => {
  for (const table of ['machines', 'services', 'payments', 'users']) {
    const { data, error } = await anonymous().from(table).select('*')
    assert.equal(error, null)
    assert.deepEqual(data, [])
  }
})

test('002-34 machines: everybody signed in reads, admins write', async () => {
  for (const role of ['operator', 'manager']) {
    const client = bearing(tokens[role])
    assert.ok((await client.from('machines').select()).data.length >= 3)
    assert.deepEqual((await client.from('machines').update({ location: 'Moved' }).eq('id', 'mach_002').select()).data, [])
    assert.equal((await client.from('machines').insert({ name: 'x', location: 'y' })).status, 403)
  }
  const { data } = await bearing(tokens.admin).from('machines').update({ location: 'Food Court' }).eq('id', 'mach_002').select()
  assert.equal(data.length, 1)
})

test('002-35 services: everybody signed in reads, admins and managers write', async () => {
  assert.equal((await serve('admin')).status, 201)
  assert.equal((await serve('manager')).status, 201)
  const refused = await serve('operator')
  assert.equal(refused.status, 403)
  assert.equal(refused.body.code, '42501')
})

test('002-36 payments: everybody signed in inserts and reads', async () => {
  for (const role of ['admin', 'manager', 'operator']) assert.equal((await pay(role)).status, 201)
  const { status } = await call('POST', '/rest/v1/payments', {
    body: { machine_id: 'mach_001', bill_number: bill(), amount: 1, method: 'Cash' },
  })
  assert.equal(status, 401)
})

test('002-37 a duplicate bill number is 409', async () => {
  const { body: [row] } = await pay()
  const reply = await pay('operator', { bill_number: row.bill_number })
  assert.equal(reply.status, 409)
  assert.equal(reply.body.code, '23505')
})

test('002-38 deleting a machine deletes its services and payments', async () => {
  const { body: [machine] } = await rest('POST', '/machines', 'admin', { body: { name: 'Short-lived', location: 'Yard' } })
  const { body: [item] } = await serve('admin', { machine_id: machine.id })
  const { body: [paid] } = await pay('operator', { machine_id: machine.id })
  assert.equal((await rest('DELETE', `/machines?id=eq.${machine.id}`)).status, 204)
  assert.deepEqual((await rest('GET', `/services?id=eq.${item.id}`)).body, [])
  assert.deepEqual((await rest('GET', `/payments?id=eq.${paid.id}`)).body, [])
})

test('002-39 SUPABASE_URL and SUPABASE_ANON_KEY are all a client needs', async () => {
  assert.ok(url.startsWith('http') && anonKey.length > 20)
  const { error } = await anonymous().auth.signInWithPassword({ email: 'admin@billkaro.example', password: 'admin123' })
  assert.equal(error, null)
})

test('002-41 timestamps are ISO 8601 with their offset', async () => {
  const { body } = await rest('GET', '/payments?limit=1')
  assert.match(body[0].created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$/)
})

test('002-42 the eighteen endpoints answer', async () => {
  const { body: [item] } = await serve('admin')
  const { body: [paid] } = await pay()
  const { body: session } = await login('manager')
  const replies = await Promise.all([
    rest('GET', '/machines'), rest('GET', '/machines?id=eq.mach_001'),
    rest('PATCH', '/machines?id=eq.mach_001', 'admin', { body: { status: 'online' } }),
    rest('GET', '/services'), rest('GET', '/services?machine_id=eq.mach_001'),
    rest('GET', '/services?machine_id=eq.mach_001&status=eq.active'),
    rest('PATCH', `/services?id=eq.${item.id}`, 'admin', { body: { status: 'inactive' } }),
    rest('GET', '/payments'), rest('GET', '/payments?machine_id=eq.mach_001&order=created_at.desc'),
    rest('GET', '/payments?created_at=gte.2026-02-04T00:00:00Z&created_at=lte.2026-02-04T23:59:59Z'),
    rest('PATCH', `/payments?id=eq.${paid.id}`, 'admin', { body: { status: 'pending' } }),
    rest('GET', `/rpc/get_collections_summary?${day}`),
    call('GET', '/auth/v1/user', { token: session.access_token }),
  ])
  assert.deepEqual(replies.map((reply) => reply.status), replies.map(() => 200))
  assert.equal((await rest('DELETE', `/services?id=eq.${item.id}`)).status, 204)
  assert.equal((await call('POST', '/auth/v1/logout', { token: session.access_token })).status, 204)
})

test('002-G03 with an API version header the login error has the current shape', async () => {
  const reply = await call('POST', '/auth/v1/token?grant_type=password', {
    body: { username: 'admin', password: 'wrong' }, headers: { 'X-Supabase-Api-Version': '2024-01-01' },
  })
  assert.deepEqual(reply.body, { code: 'invalid_credentials', message: 'Invalid login credentials' })
})

test('002-G04 the token keeps the database role and gains user_role', async () => {
  const claims = JSON.parse(Buffer.from(tokens.manager.split('.')[1], 'base64url'))
  assert.equal(claims.role, 'authenticated')
  assert.equal(claims.user_role, 'manager')
  assert.equal(claims.app_metadata.role, 'manager')
})

test('002-G13 operators cannot change a payment', async () => {
  const { body: [row] } = await pay()
  const reply = await rest('PATCH', `/payments?id=eq.${row.id}`, 'operator', { body: { status: 'failed' } })
  assert.equal(reply.status, 200)
  assert.deepEqual(reply.body, [])
})

test('002-G14 nobody deletes a payment through the API but the service role', async () => {
  const { body: [row] } = await pay()
  for (const role of ['operator', 'manager', 'admin']) {
    assert.equal((await rest('DELETE', `/payments?id=eq.${row.id}`, role)).status, 204)
  }
  assert.equal((await rest('GET', `/payments?id=eq.${row.id}`)).body.length, 1)
})

test('002-G15 a profile is seen by its owner and by admins', async () => {
  const own = await bearing(tokens.operator).from('users').select('username')
  assert.deepEqual(own.data, [{ username: 'operator' }])
  const all = await bearing(tokens.admin).from('users').select('username')
  assert.ok(all.data.length >= 3)
})

test('002-G16 an inactive account cannot log in', async () => {
  const name = `idle${process.pid}`
  const { data } = await admin.auth.admin.createUser({
    email: `${name}@billkaro.example`, password: 'idle12345', email_confirm: true, user_metadata: { username: name },
  })
  try {
    assert.equal((await login(name, 'idle12345')).status, 200)
    await bearing(tokens.admin).from('users').update({ is_active: 'false' }).eq('username', name)
    const refused = await login(name, 'idle12345')
    assert.equal(refused.status, 400)
    assert.equal(refused.body.error_code, 'user_banned')
    await bearing(tokens.admin).from('users').update({ is_active: 'true' }).eq('username', name)
    assert.equal((await login(name, 'idle12345')).status, 200)
  } finally {
    await admin.auth.admin.deleteUser(data.user.id)
  }
})

test('002-G18 without authentication lists are empty, a broken token is 401', async () => {
  assert.deepEqual((await call('GET', '/rest/v1/machines')).body, [])
  assert.equal((await call('GET', '/rest/v1/machines', { token: `${tokens.admin}x` })).status, 401)
})

test('002-G23 next_bill_number counts per machine and day', async () => {
  const client = bearing(tokens.operator)
  const first = (await client.rpc('next_bill_number', { machine_id: 'mach_002' })).data
  const second = (await client.rpc('next_bill_number', { machine_id: 'mach_002' })).data
  assert.match(first, /^M002-\d{8}-\d{4,}$/)
  assert.equal(Number(second.split('-')[2]), Number(first.split('-')[2]) + 1)
})

test('002-G25 an amount beyond numeric(10,2) is 400 with 22003', async () => {
  const reply = await pay('operator', { amount: 100000000 })
  assert.equal(reply.status, 400)
  assert.equal(reply.body.code, '22003')
})
