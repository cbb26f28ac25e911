"""Large results in chunks: bounded memory, no faster than they are taken, cancelled when left."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator

import pytest

from backstay.db.model import DatabaseError, Query, Session
from backstay.db.pool import Pool
from tests.support.cluster import Database

ANON = Session("anon", '"public"')
WHO = Query("select current_user")


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = Pool(database.dsn("authenticator"), size=1)
    await pool.open()
    yield pool
    await pool.close()


async def test_rows_come_in_order_and_in_chunks(pool: Pool) -> None:
    seen: list[int] = []
    query = Query("select g as number from generate_series(1, $1::int) g", ("1000",))
    async with pool.stream(ANON, [WHO, query], rows_per_chunk=64) as stream:
        assert stream.results[0].rows == [(b"anon",)]
        assert stream.columns == ("number",)
        async for rows in stream:
            assert len(rows) <= 64
            seen += [int(row[0] or b"") for row in rows]
    assert seen == list(range(1, 1001))
    assert (await pool.run(ANON, WHO)).rows == [(b"anon",)]


@pytest.mark.parametrize("session", [ANON, Session()])
@pytest.mark.parametrize("count", [0, 1, 64, 65])
async def test_any_number_of_rows(pool: Pool, session: Session, count: int) -> None:
    query = Query(f"select g from generate_series(1, {count}) g")
    for _ in range(2):
        async with pool.stream(session, [query], rows_per_chunk=64) as stream:
            assert sum([len(rows) async for rows in stream]) == count


async def test_an_error_before_the_first_row_is_raised_on_entering(pool: Pool) -> None:
    with pytest.raises(DatabaseError) as caught:
        async with pool.stream(ANON, [WHO, Query("select * from nowhere")]):
            pytest.fail("entered")
    assert (caught.value.sqlstate, caught.value.step) == ("42P01", 1)
    assert (await pool.run(ANON, WHO)).rows == [(b"anon",)]


async def test_an_error_between_rows_is_raised_by_the_iteration(pool: Pool) -> None:
    query = Query("select 1 / (1000 - g) from generate_series(1, 2000) g")
    with pytest.raises(DatabaseError) as caught:  # noqa: PT012
        async with pool.stream(ANON, [query], rows_per_chunk=100) as stream:
            async for _ in stream:
                pass
    assert caught.value.sqlstate == "22012"
    assert (await pool.run(ANON, WHO)).rows == [(b"anon",)]


async def test_leaving_early_cancels(pool: Pool) -> None:
    endless = Query(
        "select repeat('x', 1000) from generate_series(1, 9999) a, generate_series(1, 9999) b"
    )
    async with pool.stream(ANON, [endless]) as stream:
        async for _ in stream:
            break
    async with asyncio.timeout(5):
        assert (await pool.run(ANON, WHO)).rows == [(b"anon",)]
    assert pool.stats.connected == 1


async def test_memory_does_not_grow_with_the_result(pool: Pool) -> None:
    """200 MB in rows of 10 kB pass through a slow consumer in less than 30 MB."""
    query = Query("select repeat(md5(g::text), 320) from generate_series(1, 20000) g")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = 0
    async with pool.stream(ANON, [query], rows_per_chunk=50) as stream:
        async for rows in stream:
            size += sum(len(row[0] or b"") for row in rows)
            await asyncio.sleep(0)
    assert size == 20_000 * 10_240
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000
