"""FastAPI and asyncpg, written as an experienced user of both would.

A transaction a request: role and claims with set_config, the statement, COMMIT. The token is
verified by PyJWT on every request, rows become JSON through orjson.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import jwt
import orjson
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from pydantic import BaseModel

_COLUMNS = "id, customer_id, status, total, note, created_at"
_AS = (
    "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true),"
    " set_config('request.method', $3, true), set_config('request.path', $4, true)"
)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await asyncpg.create_pool(
        host=os.environ["PGHOST"],
        port=int(os.environ["PGPORT"]),
        user=os.environ["PGUSER"],
        database=os.environ["PGDATABASE"],
        min_size=1,
        max_size=10,
    )
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan)


async def database(request: Request) -> AsyncIterator[Any]:
    try:
        token = request.headers["authorization"].removeprefix("Bearer ")
        claims = jwt.decode(
            token, os.environ["JWT_SECRET"], algorithms=["HS256"], audience="authenticated"
        )
    except (KeyError, jwt.InvalidTokenError) as error:
        raise HTTPException(401) from error
    async with app.state.pool.acquire() as connection, connection.transaction():
        await connection.execute(
            _AS, claims["role"], json.dumps(claims), request.method, request.url.path
        )
        yield connection


Database = Annotated[Any, Depends(database, scope="function")]


def _default(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, UUID):  # asyncpg's own subclass of it
        return str(value)
    raise TypeError


def answer(rows: Any, status: int = 200) -> Response:
    body = orjson.dumps([dict(row) for row in rows], default=_default)
    return Response(body, status, media_type="application/json")


class Event(BaseModel):
    kind: str
    payload: dict[str, Any]


class Summary(BaseModel):
    wanted: str
    rows_read: int


@app.get("/orders/{number}")
async def order(number: int, connection: Database) -> Response:
    return answer(await connection.fetch(f"select {_COLUMNS} from orders where id = $1", number))


@app.get("/orders")
async def orders(after: int, connection: Database) -> Response:
    sql = f"select {_COLUMNS} from orders where id > $1 order by id limit 100"
    return answer(await connection.fetch(sql, after))


@app.get("/open-orders")
async def open_orders(after: int, connection: Database) -> Response:
    rows = await connection.fetch(
        "select o.id, o.status, o.total, c.name, c.city from orders o"
        " join customers c on c.id = o.customer_id"
        " where o.status = 'open' and o.id > $1 order by o.id limit 20",
        after,
    )
    return answer(
        {
            "id": row["id"],
            "status": row["status"],
            "total": row["total"],
            "customers": {"name": row["name"], "city": row["city"]},
        }
        for row in rows
    )


@app.post("/events")
async def add_event(event: Event, connection: Database) -> Response:
    row = await connection.fetchrow(
        "insert into events (kind, payload) values ($1, $2)"
        " returning id, owner, kind, payload, created_at",
        event.kind,
        json.dumps(event.payload),
    )
    return answer([{**dict(row), "payload": json.loads(row["payload"])}], 201)


@app.post("/rpc/order_summary")
async def order_summary(summary: Summary, connection: Database) -> Response:
    return answer(
        await connection.fetch(
            "select * from order_summary($1, $2)", summary.wanted, summary.rows_read
        )
    )
