"""The pool against a real PostgreSQL: atomic, isolated, cancellable, fair."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from backstay.db.model import (
    DatabaseError,
    DatabaseUnavailable,
    PoolTimeout,
    Query,
    Session,
)
from backstay.db.pool import Pool
from backstay.db.results import Notice
from tests.support.cluster import Database

ANON = Session("anon", '"public"', (("request.jwt.claims", '{"role":"anon"}'),))
WHO = Query("select current_user, current_setting('search_path')")
NOTHING = Session()

MakePool = Callable[..., Awaitable[Pool]]


@pytest.fixture
async def make_pool(database: Database) -> AsyncIterator[MakePool]:
    """Opens pools on the test's database as ``authenticator``; closes them in the end."""
    made: list[Pool] = []

    async def make(role: str = "authenticator", **options: object) -> Pool:
        pool = Pool(database.dsn(role), **options)  # type: ignore[arg-type]
        made.append(pool)
        await pool.open()
        return pool

    yield make
    for pool in made:
        await pool.close()


@pytest.fixture
def ledger(database: Database) -> Database:
    """A table, and a constraint that speaks only at the commit."""
    database.psql(
        """
        create table public.ledger (id int primary key, parent int
            references public.ledger deferrable initially deferred);
        grant all on public.ledger to anon;
        """
    )
    return database


async def settled(pool: Pool) -> None:
    """Until no connection is being mended."""
    async with asyncio.timeout(10):
        while pool.stats.idle != pool.stats.open:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


# ── what a request is ─────────────────────────────────────────────────────────────────────────


async def test_settings_hold_for_the_request_and_no_longer(make_pool: MakePool) -> None:
    pool = await make_pool(size=1)
    first = await pool.run(
        ANON, Query("select current_user, current_setting('request.jwt.claims')")
    )
    assert first.rows == [(b"anon", b'{"role":"anon"}')]
    assert first.columns == ("current_user", "current_setting")
    assert first.command == "SELECT 1"
    after = await pool.run(
        NOTHING, Query("select current_user, current_setting('request.jwt.claims', true)")
    )
    assert after.rows == [(b"authenticator", b"")]


async def test_parameters_are_values(make_pool: MakePool) -> None:
    pool = await make_pool()
    found = await pool.run(
        ANON, Query("select $1::text, $2::int + 1, $3::text", ("'; --", "41", None))
    )
    assert found.rows == [(b"'; --", b"42", None)]


async def test_one_failure_undoes_the_whole_exchange(make_pool: MakePool, ledger: Database) -> None:
    pool = await make_pool()
    with pytest.raises(DatabaseError) as caught:
        await pool.run_all(
            ANON,
            [
                Query("insert into ledger values (1)"),
                Query("insert into ledger values (1)"),
                Query("insert into ledger values (2)"),
            ],
        )
    assert (caught.value.sqlstate, caught.value.step) == ("23505", 1)
    assert caught.value.constraint == "ledger_pkey"
    assert ledger.execute("select * from ledger") == []


async def test_nothing_is_answered_before_the_commit(make_pool: MakePool, ledger: Database) -> None:
    pool = await make_pool()
    with pytest.raises(DatabaseError) as caught:
        await pool.run(ANON, Query("insert into ledger values (1, 7) returning id"))
    assert (caught.value.sqlstate, caught.value.step) == ("23503", -1)
    assert ledger.execute("select * from ledger") == []


async def test_settings_that_are_refused_say_so(make_pool: MakePool) -> None:
    pool = await make_pool()
    with pytest.raises(DatabaseError) as caught:
        await pool.run(Session("no_such_role"), WHO)
    assert (caught.value.sqlstate, caught.value.step) == ("22023", -1)
    assert (await pool.run(ANON, WHO)).rows == [(b"anon", b'"public"')]


async def test_read_only_cannot_be_undone(make_pool: MakePool, ledger: Database) -> None:
    pool = await make_pool()
    reader = Session("anon", '"public"', read_only=True)
    for sql in (
        "insert into ledger values (1)",
        "select set_config('transaction_read_only', 'off', true)",
    ):
        with pytest.raises(DatabaseError) as caught:
            await pool.run(reader, Query(sql))
        assert caught.value.sqlstate == "25006" or "read-write" in caught.value.message
    await pool.run(ANON, Query("insert into ledger values (1)"))
    assert ledger.execute("select id from ledger") == [(1,)]


