// Rule of this file: one test for each way supabase-js writes and calls; before the colon stand the
// methods it is about. Entries a test makes have a code of their own, and are removed at the end.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { admin, answers, configure, finds, fresh, refused } from './builders.mjs'
import { anonymous, bearing } from './support.mjs'

const entries = () => admin.from('entries')
const stored = (...codes) => entries().select('label,amount,note').in('code', codes).order('code')

/** Two entries, by their codes. */
async function two() {
  const codes = [fresh(), fresh()]
  const { error } = await entries().insert(codes.map((code) => ({ code, label: 'two' })))
  assert.equal(error, null)
  return codes
}

after(async () => {
  const { error } = await entries().delete().like('code', `code-${process.pid}-%`)
  assert.equal(error, null)
})

test('insert: a row, without and with an answer', async () => {
  const [one, other] = [fresh(), fresh()]
  await answers(entries().insert({ code: one, amount: 1 }), null, 201)
  await answers(entries().insert({ code: other, amount: 2 }).select('label,amount'),
    [{ label: 'unlabelled', amount: 2 }], 201)
  await answers(entries().insert({ code: fresh() }).select('amount').single(), { amount: null }, 201)
  await answers(stored(one, other), [
    { label: 'unlabelled', amount: 1, note: null }, { label: 'unlabelled', amount: 2, note: null },
  ])
})

test('insert: every type comes back as it went in', async () => {
  const book = {
    id: 90, author_id: 4, title: 'Überall "quotes" & \\ backslashes, {braces} 🦊', subtitle: '',
    price: 0.5, pages: -1, in_print: false, tags: ['a,b', '"', 'NULL', ''], lent: '[1,3)',
    meta: { deep: [{ er: null }], text: 'é' }, raw: [1, 'two'], published: '2020-01-01T00:00:00+00:00',
  }
  try {
    const { data, error } = await admin.from('books').insert(book).select().single()
    assert.equal(error, null, JSON.stringify(error))
    const { words, ...rest } = data
    assert.deepEqual(rest, book)
    await finds(admin.from('books').select('id').eq('title', book.title), [90])
  } finally {
    await admin.from('books').delete().eq('id', 90)
  }
})

test('insert: several rows whose keys differ, defaultToNull', async () => {
  const codes = [fresh(), fresh(), fresh(), fresh()]
  const rows = (one, other) => [{ code: one, label: 'x' }, { code: other, amount: 5 }]
  await answers(entries().insert(rows(codes[0], codes[1])).select('label,amount'),
    [{ label: 'x', amount: null }, { label: null, amount: 5 }], 201)
  await answers(
    entries().insert(rows(codes[2], codes[3]), { defaultToNull: false }).select('label,amount'),
    [{ label: 'x', amount: null }, { label: 'unlabelled', amount: 5 }], 201)
  await answers(entries().insert([]).select(), [], 201)
})

test('insert: count', async () => {
  const rows = [{ code: fresh() }, { code: fresh() }]
  const reply = await entries().insert(rows, { count: 'exact' })
  assert.deepEqual([reply.error, reply.count, reply.status], [null, 2, 201])
})

test('insert: an embedded answer', async () => {
  const { data, error } = await admin.from('letters').insert({ id: 90, sender: 1 })
    .select('id, from:sender(name)').single()
  await admin.from('letters').delete().eq('id', 90)
  assert.equal(error, null)
  assert.deepEqual(data, { id: 90, from: { name: 'Ada' } })
})

test('insert: what is refused', async () => {
  const duplicate = await refused(entries().insert({ code: 'kept' }), 409, '23505')
  assert.equal(duplicate.details, 'Key (code)=(kept) already exists.')
  await refused(admin.from('letters').insert({ id: 9, sender: 99 }), 409, '23503')
  await refused(admin.from('authors').insert({ id: 9 }), 400, '23502')
  await refused(entries().insert({ nowhere: 1 }), 400, 'PGRST204')
  await refused(entries().insert({ amount: 'many' }), 400, '22P02')
  await refused(admin.from('books').insert({ id: 91, title: 'x', words: 'y' }), 400, '428C9')
})

