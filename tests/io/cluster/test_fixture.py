"""The fixtures themselves: every other kind of test stands on them."""

from __future__ import annotations

import psycopg

from tests.support.cluster import Database, Server


def test_a_database_of_its_own_as_any_role(database: Database) -> None:
    assert database.execute("select current_user, current_database()", role="authenticator") == [
        ("authenticator", database.name)
    ]
    assert database.psql("select 1 + 1") == "2"


def test_databases_do_not_see_each_other(server: Server, database: Database) -> None:
    database.execute("create table public.here (a int)")
    other = server.create_database()
    try:
        assert other.execute("select to_regclass('public.here')") == [(None,)]
    finally:
        server.drop_database(other.name)


def test_a_database_is_reached_by_tcp_with_the_development_password(database: Database) -> None:
    with psycopg.connect(database.url()) as connection:
        assert connection.info.user == "postgres"
