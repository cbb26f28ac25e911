// Rule of this file: one test for each way supabase-js shapes what it reads; before the colon stand
// the methods it is about, which builders_complete.test.mjs compares with the builders' own.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClient } from '@supabase/supabase-js'
import { admin, answers, books, configure, finds, refused } from './builders.mjs'
import { anonymous, options, serviceKey, url } from './support.mjs'

test('select: columns, aliases, casts, JSON paths, white space', async () => {
  await answers(
    admin.from('books').select(` id , named : title,
      price::text, meta -> size ->> w, lang:meta->>lang `).eq('id', 1),
    [{ id: 1, named: 'The red fox', price: '9.50', w: '10', lang: 'en' }],
  )
})

test('select: every type as JSON', async () => {
  const { data } = await admin.from('books').select().eq('id', 1)
  assert.deepEqual(data, [{
    id: 1, author_id: 1, title: 'The red fox', subtitle: 'a tale', price: 9.5, pages: 100,
    in_print: true, tags: ['animals', 'red'], lent: '[1,10)',
    meta: { lang: 'en', size: { w: 10 }, list: [1, 2] }, raw: { a: 1 },
    published: '2001-01-01T00:00:00+00:00', words: "'fox':3 'red':2",
  }])
})

test('select: to one, to many, one to one, many to many', async () => {
  await answers(
    admin.from('books').select('id, author:authors(name, author_profiles(bio)), genres(name)')
      .in('id', [1, 4]).order('id').order('id', { referencedTable: 'genres' }),
    [
      { id: 1, author: { name: 'Ada', author_profiles: { bio: 'first' } },
        genres: [{ name: 'fiction' }, { name: 'nature' }] },
      { id: 4, author: { name: 'Chen', author_profiles: null }, genres: [] },
    ],
  )
})

test('select: a table that refers to itself, by the name of its column', async () => {
  await answers(
    admin.from('authors').select('name, mentor:mentor_id(name), pupils:authors!mentor_id(name)')
      .eq('id', 2),
    [{ name: 'Bela', mentor: { name: 'Ada' }, pupils: [{ name: 'Dora' }] }],
  )
  await answers(admin.from('authors').select('name, authors(name)').eq('id', 2),
    [{ name: 'Bela', authors: [{ name: 'Dora' }] }])
})

test('select: inner joins, spreads, counts, views, computed relationships', async () => {
  await finds(admin.from('authors').select('id, books!inner()').order('id'), [1, 2, 3])
  await answers(admin.from('books').select('id, ...authors(author:name)').eq('id', 3),
    [{ id: 3, author: 'Bela' }])
  await answers(admin.from('authors').select('id, books(count)').lt('id', 3).order('id'),
    [{ id: 1, books: [{ count: 2 }] }, { id: 2, books: [{ count: 2 }] }])
  await answers(admin.from('cheap_books').select('id, authors(name)').order('id').limit(1),
    [{ id: 1, authors: { name: 'Ada' } }])
  await answers(admin.from('authors').select('id, first_book(id)').eq('id', 2),
    [{ id: 2, first_book: { id: 3 } }])
})

test('select: what is wrong with it', async () => {
  await refused(admin.from('nowhere').select(), 404, 'PGRST205')
  await refused(admin.from('books').select('id, shelves(id)'), 400, 'PGRST200')
  const { hint } = await refused(admin.from('letters').select('id, authors(name)'), 300, 'PGRST201')
  assert.match(hint, /authors!/)
  await refused(admin.from('books').select('id,,title'), 400, 'PGRST100')
  await refused(admin.from('books').select('price.sum()'), 400, 'PGRST123')
})

test('select: head', async () => {
  const reply = await admin.from('books').select('*', { head: true })
  assert.deepEqual([reply.data, reply.error, reply.status, reply.count], [null, null, 200, null])
  const missing = await admin.from('nowhere').select('*', { head: true })
  assert.equal(missing.status, 204)
})

async function counted(count) {
  const reply = await admin.from('books').select('id', { count }).lt('id', 4).limit(2)
  assert.equal(reply.error, null)
  assert.equal(reply.data.length, 2)
  const head = await admin.from('books').select('id', { count, head: true })
  assert.equal(head.data, null)
  return [reply.count, reply.status, head.count, head.status]
}

test('select: count exact', async () => {
  assert.deepEqual(await counted('exact'), [3, 206, 5, 200])
})

test('select: count planned', async () => {
  const [some, status, all, headStatus] = await counted('planned')
  assert.ok(some > 0 && all > 0, `${some} ${all}`)
  assert.deepEqual([status, headStatus], [some > 2 ? 206 : 200, all > 5 ? 206 : 200])
})

test('select: count estimated', async () => {
  assert.deepEqual(await counted('estimated'), [3, 206, 5, 200])
})

