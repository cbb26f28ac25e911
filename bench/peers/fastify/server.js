// Fastify and pg, written as an experienced user of both would: named prepared statements, a
// transaction a request with role and claims set in it, response schemas for fast serialisation,
// the token verified by @fastify/jwt on every request. WORKERS processes through node:cluster.
import cluster from 'node:cluster'
import jwt from '@fastify/jwt'
import Fastify from 'fastify'
import pg from 'pg'

const workers = Number(process.env.WORKERS ?? 1)
if (cluster.isPrimary && workers > 1) {
  for (let i = 0; i < workers; i++) cluster.fork()
  process.on('SIGTERM', () => process.exit(0))
} else {
  await serve()
}

async function serve() {
  pg.types.setTypeParser(1700, Number)
  pg.types.setTypeParser(20, Number)
  const pool = new pg.Pool({ max: 10 })
  const app = Fastify()
  app.register(jwt, { secret: process.env.JWT_SECRET, verify: { allowedAud: 'authenticated' } })

  const enter = {
    name: 'enter',
    text: `select set_config('role', $1, true), set_config('request.jwt.claims', $2, true),
      set_config('request.method', $3, true), set_config('request.path', $4, true)`
  }
  const run = async (request, statement, values) => {
    const claims = await request.jwtVerify()
    const client = await pool.connect()
    try {
      await client.query('begin')
      const as = [claims.role, JSON.stringify(claims), request.method, request.url]
      await client.query(enter, as)
      const { rows } = await client.query(statement, values)
      await client.query('commit')
      return rows
    } catch (error) {
      await client.query('rollback')
      throw error
    } finally {
      client.release()
    }
  }

  const columns = 'id, customer_id, status, total, note, created_at'
  const statements = {
    order: { name: 'order', text: `select ${columns} from orders where id = $1` },
    orders: {
      name: 'orders',
      text: `select ${columns} from orders where id > $1 order by id limit 100`
    },
    open: {
      name: 'open',
      text: `select o.id, o.status, o.total, c.name, c.city from orders o
        join customers c on c.id = o.customer_id
        where o.status = 'open' and o.id > $1 order by o.id limit 20`
    },
    event: {
      name: 'event',
      text: `insert into events (kind, payload) values ($1, $2)
        returning id, owner, kind, payload, created_at`
    },
    summary: { name: 'summary', text: 'select * from order_summary($1, $2)' }
  }

  const integer = { type: 'integer' }
  const number = { type: 'number' }
  const string = { type: 'string' }
  const nullable = { type: 'string', nullable: true }
  const list = (properties) => ({ type: 'array', items: { type: 'object', properties } })
  const order = {
    id: integer, customer_id: integer, status: string, total: number, note: nullable,
    created_at: { type: 'string', format: 'date-time' }
  }
  const open = {
    id: integer, status: string, total: number,
    customers: { type: 'object', properties: { name: string, city: string } }
  }
  const event = {
    id: integer, owner: string, kind: string,
    payload: { type: 'object', additionalProperties: true },
    created_at: { type: 'string', format: 'date-time' }
  }
  const city = { city: string, orders: integer, total: number }
  const after = { type: 'object', properties: { after: integer }, required: ['after'] }

  app.get('/orders/:id', {
    schema: {
      params: { type: 'object', properties: { id: integer } }, response: { 200: list(order) }
    }
  }, (request) => run(request, statements.order, [request.params.id]))

  app.get('/orders', { schema: { querystring: after, response: { 200: list(order) } } },
    (request) => run(request, statements.orders, [request.query.after]))

  app.get('/open-orders', { schema: { querystring: after, response: { 200: list(open) } } },
    async (request) => {
      const rows = await run(request, statements.open, [request.query.after])
      return rows.map(({ name, city, ...row }) => ({ ...row, customers: { name, city } }))
    })

  app.post('/events', {
    schema: {
      body: {
        type: 'object', properties: { kind: string, payload: { type: 'object' } },
        required: ['kind', 'payload']
      },
      response: { 201: list(event) }
    }
  }, async (request, reply) => {
    reply.code(201)
    return run(request, statements.event, [request.body.kind, request.body.payload])
  })

  app.post('/rpc/order_summary', {
    schema: {
      body: {
        type: 'object', properties: { wanted: string, rows_read: integer },
        required: ['wanted', 'rows_read']
      },
      response: { 200: list(city) }
    }
  }, (request) => run(request, statements.summary, [request.body.wanted, request.body.rows_read]))

  await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
}
