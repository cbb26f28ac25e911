"""The bootstrap can run again, and configuration is settled on top of it."""

from __future__ import annotations

import psycopg
import pytest

from backstay.cluster import bootstrap
from tests.support.cluster import Database


async def test_apply_has_nothing_to_do_twice(database: Database) -> None:
    assert await bootstrap.apply(database.dsn("supabase_admin")) is False


async def test_apply_again_keeps_what_is_there(database: Database) -> None:
    database.execute("insert into auth.users (id, email) values (gen_random_uuid(), 'a@b.c')")
    database.execute("create policy mine on storage.objects for select using (true)")
    database.execute("update _backstay.bootstrap set fingerprint = 'older'", role="supabase_admin")
    assert await bootstrap.apply(database.dsn("supabase_admin")) is True
    assert database.execute("select email from auth.users") == [("a@b.c",)]
    assert database.execute("select policyname from pg_policies") == [("mine",)]


async def test_settings_of_the_configuration_reach_the_database(database: Database) -> None:
    settlement = bootstrap.Settlement(jwt_secret="it's a \\ secret", jwt_expiry=120)
    await bootstrap.settle(database.dsn("supabase_admin"), settlement)
    settings = database.execute(
        "select current_setting('app.settings.jwt_secret'), current_setting('app.settings.jwt_exp')"
    )
    assert settings == [("it's a \\ secret", "120")]


async def test_new_tables_can_stay_hidden(database: Database) -> None:
    owner = database.dsn("supabase_admin")
    await bootstrap.settle(owner, bootstrap.Settlement(auto_expose_new_tables=False))
    database.execute("create table public.hidden (x int)")
    with psycopg.connect(database.dsn("authenticator")) as connection:
        connection.execute("set role anon")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select * from public.hidden")
    await bootstrap.settle(owner, bootstrap.Settlement())
    database.execute("create table public.shown (x int)")
    assert database.execute("select has_table_privilege('anon', 'public.shown', 'select')") == [
        (True,)
    ]


async def test_settle_takes_back_what_a_crash_left(database: Database) -> None:
    owner = database.dsn("supabase_admin")
    database.execute("alter role postgres superuser", role="supabase_admin")
    await bootstrap.settle(owner, bootstrap.Settlement())
    assert database.execute("select rolsuper from pg_roles where rolname = 'postgres'") == [
        (False,)
    ]


def test_ddl_is_announced_to_the_rest_service(database: Database) -> None:
    with psycopg.connect(database.dsn("authenticator"), autocommit=True) as listener:
        listener.execute("listen pgrst")
        database.execute("create table public.t (x int)")
        database.execute("drop table public.t")
        heard = list(listener.notifies(timeout=5, stop_after=2))
        assert [note.payload for note in heard] == ["reload schema"] * 2
        database.execute("create temporary table t (x int)")
        assert list(listener.notifies(timeout=0.1)) == []


async def test_a_start_makes_the_partitions_of_the_day(database: Database) -> None:
    count = "select count(*) from pg_inherits where inhparent = 'realtime.messages'::regclass"
    before = database.execute(count)
    ((newest,),) = database.execute(
        "select max(inhrelid::regclass::text) from pg_inherits"
        " where inhparent = 'realtime.messages'::regclass"
    )
    database.execute(f"drop table {newest}", role="supabase_admin")
    await bootstrap.settle(database.dsn("supabase_admin"), bootstrap.Settlement())
    assert database.execute(count) == before