async def test_rollback_hears_deferred_constraints_first(
    make_pool: MakePool, ledger: Database
) -> None:
    pool = await make_pool()
    kept = await pool.run_all(
        ANON, [Query("insert into ledger values (1) returning id")], rollback=True
    )
    assert kept[0].rows == [(b"1",)]
    with pytest.raises(DatabaseError) as caught:
        await pool.run_all(ANON, [Query("insert into ledger values (2, 9)")], rollback=True)
    assert caught.value.sqlstate == "23503"
    assert ledger.execute("select * from ledger") == []
    assert (await pool.run(ANON, WHO)).rows == [(b"anon", b'"public"')]


async def test_isolation(make_pool: MakePool) -> None:
    pool = await make_pool()
    level = Query("select current_setting('transaction_isolation')")
    (serial,) = await pool.run_all(ANON, [level], isolation="serializable")
    assert serial.rows == [(b"serializable",)]
    assert (await pool.run(ANON, level)).rows == [(b"read committed",)]


async def test_roles_and_search_paths_do_not_share_a_plan(
    make_pool: MakePool, database: Database
) -> None:
    database.psql(
        """
        create schema one; create table one.t as select 'one' as v;
        create schema two; create table two.t as select 2 as v;
        grant usage on schema one, two to anon, authenticated;
        grant select on one.t, two.t to anon, authenticated;
        """
    )
    pool = await make_pool(size=1)
    query = Query("select v, current_user from t")
    for _ in range(3):
        for role in ("anon", "authenticated"):
            for path, value in (("one", b"one"), ("two", b"2")):
                found = await pool.run(Session(role, path), query)
                assert found.rows == [(value, role.encode())]


async def test_notices_reach_the_hook(make_pool: MakePool) -> None:
    heard: list[Notice] = []
    pool = await make_pool(on_notice=heard.append)
    await pool.run(ANON, Query("do $$ begin raise warning 'careful'; end $$"))
    assert [(notice.severity, notice.message) for notice in heard] == [("WARNING", "careful")]


# ── prepared statements ───────────────────────────────────────────────────────────────────────

_PREPARED = Query("select count(*) from pg_prepared_statements", prepare=False)


async def test_prepared_statements_are_bounded(make_pool: MakePool) -> None:
    pool = await make_pool(size=1, statement_cache=5)
    for number in range(40):
        assert (await pool.run(ANON, Query(f"select {number}"))).rows == [(b"%d" % number,)]
    assert (await pool.run(NOTHING, _PREPARED)).rows == [(b"5",)]


async def test_an_exchange_larger_than_the_bound(make_pool: MakePool) -> None:
    pool = await make_pool(size=1, statement_cache=2)
    queries = [Query(f"select {number}") for number in (1, 2, 3, 4, 1, 2)]
    for _ in range(2):
        results = await pool.run_all(ANON, queries)
        assert [result.rows[0][0] for result in results] == [b"1", b"2", b"3", b"4", b"1", b"2"]


async def test_a_failed_preparation_is_not_remembered(
    make_pool: MakePool, database: Database
) -> None:
    pool = await make_pool(size=1)
    query = Query("select * from late")
    for _ in range(2):
        with pytest.raises(DatabaseError) as caught:
            await pool.run_all(ANON, [query, Query("select 'skipped'")])
        assert (caught.value.sqlstate, caught.value.step) == ("42P01", 0)
    database.psql("create table public.late (a int); grant select on public.late to anon")
    assert (await pool.run(ANON, query)).rows == []
    assert (await pool.run(ANON, Query("select 'skipped'"))).rows == [(b"skipped",)]


@pytest.mark.parametrize("isolation", ["", "repeatable read"])
async def test_a_changed_result_type_is_prepared_anew(
    make_pool: MakePool, ledger: Database, isolation: str
) -> None:
    pool = await make_pool(size=1)
    query = Query("select * from ledger")
    assert len((await pool.run(ANON, query)).columns) == 2
    ledger.psql("alter table public.ledger add column note text")
    (found,) = await pool.run_all(ANON, [query], isolation=isolation)  # type: ignore[arg-type]
    assert found.columns == ("id", "parent", "note")


async def test_statements_lost_to_a_pooler_are_prepared_anew(make_pool: MakePool) -> None:
    pool = await make_pool(size=1)
    await pool.run(ANON, WHO)
    await pool.run(NOTHING, Query("deallocate all", prepare=False))
    assert (await pool.run(ANON, WHO)).rows == [(b"anon", b'"public"')]


