// What every JavaScript test needs: where the server is, and clients made the documented way.
import { createRequire } from 'node:module'
import { createClient } from '@supabase/supabase-js'

const ws = createRequire(import.meta.url)('ws')

export const url = process.env.SUPABASE_URL
export const anonKey = process.env.SUPABASE_ANON_KEY
export const serviceKey = process.env.SUPABASE_SERVICE_ROLE_KEY

/** What the tests give every client they make. */
export const options = { auth: { persistSession: false, autoRefreshToken: false }, realtime: { transport: ws } }

/** A client that is nobody yet. */
export const anonymous = () => createClient(url, anonKey, options)

/** A client that may do everything. */
export const service = () => createClient(url, serviceKey, options)

/** A client that sends this access token. */
export const bearing = (token) =>
  createClient(url, anonKey, { ...options, global: { headers: { Authorization: `Bearer ${token}` } } })

/** fetch as the BillKaro document shows it: apikey, bearer, JSON in, JSON out. */
export async function call(method, path, { token = anonKey, body, headers = {} } = {}) {
  const response = await fetch(url + path, {
    method,
    headers: { apikey: anonKey, Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : null, text }
}
