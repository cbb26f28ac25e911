"""Whatever happens to a request, the next one on the connection sees nothing of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backstay.db.model import DatabaseError, Query, Session
from backstay.db.pool import Pool
from tests.support.cluster import Database

ROLES = ("anon", "authenticated", "service_role", "")
SETTINGS = ("request.jwt.claims", "request.method", "app.tenant", "statement_timeout")
FATES = ("good", "bad", "bad settings", "cancelled", "rolled back", "serializable", "open", "left")
STATE = (
    "select current_user, current_setting('search_path'), current_setting('transaction_read_only'),"
    " current_setting('transaction_isolation'), current_setting('statement_timeout'),"
    " coalesce(current_setting('request.jwt.claims', true), ''),"
    " coalesce(current_setting('request.method', true), ''),"
    " coalesce(current_setting('app.tenant', true), '')"
)

sessions = st.builds(
    Session,
    role=st.sampled_from(ROLES),
    search_path=st.sampled_from(("", '"public"', '"auth", "public"')),
    settings=st.lists(
        st.tuples(st.sampled_from(SETTINGS), st.sampled_from(("1000", "2000"))),
        unique_by=lambda pair: pair[0],
    ).map(tuple),
    read_only=st.booleans(),
    role_settings=st.just(()),
)


async def live_through(pool: Pool, session: Session, fate: str) -> None:
    """One request of the given fate, whatever it raises."""
    try:
        if fate == "good":
            await pool.run(session, Query("select 1"))
        elif fate == "bad":
            await pool.run_all(session, [Query("select 1"), Query("select 1/0"), Query("select 2")])
        elif fate == "bad settings":
            worse = Session(session.role, settings=(("transaction_isolation", "none"),))
            await pool.run(worse, Query("select 1"))
        elif fate == "cancelled":
            task = asyncio.create_task(pool.run(session, Query("select pg_sleep(5)")))
            await asyncio.sleep(0.003)
            task.cancel()
            await task
        elif fate == "rolled back":
            await pool.run_all(session, [Query("select 1")], rollback=True)
        elif fate == "serializable":
            await pool.run_all(session, [Query("select 1/0")], isolation="serializable")
        elif fate == "open":
            async with pool.transaction(session) as tx:
                await tx.run(Query("set transaction read only"))
                await tx.run(Query("select 1/0"))
        elif fate == "left":
            query = Query("select g from generate_series(1, 100000) g")
            async with pool.stream(session, [query], rows_per_chunk=10) as stream:
                async for _ in stream:
                    break
    except (DatabaseError, asyncio.CancelledError):
        pass


def expected(session: Session, base: tuple[Any, ...]) -> tuple[Any, ...]:
    asked = dict(session.settings)
    role, path, _, isolation, timeout, *rest = base
    claims = [asked.get(name, "").encode() or rest[i] for i, name in enumerate(SETTINGS[:3])]
    timeouts = {"1000": b"1s", "2000": b"2s"}
    return (
        session.role.encode() or role,
        session.search_path.encode() or path,
        b"on" if session.read_only else b"off",
        isolation,
        timeouts.get(asked.get("statement_timeout", ""), timeout),
        *claims,
    )


@pytest.fixture
def dsn(database: Database) -> str:
    return database.dsn("authenticator")


@given(st.lists(st.tuples(sessions, st.sampled_from(FATES)), min_size=1, max_size=12), sessions)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_nothing_leaks_to_the_next_request(
    dsn: str, lives: list[tuple[Session, str]], last: Session
) -> None:
    async def scenario() -> None:
        pool = Pool(dsn, size=1, statement_cache=3)
        await pool.open()
        try:
            base = tuple((await pool.run(Session(), Query(STATE))).rows[0])
            for session, fate in lives:
                await live_through(pool, session, fate)
                found = await pool.run(last, Query(STATE))
                assert tuple(found.rows[0]) == expected(last, base)
                bare = await pool.run(Session(), Query(STATE))
                assert tuple(bare.rows[0]) == base
            assert pool.stats.connected == 1
        finally:
            await pool.close()

    asyncio.run(scenario())