test('upsert: by primary key, onConflict, ignoreDuplicates', async () => {
  const code = fresh()
  await answers(entries().upsert({ code, amount: 1 }, { onConflict: 'code' }).select('amount'),
    [{ amount: 1 }], 201)
  await answers(
    entries().upsert({ code, amount: 2 }, { onConflict: 'code' }).select('label,amount'),
    [{ label: 'unlabelled', amount: 2 }])
  await answers(
    entries().upsert({ code, amount: 3 }, { onConflict: 'code', ignoreDuplicates: true }).select(),
    [], 201)
  await answers(stored(code), [{ label: 'unlabelled', amount: 2, note: null }])
  await answers(admin.from('genres').upsert({ id: 1, name: 'fiction' }).select(),
    [{ id: 1, name: 'fiction' }])
  await refused(entries().upsert({ code }, { onConflict: 'amount' }), 400, '42P10')
})

test('upsert: several rows, count, defaultToNull', async () => {
  const [one, other] = await two()
  const more = fresh()
  const reply = await entries().upsert(
    [{ code: one, amount: 7 }, { code: more, label: 'new' }],
    { onConflict: 'code', defaultToNull: false, count: 'exact' },
  )
  assert.deepEqual([reply.error, reply.count], [null, 2])
  await answers(stored(one, other, more), [
    { label: 'unlabelled', amount: 7, note: null },
    { label: 'two', amount: null, note: null },
    { label: 'new', amount: null, note: null },
  ])
})

test('update: rows that a filter finds, count, an answer', async () => {
  const codes = await two()
  await answers(entries().update({ amount: 1 }).eq('code', codes[0]), null, 204)
  const reply = await entries().update({ amount: 2 }, { count: 'exact' }).in('code', codes)
  assert.deepEqual([reply.error, reply.count, reply.status], [null, 2, 204])
  await answers(entries().update({ note: 'n' }).in('code', codes).select('amount,note'),
    [{ amount: 2, note: 'n' }, { amount: 2, note: 'n' }])
  await answers(entries().update({ note: 'n' }).eq('code', 'nobody').select(), [])
  await answers(entries().update({}).in('code', codes).select(), [])
  await refused(entries().update({ note: 'n' }).in('code', codes).select().single(), 406, 'PGRST116')
})

test('update: without a filter, as the database allows it', async () => {
  await refused(entries().update({ amount: 'x' }), 400, '22P02')
})

test('delete: rows that a filter finds, count, an answer', async () => {
  const [one, other] = await two()
  const [third, fourth] = await two()
  await answers(entries().delete().eq('code', one), null, 204)
  await answers(entries().delete().eq('code', other).select('label'), [{ label: 'two' }])
  const reply = await entries().delete({ count: 'exact' }).in('code', [third, fourth])
  assert.deepEqual([reply.error, reply.count, reply.status], [null, 2, 204])
  await answers(stored(one, other, third, fourth), [])
  await refused(admin.from('authors').delete().eq('id', 1), 409, '23503')
})

test('maxAffected: more rows are refused and stay as they were', async () => {
  const codes = await two()
  await refused(entries().update({ note: 'no' }).in('code', codes).maxAffected(1), 400, 'PGRST124')
  await refused(entries().delete().in('code', codes).maxAffected(1), 400, 'PGRST124')
  await answers(stored(...codes), codes.map(() => ({ label: 'two', amount: null, note: null })))
  await answers(entries().delete().in('code', codes).maxAffected(2), null, 204)
  await refused(admin.rpc('relabel', { wanted: 'kept' }).maxAffected(0), 400, 'PGRST124')
})

test('rollback: commits all the same, unless the server lets clients say', async () => {
  const code = fresh()
  await answers(entries().insert({ code }).rollback(), null, 201)
  await answers(stored(code), [{ label: 'unlabelled', amount: null, note: null }])
})

test('rollback: undone, once the database lets clients say', async () => {
  const attempt = async () => {
    const code = fresh()
    await answers(entries().insert({ code }).rollback().select('code'), [{ code }], 201)
    return (await stored(code)).data.length === 0
  }
  await configure('db_tx_end', 'commit-allow-override', attempt)
  try {
    await refused(entries().insert({ code: 'kept' }).rollback(), 409, '23505')
    assert.ok(await attempt())
  } finally {
    await configure('db_tx_end', 'commit', async () => !(await attempt()))
  }
})

test('rpc: a scalar, defaults, an overload, nothing', async () => {
  await answers(admin.rpc('add_them', { a: 1, b: 2 }), 3)
  await answers(admin.rpc('add_them', { a: 1 }), 2)
  await answers(admin.rpc('greeting'), 'hello')
  await answers(admin.rpc('describe', { n: 1 }), 'number 1')
  await answers(admin.rpc('describe', { t: '1' }), 'text 1')
  await answers(admin.rpc('note_down', { code: fresh() }), null, 204)
})