async def test_forgetting_statements_infers_types_anew(
    make_pool: MakePool, database: Database
) -> None:
    database.psql("create table public.kind (v int); grant all on public.kind to anon")
    pool = await make_pool(size=1)
    query = Query("insert into kind values ($1)", ("7",))
    await pool.run(ANON, query)
    database.psql("alter table public.kind alter v type text[] using array[v::text]")
    pool.forget_statements()
    await pool.run(ANON, Query(query.sql, ("{a,b}",)))
    assert database.execute("select v from kind") == [(["7"],), (["a", "b"],)]
    assert (await pool.run(NOTHING, _PREPARED)).rows == [(b"2",)]


async def test_without_prepared_statements(make_pool: MakePool) -> None:
    pool = await make_pool(size=1, prepared=False)
    assert (await pool.run(ANON, WHO)).rows == [(b"anon", b'"public"')]
    assert (await pool.run(NOTHING, _PREPARED)).rows == [(b"0",)]


# ── transactions that stay open ───────────────────────────────────────────────────────────────


async def test_a_transaction_decides_between_statements(
    make_pool: MakePool, ledger: Database
) -> None:
    pool = await make_pool()
    async with pool.transaction(ANON, "serializable") as tx:
        (count,) = (await tx.run(Query("select count(*) from ledger"))).rows[0]
        if count == b"0":
            await tx.run_all([Query("insert into ledger values (1)"), WHO])
    assert ledger.execute("select id from ledger") == [(1,)]


async def test_a_transaction_rolls_back_when_its_block_raises(
    make_pool: MakePool, ledger: Database
) -> None:
    pool = await make_pool(size=1)
    with pytest.raises(KeyError):  # noqa: PT012
        async with pool.transaction(ANON) as tx:
            await tx.run(Query("insert into ledger values (1)"))
            raise KeyError
    assert ledger.execute("select * from ledger") == []
    assert pool.stats.idle == 1


async def test_a_swallowed_error_does_not_pass_for_a_commit(
    make_pool: MakePool, ledger: Database
) -> None:
    pool = await make_pool(size=1)
    with pytest.raises(DatabaseError) as caught:  # noqa: PT012
        async with pool.transaction(ANON) as tx:
            await tx.run(Query("insert into ledger values (1)"))
            with pytest.raises(DatabaseError):
                await tx.run(Query("select 1/0"))
    assert caught.value.sqlstate == "25P02"
    assert ledger.execute("select * from ledger") == []


async def test_a_commit_that_fails_says_so(make_pool: MakePool, ledger: Database) -> None:
    pool = await make_pool(size=1)
    with pytest.raises(DatabaseError) as caught:
        async with pool.transaction(ANON) as tx:
            await tx.run(Query("insert into ledger values (1, 9)"))
    assert (caught.value.sqlstate, caught.value.step) == ("23503", -1)
    assert (await pool.run(ANON, WHO)).rows == [(b"anon", b'"public"')]


async def test_a_transaction_left_by_cancellation_is_rolled_back(
    make_pool: MakePool, ledger: Database
) -> None:
    pool = await make_pool(size=1)
    inside = asyncio.Event()

    async def flow() -> None:
        async with pool.transaction(ANON) as tx:
            await tx.run(Query("insert into ledger values (1)"))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(flow())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await pool.run(ANON, WHO)).rows == [(b"anon", b'"public"')]
    assert ledger.execute("select * from ledger") == []


# ── cancellation and the queue ────────────────────────────────────────────────────────────────


async def test_cancelling_the_task_cancels_the_statement(
    make_pool: MakePool, database: Database
) -> None:
    pool = await make_pool(size=1)
    task = asyncio.create_task(pool.run(ANON, Query("select pg_sleep(60)")))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await settled(pool)
    assert pool.stats.connected == 1
    assert pool.stats.broken == 0
    assert (await pool.run(ANON, WHO)).rows == [(b"anon", b'"public"')]
    assert (
        database.execute(
            "select 1 from pg_stat_activity where query ~ 'pg_sleep.60' "
            "and state = 'active' and pid <> pg_backend_pid()"
        )
        == []
    )