test('order: ascending, descending, nulls first and last', async () => {
  const by = (column, options) => admin.from('books').select('id').order(column, options)
  await finds(by('price'), [3, 5, 1, 2, 4])
  await finds(by('price', { ascending: false }), [4, 2, 1, 5, 3])
  await finds(by('price', { nullsFirst: true }), [4, 3, 5, 1, 2])
  await finds(by('price', { ascending: false, nullsFirst: false }), [2, 1, 5, 3, 4])
  await finds(by('in_print', { nullsFirst: true }).order('id', { ascending: false }), [4, 2, 5, 3, 1])
  await finds(by('meta->size->w', { nullsFirst: false }).order('id').limit(2), [5, 1])
  await refused(by('nowhere'), 400, '42703')
})

test('order: referencedTable, foreignTable, and by an embedded column', async () => {
  const asked = () => admin.from('authors').select('id,books(id)').eq('id', 1)
  const expected = [{ id: 1, books: [{ id: 2 }, { id: 1 }] }]
  await answers(asked().order('id', { referencedTable: 'books', ascending: false }), expected)
  await answers(asked().order('id', { foreignTable: 'books', ascending: false }), expected)
  await finds(
    admin.from('books').select('id,authors(name)').order('authors(name)', { ascending: false }).order('id'),
    [4, 3, 5, 1, 2],
  )
})

test('limit: rows, and rows of an embedded table', async () => {
  await finds(books().limit(2), [1, 2])
  await finds(books().limit(0), [])
  const asked = () => admin.from('authors').select('id,books(id)').eq('id', 1)
    .order('id', { referencedTable: 'books' })
  const expected = [{ id: 1, books: [{ id: 1 }] }]
  await answers(asked().limit(1, { referencedTable: 'books' }), expected)
  await answers(asked().limit(1, { foreignTable: 'books' }), expected)
})

test('limit: no more rows than the project allows', async () => {
  const { data, count, status } = await admin.rpc('numbers', { most: 1200 }, { count: 'exact' })
  assert.deepEqual([data.length, count, status], [1000, 1200, 206])
  assert.equal((await admin.rpc('numbers', { most: 1200 }).limit(1100)).data.length, 1000)
  assert.equal((await admin.rpc('numbers', { most: 1200 }).range(1000, 1999)).data.length, 200)
})

test('range: from and to, beyond the end, of an embedded table', async () => {
  await finds(books().range(1, 2), [2, 3])
  await finds(books().range(4, 9), [5])
  await finds(books().range(9, 9), [])
  const beyond = admin.from('books').select('id', { count: 'exact' }).range(9, 9)
  await refused(beyond, 416, 'PGRST103')
  const asked = () => admin.from('authors').select('id,books(id)').eq('id', 1)
    .order('id', { referencedTable: 'books' })
  const expected = [{ id: 1, books: [{ id: 2 }] }]
  await answers(asked().range(1, 1, { referencedTable: 'books' }), expected)
  await answers(asked().range(1, 1, { foreignTable: 'books' }), expected)
})

test('single: one row, none, several', async () => {
  await answers(books().eq('id', 1).single(), { id: 1 })
  const none = await refused(books().eq('id', 9).single(), 406, 'PGRST116')
  assert.equal(none.details, 'The result contains 0 rows')
  await refused(books().single(), 406, 'PGRST116')
})

test('maybeSingle: one row, none, several', async () => {
  await answers(books().eq('id', 1).maybeSingle(), { id: 1 })
  await answers(books().eq('id', 9).maybeSingle(), null)
  await refused(books().maybeSingle(), 406, 'PGRST116')
})

test('csv: quoted where it has to be', async () => {
  await answers(
    books('id,title,subtitle').gt('id', 2).csv(),
    'id,title,subtitle\n3,"Cooking, slowly","Recipes (all)"\n4,"100% wool",\n'
      + '5,"fox and hound","a ""quoted"" word"',
  )
})

test('geojson: a table without PostGIS is refused', async () => {
  await refused(books().geojson(), 404, '42883')
})

test('geojson: a collection of features, where there is a function for it', async () => {
  await answers(admin.schema('stacks').from('shelves').select().order('id').limit(1).geojson(), {
    type: 'FeatureCollection',
    features: [{ type: 'Feature', properties: { id: 1, name: 'north' } }],
  })
})

test('stripNulls: of rows and of one row', async () => {
  await answers(books('id,price').gt('id', 3).stripNulls(), [{ id: 4 }, { id: 5, price: 7 }])
  await answers(books('id,price').eq('id', 4).stripNulls().single(), { id: 4 })
  assert.throws(() => books().csv().stripNulls(), /csv/)
})

