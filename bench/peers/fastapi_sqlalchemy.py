"""FastAPI, SQLAlchemy 2 with its ORM over asyncpg, pydantic models: as their tutorials have it.

A session and a transaction a request, role and claims set in it, the token verified by PyJWT on
every request.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy import URL, FetchedValue, ForeignKey, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship

engine = create_async_engine(
    URL.create(
        "postgresql+asyncpg",
        username=os.environ["PGUSER"],
        database=os.environ["PGDATABASE"],
        query={"host": os.environ["PGHOST"], "port": os.environ["PGPORT"]},
    ),
    pool_size=10,
    max_overflow=0,
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class CustomerRow(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    city: Mapped[str]


class OrderRow(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    status: Mapped[str]
    total: Mapped[Decimal]
    note: Mapped[str | None]
    created_at: Mapped[datetime]
    customers: Mapped[CustomerRow] = relationship()


class EventRow(Base):
    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True, server_default=FetchedValue())
    owner: Mapped[UUID] = mapped_column(server_default=FetchedValue())
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - as SQLAlchemy declares it


class Model(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Order(Model):
    id: int
    customer_id: int
    status: str
    total: float
    note: str | None
    created_at: datetime


class Customer(Model):
    name: str
    city: str


class OpenOrder(Model):
    id: int
    status: str
    total: float
    customers: Customer


class NewEvent(BaseModel):
    kind: str
    payload: dict[str, Any]


class Event(NewEvent, Model):
    id: int
    owner: UUID
    created_at: datetime


class Wanted(BaseModel):
    wanted: str
    rows_read: int


class City(Model):
    city: str
    orders: int
    total: float


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)

_AS = text(
    "select set_config('role', :role, true), set_config('request.jwt.claims', :claims, true),"
    " set_config('request.method', :method, true), set_config('request.path', :path, true)"
)


async def database(request: Request) -> AsyncIterator[AsyncSession]:
    try:
        token = request.headers["authorization"].removeprefix("Bearer ")
        claims = jwt.decode(
            token, os.environ["JWT_SECRET"], algorithms=["HS256"], audience="authenticated"
        )
    except (KeyError, jwt.InvalidTokenError) as error:
        raise HTTPException(401) from error
    async with sessions() as session, session.begin():
        await session.execute(
            _AS,
            {
                "role": claims["role"],
                "claims": json.dumps(claims),
                "method": request.method,
                "path": request.url.path,
            },
        )
        yield session


Session = Annotated[AsyncSession, Depends(database, scope="function")]


@app.get("/orders/{number}", response_model=list[Order])
async def order(number: int, session: Session) -> Any:
    return (await session.scalars(select(OrderRow).where(OrderRow.id == number))).all()


@app.get("/orders", response_model=list[Order])
async def orders(after: int, session: Session) -> Any:
    found = select(OrderRow).where(OrderRow.id > after).order_by(OrderRow.id).limit(100)
    return (await session.scalars(found)).all()


@app.get("/open-orders", response_model=list[OpenOrder])
async def open_orders(after: int, session: Session) -> Any:
    found = (
        select(OrderRow)
        .options(joinedload(OrderRow.customers, innerjoin=True))
        .where(OrderRow.status == "open", OrderRow.id > after)
        .order_by(OrderRow.id)
        .limit(20)
    )
    return (await session.scalars(found)).all()


@app.post("/events", response_model=list[Event], status_code=201)
async def add_event(event: NewEvent, session: Session) -> Any:
    row = EventRow(kind=event.kind, payload=event.payload)
    session.add(row)
    await session.flush()
    return [row]


@app.post("/rpc/order_summary", response_model=list[City])
async def order_summary(wanted: Wanted, session: Session) -> Any:
    call = text("select * from order_summary(:wanted, :rows_read)")
    return (await session.execute(call, wanted.model_dump())).all()