test('rpc: arrays, variadic arguments, JSON', async () => {
  await answers(admin.rpc('longest', { words: ['a', 'b,c d', ''] }), 'b,c d')
  await answers(admin.rpc('total', { numbers: [1, 2, 3] }), 6)
  await answers(admin.rpc('same', { value: { a: [1, null] } }), { a: [1, null] })
  await answers(admin.rpc('same', { value: 12n }), '12')
})

test('rpc: rows, filtered, ordered, limited, embedding', async () => {
  await answers(
    admin.rpc('books_by', { author: 1 }).select('id,authors(name)').gt('pages', 10)
      .order('id', { ascending: false }).limit(1),
    [{ id: 2, authors: { name: 'Ada' } }])
  await answers(admin.rpc('one_book', { book: 3 }).select('title'), { title: 'Cooking, slowly' })
  await answers(admin.rpc('prices'), [{ lowest: 5.25, highest: 20 }])
  await answers(admin.rpc('prices').single(), { lowest: 5.25, highest: 20 })
  await answers(admin.rpc('books_by', { author: 9 }).maybeSingle(), null)
  await answers(admin.rpc('prices').csv(), 'lowest,highest\n5.25,20.00')
})

test('rpc: get', async () => {
  await answers(admin.rpc('add_them', { a: 1, b: 2 }, { get: true }), 3)
  await answers(admin.rpc('add_them', { a: 1, b: undefined }, { get: true }), 2)
  await answers(admin.rpc('longest', { words: ['a', 'bcd'] }, { get: true }), 'bcd')
  // An argument that reads like a condition is one, and the function that is left is not there.
  await refused(admin.rpc('describe', { t: 'eq.1' }, { get: true }), 404, 'PGRST202')
  await finds(admin.rpc('books_by', { author: 2 }, { get: true }).gt('id', 3), [5])
  await refused(admin.rpc('note_down', { code: fresh() }, { get: true }), 405, '25006')
})

test('rpc: head, count', async () => {
  const head = await admin.rpc('books_by', { author: 1 }, { head: true, count: 'exact' })
  assert.deepEqual([head.data, head.count, head.status], [null, 2, 200])
  const rows = await admin.rpc('books_by', { author: 1 }, { count: 'exact' }).limit(1)
  assert.deepEqual([rows.data.length, rows.count, rows.status], [1, 2, 206])
  const object = await admin.rpc('same', { value: { a: 1 } }, { head: true })
  assert.equal(object.error, null)
})

test('rpc: what is refused', async () => {
  await refused(admin.rpc('nowhere'), 404, 'PGRST202')
  await refused(admin.rpc('add_them', { c: 1 }), 404, 'PGRST202')
  await refused(admin.rpc('add_them', { a: 'x' }), 400, '22P02')
  const error = await refused(admin.rpc('refuse'), 400, 'P0001')
  assert.deepEqual([error.message, error.details, error.hint], ['refused', 'why', 'ask'])
  await refused(anonymous().rpc('configure', { wanted: 'x', setting: 'y' }), 401, '42501')
})

test('from: as its owner, rows under a policy', async () => {
  const people = []
  for (const name of ['ann', 'bob']) {
    const client = anonymous()
    const { data, error } = await client.auth.signUp({
      email: `${name}-${process.pid}@example.com`, password: 'correct-horse-1',
    })
    assert.equal(error, null, JSON.stringify(error))
    people.push(data)
    await answers(client.from('diaries').insert({ body: name }).select('body'), [{ body: name }], 201)
  }
  const [ann, bob] = people
  const asAnn = bearing(ann.session.access_token)
  await answers(asAnn.from('diaries').select('body,owner'), [{ body: 'ann', owner: ann.user.id }])
  await refused(asAnn.from('diaries').insert({ body: 'x', owner: bob.user.id }), 403, '42501')
  await answers(asAnn.from('diaries').update({ body: 'y' }).eq('owner', bob.user.id).select(), [])
  await answers(asAnn.from('diaries').delete().neq('id', 0).select('body'), [{ body: 'ann' }])
  const left = await admin.from('diaries').delete({ count: 'exact' }).eq('owner', bob.user.id)
  assert.equal(left.count, 1)
  for (const { user } of people) await admin.auth.admin.deleteUser(user.id)
})
