// Rule of this file: one test for each filter of supabase-js; before the colon stand the methods it
// is about, which builders_complete.test.mjs compares with the builders' own.
import { test } from 'node:test'
import { admin, answers, books, finds, refused } from './builders.mjs'

test('eq: a number, a text, a boolean, a timestamp', async () => {
  await finds(books().eq('id', 3), [3])
  await finds(books().eq('title', 'Cooking, slowly'), [3])
  await finds(books().eq('title', '100% wool'), [4])
  await finds(books().eq('subtitle', 'a "quoted" word'), [5])
  await finds(books().eq('in_print', true), [1, 3, 5])
  await finds(books().eq('published', '2020-02-02T02:02:00+02:00'), [5])
})

test('eq: into JSON', async () => {
  await finds(books().eq('meta->>lang', 'en'), [1, 2])
  await finds(books().eq('meta->size->w', 10), [1])
  await finds(books().eq('meta->list->>1', 2), [1])
  await finds(books().eq('raw->>a', '1'), [1])
})

test('eq: a value that does not fit is 22P02, a column that is not there 42703', async () => {
  await refused(books().eq('id', 'x'), 400, '22P02')
  await refused(books().eq('nowhere', 1), 400, '42703')
})

test('eq: of an embedded row', async () => {
  await finds(books('id,authors!inner(name)').eq('authors.name', 'Bela'), [3, 5])
  await answers(
    books('id,authors(name)').eq('authors.name', 'Bela').lt('id', 4),
    [{ id: 1, authors: null }, { id: 2, authors: null }, { id: 3, authors: { name: 'Bela' } }],
  )
})

test('eq: of a computed column', async () => {
  await finds(books('id,shouted').eq('shouted', 'FOX AND HOUND'), [5])
})

test('neq: leaves nulls out', async () => {
  await finds(books().neq('id', 3), [1, 2, 4, 5])
  await finds(books().neq('in_print', true), [2])
})

test('gt: numbers, times, JSON', async () => {
  await finds(books().gt('price', 7), [1, 2])
  await finds(books().gt('published', '2005-01-01'), [2, 3, 5])
  await finds(books().gt('meta->size->w', 5), [1])
})

test('gte: the bound belongs to it', async () => {
  await finds(books().gte('price', 7.0), [1, 2, 5])
  await finds(books().gte('published', '2020-02-02T00:02:00+00:00'), [5])
})

test('lt: leaves nulls out', async () => {
  await finds(books().lt('price', 7), [3])
  await finds(books().lt('title', 'D'), [3, 4])
})

test('lte: the bound belongs to it', async () => {
  await finds(books().lte('price', 7), [3, 5])
})

test('like: % and * stand for any text', async () => {
  await finds(books().like('title', '%fox'), [1])
  await finds(books().like('title', 'fox*'), [5])
  await finds(books().like('title', 'T__ red%'), [1])
  await finds(books().like('title', 'the%'), [])
})

test('likeAllOf: every pattern fits', async () => {
  await finds(books().likeAllOf('title', ['%fox%', 'The%']), [1, 2])
})

test('likeAnyOf: one pattern fits', async () => {
  await finds(books().likeAnyOf('title', ['Cook%', '100%']), [3, 4])
})

test('ilike: whatever the case', async () => {
  await finds(books().ilike('title', 'THE%'), [1, 2])
})

test('ilikeAllOf: every pattern, whatever the case', async () => {
  await finds(books().ilikeAllOf('title', ['%FOX%', 'tHe%']), [1, 2])
})

test('ilikeAnyOf: one pattern, whatever the case', async () => {
  await finds(books().ilikeAnyOf('title', ['cook%', 'FOX%']), [3, 5])
})

test('regexMatch: a regular expression', async () => {
  await finds(books().regexMatch('title', '^The (red|blue)'), [1, 2])
  await finds(books().regexMatch('title', '^fox'), [5])
  await refused(books().regexMatch('title', '('), 400, '2201B')
})

test('regexIMatch: whatever the case', async () => {
  await finds(books().regexIMatch('title', '^FOX'), [5])
})

test('is: null, true, false', async () => {
  await finds(books().is('price', null), [4])
  await finds(books().is('in_print', true), [1, 3, 5])
  await finds(books().is('in_print', false), [2])
  await refused(books().is('price', true), 400, '42804')
  await refused(books().is('price', 'nothing'), 400, 'PGRST100')
})

test('isDistinct: a null is distinct from a value', async () => {
  await finds(books().isDistinct('in_print', true), [2, 4])
  await finds(books().isDistinct('id', 1), [2, 3, 4, 5])
})

test('in: numbers, and texts with commas, parentheses and quotes', async () => {
  await finds(books().in('id', [1, 3, 3]), [1, 3])
  await finds(books().in('title', ['Cooking, slowly', 'fox and hound']), [3, 5])
  await finds(books().in('subtitle', ['Recipes (all)', 'a tale']), [1, 3])
  await finds(books().in('id', []), [])
})

test('in: more values than a short address holds', async () => {
  const many = Array.from({ length: 3000 }, (_, number) => number + 3)
  await finds(books().in('id', many), [3, 4, 5])
  await finds(books().notIn('id', many), [1, 2])
})

test('notIn: leaves nulls out', async () => {
  await finds(books().notIn('id', [1, 3]), [2, 4, 5])
  await finds(books().notIn('subtitle', ['Recipes (all)', 'a tale']), [5])
})

