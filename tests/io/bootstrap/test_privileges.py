"""What each role may do, and what the roles a client can reach may not."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from tests.support.cluster import Database

API = ("anon", "authenticated", "service_role")


def attempt(database: Database, role: str, *statements: str) -> None:
    """Run statements as a request would: logged in as authenticator, become ``role``."""
    with psycopg.connect(database.dsn("authenticator"), autocommit=True) as connection:
        if role != "authenticator":
            connection.execute(f"set role {role}".encode())
        for statement in statements:
            connection.execute(statement.encode())


def test_attributes_of_the_roles(shared: Database) -> None:
    rows = shared.execute(
        "select rolname, concat_ws(' ', case when rolcanlogin then 'login' end,"
        " case when rolsuper then 'super' end, case when not rolinherit then 'noinherit' end,"
        " case when rolcreaterole then 'createrole' end, case when rolcreatedb then 'createdb' end,"
        " case when rolreplication then 'replication' end,"
        " case when rolbypassrls then 'bypassrls' end) from pg_roles where rolname !~ '^pg_'"
    )
    assert (
        dict(rows).items()
        >= {
            "anon": "",
            "authenticated": "",
            "service_role": "bypassrls",
            "authenticator": "login noinherit",
            "postgres": "login createrole createdb replication bypassrls",
            "supabase_auth_admin": "login noinherit createrole",
            "supabase_storage_admin": "login noinherit createrole",
            "supabase_read_only_user": "login bypassrls",
            "dashboard_user": "createrole createdb replication",
            "supabase_replication_admin": "login replication",
            "supabase_etl_admin": "login replication",
            "supabase_realtime_admin": "noinherit",
            "supabase_functions_admin": "login noinherit createrole",
            "pgbouncer": "login",
        }.items()
    )


def test_memberships_and_limits(shared: Database) -> None:
    members = {
        (member, role)
        for member, role in shared.execute(
            "select member::regrole::text, roleid::regrole::text from pg_auth_members"
        )
    }
    assert {("authenticator", role) for role in API} <= members
    reachable = {role for member, role in members if member in (*API, "authenticator")}
    assert reachable == {*API, "pgsodium_keyholder"}
    limits = dict(
        shared.execute(
            "select setrole::regrole::text, setconfig from pg_db_role_setting where setdatabase = 0"
        )
    )
    assert "statement_timeout=3s" in limits["anon"]
    assert "statement_timeout=8s" in limits["authenticated"]
    assert {"statement_timeout=8s", "lock_timeout=8s"} <= set(limits["authenticator"])


@pytest.mark.parametrize("role", [*API, "authenticator"])
@pytest.mark.parametrize(
    "statement",
    [
        "set role postgres",
        "set role supabase_admin",
        "set role supabase_auth_admin",
        "set role supabase_storage_admin",
        "set session authorization postgres",
        "select set_config('role', 'postgres', false)",
        "alter role current_user superuser",
        "create role intruder",
        "grant postgres to anon",
        "create table public.intruder (x int)",
        "create function public.intruder() returns int language sql as 'select 1'",
        "create schema intruder",
        "create extension hstore",
        "create event trigger intruder on ddl_command_end execute function extensions.pgrst_ddl_watch()",
        "create publication intruder",
        "alter publication supabase_realtime add table auth.users",
        "set session_replication_role = replica",
        "alter system set log_statement = 'all'",
        "alter database postgres set search_path = x",
        "copy (select 1) to '/tmp/intruder'",
        "copy (select 1) to program 'true'",
        "select pg_read_file('postgresql.conf')",
        "select lo_import('/etc/passwd')",
        "select * from auth.users",
        "select encrypted_password from auth.users",
        "insert into auth.users (id) values (gen_random_uuid())",
        "select * from auth.refresh_tokens",
        "update auth.identities set provider = 'x'",
        "select * from pgbouncer.get_auth('postgres')",
        "select * from pg_authid",
        "select rolpassword from pg_catalog.pg_authid",
        "insert into supabase_migrations.schema_migrations (version) values ('1')",
        "select * from supabase_migrations.schema_migrations",
        "select * from _backstay.bootstrap",
        "select * from storage.migrations",
        "alter table storage.objects disable row level security",
        "create policy intruder on storage.objects using (true)",
        "drop table storage.objects",
        "truncate realtime.messages",
        "select vault._key(false)",
        "select net._enqueue('GET', 'http://x', null, null, null, 1)",
        "select * from net._http_response",
        "select * from net.http_request_queue",
        "select net.http_collect_response(1)",
        "alter function auth.uid() rename to intruder",
        "notify pgrst; select pg_reload_conf()",
        "create trigger intruder before insert on storage.objects for each row"
        " execute function storage.update_updated_at_column()",
    ],
)
def test_a_role_a_client_can_reach_can_not(shared: Database, role: str, statement: str) -> None:
    if role == "service_role" and statement.startswith("create trigger"):
        return  # ALL on storage.objects includes TRIGGER
    refused = (errors.InsufficientPrivilege, errors.UndefinedObject, errors.UndefinedTable)
    with pytest.raises((*refused, errors.UndefinedFunction)):
        attempt(shared, role, statement)


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_the_vault_is_closed_to_clients(shared: Database, role: str) -> None:
    for statement in ("select * from vault.decrypted_secrets", "select vault.create_secret('x')"):
        with pytest.raises(errors.InsufficientPrivilege):
            attempt(shared, role, statement)


def test_claims_give_a_role_nothing_it_does_not_have(shared: Database) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(
            shared,
            "anon",
            """select set_config('request.jwt.claims', '{"role":"service_role"}', false)""",
            "select * from auth.users",
        )


def test_our_security_definer_functions_pin_their_search_path(shared: Database) -> None:
    loose = shared.execute(
        """select p.oid::regprocedure::text from pg_proc as p
            where p.prosecdef and p.pronamespace::regnamespace::text <> 'pg_catalog'
              and not exists (select from unnest(p.proconfig) as c where c like 'search_path=%')"""
    )
    assert loose == []


def test_security_definer_functions_clients_may_call_are_known(shared: Database) -> None:
    callable_ = shared.execute(
        """select distinct p.proname::text from pg_proc as p, unnest(array['anon', 'authenticated']) as r
            where p.prosecdef and has_function_privilege(r, p.oid, 'execute')
              and has_schema_privilege(r, p.pronamespace, 'usage')
              and p.prorettype <> 'event_trigger'::regtype
            order by 1"""
    )
    assert [row[0] for row in callable_] == [
        "http_delete",
        "http_get",
        "http_post",
        "http_request",
        "maintain_message_partitions",
    ]


def test_new_tables_of_public_are_exposed_and_row_level_security_decides(
    database: Database,
) -> None:
    database.execute("create table public.todos (id int primary key, owner uuid)")
    database.execute("insert into public.todos values (1, null)")
    attempt(database, "anon", "select * from public.todos")
    database.execute("alter table public.todos enable row level security")
    with psycopg.connect(database.dsn("authenticator")) as connection:
        connection.execute("set role anon")
        assert connection.execute("select * from public.todos").fetchall() == []
        connection.execute("set role service_role")
        assert len(connection.execute("select * from public.todos").fetchall()) == 1


def test_storage_tables_show_nothing_without_a_policy(database: Database) -> None:
    database.execute("insert into storage.buckets (id, name) values ('b', 'b')")
    with psycopg.connect(database.dsn("authenticator")) as connection:
        for role in ("anon", "authenticated"):
            connection.execute(f"set role {role}".encode())
            assert connection.execute("select * from storage.buckets").fetchall() == []
            with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
                connection.execute(
                    "insert into storage.objects (bucket_id, name) values ('b', 'x')"
                )


@pytest.mark.parametrize(
    "statement",
    [
        "create extension hstore with schema extensions",
        "create extension pg_cron",
        "alter role authenticator set pgrst.db_max_rows = '5'",
        "alter role anon set statement_timeout = '3s'",
        "set session_replication_role = replica",
        "create publication mine",
        "alter publication supabase_realtime owner to postgres",
        "create schema private",
        "create policy p on storage.objects for select using (true)",
        "create policy p on realtime.messages for select using (true)",
        "create trigger t after insert on auth.users for each row"
        " execute function storage.update_updated_at_column()",
        "create table public.p (id uuid references auth.users on delete cascade)",
        "insert into auth.users (id, email) values (gen_random_uuid(), 'a@b.c')",
        "grant select on auth.users to service_role",
        "insert into storage.buckets (id, name) values ('a', 'a') on conflict do nothing",
        "select * from auth.users",
        "create role reader login",
        "grant anon to postgres",
        "alter database {database} set timezone = 'UTC'",
        "drop schema public cascade",
    ],
)
def test_postgres_may_without_being_a_superuser(shared: Database, statement: str) -> None:
    with psycopg.connect(shared.dsn("postgres")) as connection:
        connection.execute(statement.replace("{database}", shared.name).encode())
        connection.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "copy (select 1) to program 'true'",
        "alter role postgres superuser",
        "set role supabase_admin",
        "select pg_read_file('postgresql.conf')",
        "alter system set log_statement = 'all'",
    ],
)
def test_postgres_may_not(shared: Database, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        shared.execute(statement)
