"""Migrations: failures, history, settings between files, who sees the borrowed powers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from backstay.cluster.migrate import MigrationError, applied, migrate
from backstay.cluster.seed import seed
from tests.support.cluster import Database

OWNER = "supabase_admin"
Folder = Callable[..., Path]


def quiet(_: str) -> None:
    pass


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    def make(**files: str) -> Path:
        (tmp_path / "migrations").mkdir(exist_ok=True)
        for name, text in files.items():
            (tmp_path / "migrations" / f"{name.lstrip('_')}.sql").write_text(text)
        return tmp_path

    return make


async def test_a_failing_file_names_the_place_and_leaves_the_rest_untouched(
    database: Database, folder: Folder
) -> None:
    project = folder(
        _1_good="create table good (id int);",
        _2_bad="create table half (id int);\n\n-- the culprit\nselect 1,\n  nope\nfrom half;",
        _3_never="create table never (id int);",
    )
    with pytest.raises(MigrationError) as caught:
        await migrate(database.dsn(OWNER), project, progress=quiet)
    error = caught.value
    assert (error.file, error.line, error.sqlstate) == ("2_bad.sql", 5, "42703")
    assert error.statement.endswith("from half")
    assert 'column "nope" does not exist' in error.what
    assert await applied(database.dsn(OWNER)) == {"1": "good"}
    assert database.execute("select to_regclass('half'), to_regclass('never')") == [(None, None)]
    assert database.execute("select rolsuper from pg_roles where rolname = 'postgres'") == [
        (False,)
    ]


async def test_a_mended_file_goes_on_from_there(database: Database, folder: Folder) -> None:
    project = folder(_1_bad="select nope")
    with pytest.raises(MigrationError):
        await migrate(database.dsn(OWNER), project, progress=quiet)
    folder(_1_bad="select 1")
    done = await migrate(database.dsn(OWNER), project, progress=quiet)
    assert [one.migration.version for one in done] == ["1"]


async def test_a_deferred_constraint_fails_the_file(database: Database, folder: Folder) -> None:
    project = folder(
        _1_a="create table a (id int primary key, b int references a deferrable initially deferred);",
        _2_b="insert into a values (1, 2);",
    )
    with pytest.raises(MigrationError) as caught:
        await migrate(database.dsn(OWNER), project, progress=quiet)
    assert (caught.value.file, caught.value.sqlstate) == ("2_b.sql", "23503")
    assert await applied(database.dsn(OWNER)) == {"1": "a"}


async def test_what_was_committed_before_a_failure_is_said(
    database: Database, folder: Folder
) -> None:
    project = folder(
        _1_a="create table a (x int); commit; create index concurrently i on nope (x);"
    )
    with pytest.raises(MigrationError) as caught:
        await migrate(database.dsn(OWNER), project, progress=quiet)
    assert "already committed" in caught.value.next
    assert database.execute("select to_regclass('a')::text") == [("a",)]


@pytest.mark.parametrize("command", ["\\connect other", "\\i other.sql", "\\copy t from x"])
async def test_commands_of_psql_are_explained(
    database: Database, folder: Folder, command: str
) -> None:
    with pytest.raises(MigrationError, match="is a command of psql"):
        await migrate(database.dsn(OWNER), folder(_1_a=f"select 1;\n{command}\n"), progress=quiet)


async def test_settings_of_one_file_do_not_reach_the_next(
    database: Database, folder: Folder
) -> None:
    project = folder(
        _1_a="set search_path = ''; set session_replication_role = replica; set role anon;",
        _2_b="create table b as select current_user::text as me, session_user::text as login,"
        " current_setting('search_path') as path, current_setting('session_replication_role') as r;",
    )
    await migrate(database.dsn(OWNER), project, progress=quiet)
    assert database.execute("select * from b") == [
        ("postgres", "postgres", '"$user", public, extensions', "origin")
    ]


async def test_the_history_holds_the_statements(database: Database, folder: Folder) -> None:
    await migrate(database.dsn(OWNER), folder(_1_a="select 1;\n-- two\nselect 2;"), progress=quiet)
    assert database.execute("select statements from supabase_migrations.schema_migrations") == [
        (["select 1", "-- two\nselect 2"],)
    ]


async def test_two_runs_at_once_apply_each_file_once(database: Database, folder: Folder) -> None:
    project = folder(
        _1_a="create table a (x int); select pg_sleep(0.2);", _2_b="insert into a values (1)"
    )
    done = await asyncio.gather(
        *(migrate(database.dsn(OWNER), project, progress=quiet) for _ in range(3))
    )
    assert sorted(len(one) for one in done) == [0, 0, 2]
    assert database.execute("select count(*) from a") == [(1,)]


async def test_nobody_else_ever_sees_postgres_as_a_superuser(
    database: Database, folder: Folder
) -> None:
    project = folder(
        _1_a="create event trigger e on ddl_command_end execute function"
        " extensions.pgrst_ddl_watch(); select pg_sleep(0.3); commit; select pg_sleep(0.3);"
    )
    seen: set[bool] = set()
    run = asyncio.create_task(migrate(database.dsn(OWNER), project, progress=quiet))
    async with await psycopg.AsyncConnection.connect(
        database.dsn("postgres"), autocommit=True
    ) as other:
        while not run.done():
            rows = await other.execute("select rolsuper from pg_roles where rolname = 'postgres'")
            seen |= {row[0] for row in await rows.fetchall()}
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await other.execute("copy (select 1) to program 'true'")
            await asyncio.sleep(0.01)
    await run
    assert seen == {False}


async def test_a_function_made_with_the_powers_runs_without_them(
    database: Database, folder: Folder
) -> None:
    project = folder(
        _1_a="create function public.f() returns text language sql security definer"
        " as $$ select pg_read_file('PG_VERSION') $$; select public.f();"
    )
    await migrate(database.dsn(OWNER), project, progress=quiet)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        database.execute("select public.f()")


async def test_an_owner_that_is_no_superuser_migrates_its_own_database(
    database: Database, folder: Folder
) -> None:
    await migrate(database.dsn("postgres"), folder(_1_a="create table a (x int)"), progress=quiet)
    assert await applied(database.dsn("postgres")) == {"1": "a"}


async def test_a_database_without_history_gets_one(database: Database, folder: Folder) -> None:
    database.execute("drop schema supabase_migrations cascade")
    await migrate(database.dsn(OWNER), folder(_1_a="select 1"), progress=quiet)
    assert await applied(database.dsn(OWNER)) == {"1": "a"}


async def test_a_seed_runs_once_and_a_changed_one_is_only_noted(
    database: Database, tmp_path: Path
) -> None:
    (tmp_path / "seed.sql").write_text(
        "create table seeded (x int); insert into seeded values (1);"
    )
    said: list[str] = []
    owner = database.dsn(OWNER)
    assert await seed(owner, tmp_path, ["./seed.sql", "no*.sql"], progress=said.append) == [
        "seed.sql"
    ]
    assert said == ["No seed file matches no*.sql", "Seeding from seed.sql"]
    assert await seed(owner, tmp_path, ["./seed.sql"], progress=said.append) == []
    (tmp_path / "seed.sql").write_text("insert into seeded values (2);")
    assert await seed(owner, tmp_path, ["./seed.sql"], progress=said.append) == []
    assert "changed since it was seeded" in said[-1]
    assert database.execute("select x from seeded") == [(1,)]


async def test_a_project_without_a_seed_is_not_told_so(database: Database, tmp_path: Path) -> None:
    said: list[str] = []
    await seed(database.dsn(OWNER), tmp_path, ["./seed.sql", "./more.sql"], progress=said.append)
    assert said == ["No seed file matches ./more.sql"]


async def test_a_failing_seed_leaves_nothing(database: Database, tmp_path: Path) -> None:
    (tmp_path / "seed.sql").write_text("create table seeded (x int); insert into nope values (1);")
    with pytest.raises(MigrationError) as caught:
        await seed(database.dsn(OWNER), tmp_path, ["seed.sql"], progress=quiet)
    assert caught.value.file == "seed.sql"
    assert database.execute("select to_regclass('seeded')") == [(None,)]


async def test_a_type_of_postgis_is_an_error_that_says_what_to_do(
    database: Database, folder: Folder
) -> None:
    project = folder(_1_a="create extension postgis_raster; create table t (at raster);")
    with pytest.raises(MigrationError) as caught:
        await migrate(database.dsn(OWNER), project, progress=quiet)
    assert "bin_dir" in caught.value.why


async def test_a_dump_creates_extensions_with_an_empty_search_path(
    database: Database, folder: Folder
) -> None:
    names = ("pg_cron", "pgmq", "pgsodium", "pg_tle")
    creations = "".join(f'create extension if not exists "{name}";' for name in names)
    project = folder(_1_dump="select set_config('search_path', '', false);" + creations)
    await migrate(database.dsn(OWNER), project, progress=quiet)
    found = {row[0] for row in database.execute("select extname from pg_extension")}
    assert set(names) <= found
