"""Reset from a template, and from nothing."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from backstay.cluster import templates
from backstay.cluster.conf import SUPERUSER
from tests.io.cluster.conftest import Make
from tests.io.cluster.test_cluster import ask


async def test_a_reset_brings_back_what_was_saved(folder: Path, make: Make) -> None:
    cluster = make(folder)
    await cluster.start()
    assert not await cluster.reset_from_template("k1")
    owner = cluster.dsn(SUPERUSER)
    ask(cluster.dsn(), "create table public.t as select 1 as a")
    ask(owner, "alter database postgres set app.shade to 'green'")
    ask(owner, "alter role anon in database postgres set app.shade to 'red'")
    ask(owner, "grant create on database postgres to anon")
    rights = "select datacl::text, datdba from pg_database where datname = 'postgres'"
    before = ask(owner, rights)

    await cluster.save_template("k1")
    ask(cluster.dsn(), "update public.t set a = 2")
    with psycopg.connect(cluster.dsn()) as left_open:
        assert await cluster.reset_from_template("k1")
        with pytest.raises(psycopg.OperationalError):
            left_open.execute("select 1")
    assert ask(cluster.dsn(), "select a from public.t") == 1
    assert ask(owner, rights) == before
    assert ask(owner, "show app.shade") == "green"
    assert ask(cluster.dsn("authenticator"), "select count(*) from pg_db_role_setting") is not None

    assert await cluster.reset_from_template("k1")
    assert ask(cluster.dsn(), "select a from public.t") == 1


async def test_the_templates_of_former_migrations_go(folder: Path, make: Make) -> None:
    cluster = make(folder)
    await cluster.start()
    for key in ("a", "b", "c"):
        await cluster.save_template(key)
    assert not await cluster.reset_from_template("a")
    assert await cluster.reset_from_template("c")


async def test_a_fresh_cluster_has_none_of_the_former_roles(folder: Path, make: Make) -> None:
    cluster = make(folder)
    await cluster.start()
    ask(cluster.dsn(SUPERUSER), "create role of_a_migration")
    ask(cluster.dsn(), "create table public.t ()")
    await cluster.recreate()
    owner = cluster.dsn(SUPERUSER)
    assert ask(owner, "select to_regrole('of_a_migration')::text") is None
    assert ask(owner, "select to_regclass('public.t')::text") is None


@pytest.mark.parametrize("key", ["", "a b", "x" * 60, 'a"b', "../a"])
def test_a_key_that_cannot_name_a_database(key: str) -> None:
    with pytest.raises(ValueError, match="not a template key"):
        templates.template_name(key)