async def test_nobody_waits_longer_than_the_timeout(make_pool: MakePool) -> None:
    pool = await make_pool(size=1, acquisition_timeout=0.2)
    busy = asyncio.create_task(pool.run(ANON, Query("select pg_sleep(1)")))
    await asyncio.sleep(0.05)
    with pytest.raises(PoolTimeout):
        await pool.run(ANON, WHO)
    assert pool.stats.timeouts == 1
    assert pool.stats.waiting == 0
    await busy
    assert (await pool.run(ANON, WHO)).rows == [(b"anon", b'"public"')]


async def test_first_come_first_served(make_pool: MakePool) -> None:
    pool = await make_pool(size=2)
    served: list[int] = []

    async def ask(number: int) -> None:
        await pool.run(ANON, Query("select pg_sleep(0.01)"))
        served.append(number)

    await asyncio.gather(*[ask(number) for number in range(20)])
    assert all(abs(place - number) <= 1 for place, number in enumerate(served))
    assert pool.stats.connected == 2


async def test_a_waiter_that_left_is_skipped(make_pool: MakePool) -> None:
    pool = await make_pool(size=1)
    busy = asyncio.create_task(pool.run(ANON, Query("select pg_sleep(0.2)")))
    await asyncio.sleep(0.05)
    waiting = [asyncio.create_task(pool.run(ANON, WHO)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await busy
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert not any(isinstance(result, BaseException) for result in results[1:])


async def test_parameters_larger_than_any_buffer(make_pool: MakePool) -> None:
    pool = await make_pool()
    large = "x" * 20_000_000
    found = await pool.run(ANON, Query("select length($1), $1", (large,)))
    assert found.rows[0][0] == b"20000000"
    assert found.rows[0][1] == large.encode()


# ── the server goes away ──────────────────────────────────────────────────────────────────────

_TERMINATE = (
    "select count(pg_terminate_backend(pid)) from pg_stat_activity "
    "where application_name = 'backstay' and datname = current_database()"
)


async def test_an_idle_connection_that_was_ended_is_replaced_unnoticed(
    make_pool: MakePool, database: Database
) -> None:
    pool = await make_pool(size=2)
    for _ in range(3):
        await pool.run(ANON, WHO)
        database.execute(_TERMINATE, role="supabase_admin")
        assert (await pool.run(ANON, WHO)).rows == [(b"anon", b'"public"')]
    assert pool.stats.open == 1
    assert pool.stats.broken == 3


async def test_a_request_in_flight_is_not_repeated(make_pool: MakePool, database: Database) -> None:
    pool = await make_pool(size=2)
    task = asyncio.create_task(pool.run(ANON, Query("select pg_sleep(60)")))
    await asyncio.sleep(0.1)
    await asyncio.to_thread(database.execute, _TERMINATE, role="supabase_admin")
    with pytest.raises(DatabaseUnavailable):
        await task
    assert (await pool.run(ANON, WHO)).rows == [(b"anon", b'"public"')]


async def test_no_server_is_unavailable_at_once(tmp_path: object) -> None:
    pool = Pool(f"host={tmp_path} port=1 user=nobody dbname=nothing")
    await pool.open()
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await pool.run(ANON, WHO)
    await pool.close()


async def test_opening_with_connections_asked_for_fails_without_a_server(tmp_path: object) -> None:
    pool = Pool(f"host={tmp_path} port=1 user=nobody dbname=nothing", min_size=1)
    with pytest.raises(DatabaseUnavailable):
        await pool.open()


async def test_a_closed_pool_refuses_and_can_be_opened_again(make_pool: MakePool) -> None:
    pool = await make_pool()
    await pool.run(ANON, WHO)
    await pool.close()
    assert pool.stats.open == 0
    with pytest.raises(DatabaseUnavailable):
        await pool.run(ANON, WHO)
    await pool.open()
    assert (await pool.run(ANON, WHO)).rows == [(b"anon", b'"public"')]


async def test_connections_age_and_idle_ones_are_closed(make_pool: MakePool) -> None:
    aging = await make_pool(size=1, max_lifetime=0.05)
    for _ in range(3):
        await aging.run(ANON, WHO)
        await asyncio.sleep(0.1)
    assert aging.stats.connected == 2  # the first was used once more, and then replaced
    idle = await make_pool(size=4, max_idletime=0.1)
    await asyncio.gather(*[idle.run(ANON, Query("select pg_sleep(0.01)")) for _ in range(4)])
    assert idle.stats.open == 4
    await asyncio.sleep(0.35)
    assert idle.stats.open == 0
