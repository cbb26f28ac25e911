// Rule of this file: nothing that supabase-js's query builders offer is without a test. The methods
// are found by looking; what is tested stands before the colons of the tests' names.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'

const postgrest = createRequire(import.meta.url)('@supabase/postgrest-js')
const BUILDERS = ['PostgrestClient', 'PostgrestQueryBuilder', 'PostgrestFilterBuilder',
  'PostgrestTransformBuilder', 'PostgrestBuilder']
const FILES = ['filters', 'modifiers', 'writes']

/** What TypeScript calls private, which JavaScript cannot tell. */
const INTERNAL = new Set(['constructor', 'cloneRequestState', 'processResponse'])

/** Declared alike, but of constructors and of types, which only TypeScript sees. */
const NO_OPTIONS = new Set(['shouldThrowOnError', 'isMaybeSingle', 'shouldStripNulls', 'merge',
  'isSetofReturn', 'isNotNullable'])

const offered = new Set(BUILDERS.flatMap((name) => Object.getOwnPropertyNames(postgrest[name].prototype))
  .filter((method) => !INTERNAL.has(method)))

const tested = new Set(FILES.flatMap((file) => {
  const text = readFileSync(new URL(`builders_${file}.test.mjs`, import.meta.url), 'utf8')
  return [...text.matchAll(/^test\('([\w, ]+):/gm)].flatMap(([, names]) => names.split(', '))
}))

/** The names of all options in the builders' declarations, as `ascending?: boolean`. */
const options = () => {
  const text = readFileSync(
    new URL('node_modules/@supabase/postgrest-js/dist/index.d.mts', import.meta.url), 'utf8')
  const declared = text.slice(text.indexOf('declare abstract class PostgrestBuilder'))
  return new Set([...declared.matchAll(/\b([a-z]\w+)\?: (?:boolean|string|'|undefined)/gi)]
    .map(([, name]) => name).filter((name) => !NO_OPTIONS.has(name)))
}

test('every method of the builders has a test', () => {
  assert.ok(offered.size > 50, `${offered.size} methods found`)
  assert.deepEqual([...offered].filter((method) => !tested.has(method)), [])
})

test('every test is about a method that is there', () => {
  assert.deepEqual([...tested].filter((method) => !offered.has(method)), [])
})

test('every builder that is exported is looked at', () => {
  const classes = Object.keys(postgrest).filter((name) => /Builder$|Client$/.test(name))
  assert.deepEqual(classes.filter((name) => !BUILDERS.includes(name)), [])
})

test('every option of a method is used by a test', () => {
  const texts = FILES.map((file) =>
    readFileSync(new URL(`builders_${file}.test.mjs`, import.meta.url), 'utf8')).join('\n')
  const names = [...options()]
  assert.ok(names.length > 15, names.join(' '))
  assert.deepEqual(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(texts)), [])
})
