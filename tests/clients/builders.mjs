// The library (tests/clients/project) as the query builders' tests ask for it.
import assert from 'node:assert/strict'
import { service } from './support.mjs'

export const admin = service()

/** Books, each as its id, in the order of the ids. */
export const books = (columns = 'id') => admin.from('books').select(columns).order('id')

/** The query finds the rows with these ids, in this order. */
export async function finds(query, ids) {
  const { data, error, status } = await query
  assert.equal(error, null, JSON.stringify(error))
  assert.equal(status, 200)
  assert.deepEqual(data.map((row) => row.id), ids)
}

/** The query answers exactly this. */
export async function answers(query, expected, wantedStatus = 200) {
  const { data, error, status } = await query
  assert.equal(error, null, JSON.stringify(error))
  assert.deepEqual(data, expected)
  assert.equal(status, wantedStatus)
}

/** The query is refused with this status and code; the error, for more to be asked of it. */
export async function refused(query, status, code) {
  const reply = await query
  assert.ok(reply.error, `not refused: ${JSON.stringify(reply.data)}`)
  assert.deepEqual([reply.status, reply.error.code], [status, code], JSON.stringify(reply.error))
  assert.equal(reply.data, null)
  return reply.error
}

let numbers = 0

/** A code for an entry that no other test uses. */
export const fresh = () => `code-${process.pid}-${++numbers}`

/** Change a setting of PostgREST within the database and wait until `holds` is true of it. */
export async function configure(wanted, setting, holds) {
  const { error } = await admin.rpc('configure', { wanted, setting })
  assert.equal(error, null, JSON.stringify(error))
  for (let tries = 0; tries < 100; tries++) {
    if (await holds()) return
    await new Promise((resume) => setTimeout(resume, 50))
  }
  assert.fail(`${wanted}=${setting} did not take effect`)
}