test('contains: arrays, JSON, ranges', async () => {
  await finds(books().contains('tags', ['animals']), [1, 2, 5])
  await finds(books().contains('tags', ['animals', 'food']), [5])
  await finds(books().contains('meta', { lang: 'en' }), [1, 2])
  await finds(books().contains('lent', '[11,12)'), [2, 5])
})

test('containedBy: arrays, JSON, ranges', async () => {
  await finds(books().containedBy('tags', ['animals', 'red', 'food']), [1, 3, 4, 5])
  await finds(books().containedBy('meta', { lang: 'hu', more: 1 }), [3])
  await finds(books().containedBy('lent', '[0,20)'), [1, 2, 5])
})

test('rangeGt: wholly right of it', async () => {
  await finds(books().rangeGt('lent', '[5,10)'), [2, 3])
})

test('rangeGte: not beginning left of it', async () => {
  await finds(books().rangeGte('lent', '[10,20)'), [2, 3])
})

test('rangeLt: wholly left of it', async () => {
  await finds(books().rangeLt('lent', '[10,15)'), [1])
})

test('rangeLte: not ending right of it', async () => {
  await finds(books().rangeLte('lent', '[5,15)'), [1, 5])
})

test('rangeAdjacent: next to it', async () => {
  await finds(books().rangeAdjacent('lent', '[10,20)'), [1, 3])
  await refused(books().rangeAdjacent('lent', '[20,10)'), 400, '22000')
})

test('overlaps: arrays and ranges', async () => {
  await finds(books().overlaps('tags', ['blue', 'food']), [2, 3, 5])
  await finds(books().overlaps('lent', '[9,11)'), [1, 2, 5])
})

test('textSearch: a query', async () => {
  await finds(books().textSearch('words', 'fox & !hound'), [1, 2])
  await finds(books().textSearch('words', "'fox' | 'wool'"), [1, 2, 4, 5])
  await refused(books().textSearch('words', 'fox hound'), 400, '42601')
})

test('textSearch: type plain, phrase, websearch', async () => {
  await finds(books().textSearch('words', 'hounds foxes', { type: 'plain' }), [5])
  await finds(books().textSearch('words', 'red fox', { type: 'phrase' }), [1])
  await finds(books().textSearch('words', 'fox -hound', { type: 'websearch' }), [1, 2])
})

test('textSearch: config, and a column of text', async () => {
  await finds(books().textSearch('words', 'foxes', { config: 'english' }), [1, 2, 5])
  await finds(books().textSearch('words', 'foxes', { config: 'simple' }), [])
  await finds(books().textSearch('words', 'foxes', { config: 'english', type: 'websearch' }), [1, 2, 5])
  await finds(books().textSearch('title', 'foxes', { config: 'simple' }), [2])
  await refused(books().textSearch('words', 'x', { config: 'klingon' }), 400, '42704')
})

test('match: every column equals', async () => {
  await finds(books().match({ in_print: true, author_id: 2, title: undefined }), [3, 5])
})

test('not: any operator', async () => {
  await finds(books().not('price', 'is', null), [1, 2, 3, 5])
  await finds(books().not('id', 'in', '(1,2)'), [3, 4, 5])
  await finds(books().not('tags', 'cs', '{animals}'), [3, 4])
  await finds(books().not('title', 'like(any)', '{The%,fox%}'), [3, 4])
  await finds(books().not('words', 'fts(english)', 'fox'), [3, 4])
})

test('or: conditions, groups, negations, quoted values', async () => {
  await finds(books().or('id.eq.1,price.gt.10'), [1, 2])
  await finds(books().or('id.eq.4,and(in_print.is.true,price.lt.8)'), [3, 4, 5])
  await finds(books().or('id.eq.4,not.and(id.gt.1,id.lt.5)'), [1, 4, 5])
  await finds(books().or('title.eq."Cooking, slowly",id.in.(1,2)'), [1, 2, 3])
  await finds(books().or('tags.cs.{animals,red},subtitle.not.is.null'), [1, 3, 5])
  await finds(books().or('meta->>lang.eq.hu,id.eq.1').or('id.gt.1'), [3])
  await refused(books().or('id.eq.1,'), 400, 'PGRST100')
})

test('or: referencedTable and foreignTable', async () => {
  const expected = [
    { id: 1, books: [{ id: 1 }] },
    { id: 2, books: [{ id: 5 }] },
  ]
  const asked = () => admin.from('authors').select('id,books(id)').lt('id', 3).order('id')
  await answers(asked().or('id.eq.1,id.eq.5', { referencedTable: 'books' }), expected)
  await answers(asked().or('id.eq.1,id.eq.5', { foreignTable: 'books' }), expected)
})

test('filter: any operator by its own name', async () => {
  await finds(books().filter('id', 'in', '(1,2)'), [1, 2])
  await finds(books().filter('id', 'not.in', '(1,2)'), [3, 4, 5])
  await finds(books().filter('title', 'imatch', '^the'), [1, 2])
  await finds(books().filter('id', 'eq(any)', '{1,4}'), [1, 4])
  await finds(books().filter('id', 'gt(all)', '{1,3}'), [4, 5])
  await finds(books('id,authors!inner(id)').filter('authors.mentor_id', 'eq', '1'), [3, 4, 5])
  await refused(books().filter('id', 'equals', '1'), 400, 'PGRST100')
})