test('throwOnError: an error is thrown, a row is answered', async () => {
  await assert.rejects(async () => await admin.from('nowhere').select().throwOnError(),
    (error) => error.code === 'PGRST205')
  await answers(books().eq('id', 1).throwOnError(), [{ id: 1 }])
  await assert.rejects(async () => await books().eq('id', 9).single().throwOnError(),
    (error) => error.code === 'PGRST116')
})

test('abortSignal: the request is given up, and the server goes on', async () => {
  const started = Date.now()
  const { error, data } = await admin.rpc('sleep_for', { seconds: 5 })
    .abortSignal(AbortSignal.timeout(100))
  assert.match(error.message, /Timeout|Abort/)
  assert.equal(data, null)
  assert.ok(Date.now() - started < 3000)
  await answers(books().eq('id', 1).abortSignal(new AbortController().signal), [{ id: 1 }])
})

test('returns, overrideTypes: change nothing but types', async () => {
  await answers(books().eq('id', 1).returns(), [{ id: 1 }])
  await answers(books().eq('id', 1).single().overrideTypes(), { id: 1 })
})

test('setHeader: reaches the database, and chooses the form of the answer', async () => {
  await answers(admin.rpc('header', { name: 'x-kind' }).setHeader('X-Kind', 'tea'), 'tea')
  await answers(books().eq('id', 1).setHeader('Accept', 'application/vnd.pgrst.object+json'), { id: 1 })
  await refused(books().setHeader('Accept', 'text/unheard-of'), 406, 'PGRST107')
})

test('retry: what is answered is not asked for again', async () => {
  await answers(books().eq('id', 1).retry(false), [{ id: 1 }])
  const unreachable = createClient('http://127.0.0.1:9', serviceKey, options)
  const reply = await unreachable.from('books').select().retry(false)
  assert.equal(reply.status, 0)
})

test('then: a builder is a promise', async () => {
  assert.equal(await books().eq('id', 1).then((reply) => reply.data[0].id), 1)
})

test('schema, from: another schema, one that is not exposed', async () => {
  await answers(admin.schema('stacks').from('shelves').select().order('id'),
    [{ id: 1, name: 'north' }, { id: 2, name: 'south' }])
  const named = createClient(url, serviceKey, { ...options, db: { schema: 'stacks' } })
  await finds(named.from('shelves').select('id').order('id'), [1, 2])
  await answers(admin.schema('stacks').rpc('shelf_count'), 2)
  await refused(admin.schema('auth').from('users').select(), 406, 'PGRST106')
  await refused(admin.schema('stacks').from('books').select(), 404, 'PGRST205')
})

test('explain: refused as by the containers of the Supabase CLI', async () => {
  await refused(books().explain(), 406, 'PGRST107')
})

test('explain: text and JSON, with every option, once the database says so', async () => {
  const allowed = async () => (await books().explain()).error === null
  await configure('db_plan_enabled', 'true', allowed)
  try {
    assert.match((await books().explain()).data, /^Aggregate {2}\(cost=/)
    const text = await books().explain({ analyze: true, verbose: true, settings: true, buffers: true, wal: true })
    assert.match(text.data, /actual time=[\s\S]*Execution Time/)
    const [plan] = (await books().explain({ format: 'json' })).data
    assert.equal(plan.Plan['Node Type'], 'Aggregate')
    const [run] = (await books().explain({ format: 'json', analyze: true, buffers: true })).data
    assert.ok(run['Execution Time'] >= 0)
    assert.match((await books().single().explain()).data, /Aggregate/)
    assert.match((await books().csv().explain()).data, /Aggregate/)
    const written = await admin.from('entries').update({ note: 'x' }).eq('id', 1).explain()
    assert.match(written.data, /Update on/)
  } finally {
    await configure('db_plan_enabled', 'false', async () => !(await allowed()))
  }
})

test('select: aggregates, once the database says so', async () => {
  const sums = () => admin.from('books').select('author_id,price.sum(),pages.max(),titles:title.count()')
    .order('author_id')
  await configure('db_aggregates_enabled', 'true', async () => (await sums()).error === null)
  try {
    await answers(sums(), [
      { author_id: 1, sum: 29.5, max: 250, titles: 2 },
      { author_id: 2, sum: 12.25, max: 120, titles: 2 },
      { author_id: 3, sum: null, max: 300, titles: 1 },
    ])
    await answers(admin.from('books').select('count()'), [{ count: 5 }])
    await answers(admin.from('authors').select('id,books(price.avg())').eq('id', 2),
      [{ id: 2, books: [{ avg: 6.125 }] }])
  } finally {
    await configure('db_aggregates_enabled', 'false', async () => (await sums()).error !== null)
  }
})

test('select: as nobody, rows under a policy are not there', async () => {
  await answers(anonymous().from('diaries').select(), [])
  await refused(anonymous().from('diaries').insert({ body: 'x' }), 401, '42501')
})
