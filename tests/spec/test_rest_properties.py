"""What the service answers is what plain queries find, asked by the same role with the same claims.

BACKSTAY_EXAMPLES multiplies the number of worlds.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Coroutine
from typing import Any

import orjson
import psycopg
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from backstay import web
from backstay.catalog.cache import SchemaCache
from backstay.config.rest import RestSettings
from backstay.db.pool import Pool
from backstay.observe.bus import Bus
from backstay.rest.service import RestService
from backstay.tokens.model import Claims
from tests.support.cluster import Database
from tests.support.rest_reference import Reference, build, target
from tests.support.rest_worlds import ROLES, TYPES, Question, World, questions, worlds

MORE = int(os.environ.get("BACKSTAY_EXAMPLES", "1"))
SCHEMA = "wor ld"
SETTINGS = RestSettings(db_anon_role="anon", db_schemas=(SCHEMA,))

Asked = list[tuple[str, Question]]


class Verifier:
    """A token is a role and a subject: ``role:sub``."""

    def verify(self, token: str) -> Claims:
        role, _, sub = token.partition(":")
        data = {"role": role, "sub": sub}
        return Claims(orjson.dumps(data).decode(), data)


@st.composite
def worlds_and_questions(draw: st.DrawFn) -> tuple[World, Asked]:
    """A world and questions, each asked by two roles: the second finds the first one's plan."""
    world = draw(worlds())
    asked: Asked = []
    for question in draw(st.lists(questions(world), min_size=1, max_size=8)):
        asked += [(draw(st.sampled_from(ROLES)), question) for _ in range(2)]
    return world, asked


def expected(database: Database, role: str, question: Question) -> tuple[list[Any], int]:
    """The rows and their number, by plain queries as ``role``."""
    name, _, sub = role.partition(":")
    claims = json.dumps({"role": name, "sub": sub})
    with psycopg.connect(database.dsn("authenticator")) as connection:
        connection.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
        connection.execute("select set_config('role', %s, true)", (name,))
        return Reference(connection, SCHEMA).answer(question)


async def ask(service: RestService, role: str, question: Question) -> web.Response:
    path, _, query = target(question).partition("?")
    headers = {"prefer": "count=exact"}
    if not role.startswith("anon"):
        headers["authorization"] = f"Bearer {role}"
    return await service(web.Request("GET", path, query, headers))


async def answers(database: Database, asked: Asked) -> list[web.Response]:
    """What a service that has just started answers, one question after the other."""
    pool = Pool(database.dsn("authenticator"), size=1)
    cache = SchemaCache(pool, lambda _: SETTINGS, lambda _: Verifier(), Bus())
    await pool.open()
    try:
        await cache.start()
        service = RestService(pool, cache)
        return [await ask(service, role, question) for role, question in asked]
    finally:
        await cache.stop()
        await pool.close()


def run(work: Coroutine[Any, Any, list[web.Response]]) -> list[web.Response]:
    return asyncio.run(work)


@settings(
    max_examples=12 * MORE,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(worlds_and_questions())
def test_rows_are_those_of_plain_queries(database: Database, drawn: tuple[World, Asked]) -> None:
    world, asked = drawn
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        build(connection, SCHEMA, world, TYPES)
    for (role, question), response in zip(asked, run(answers(database, asked)), strict=True):
        note(f"{role} GET {target(question)}")
        rows, total = expected(database, role, question)
        assert isinstance(response.body, bytes)
        # PostgREST refuses limit=0 together with an offset, too.
        if question.offset > total or (question.limit == 0 and question.offset):
            assert response.status == 416
            continue
        assert response.status in (200, 206), response.body
        assert orjson.loads(response.body) == rows
        assert dict(response.headers)["Content-Range"].endswith(f"/{total}")
