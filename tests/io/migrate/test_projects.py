"""Projects written as public ones are: each starts, and what it asked for is there.

One folder of ``projects/`` each; between them they hold every extension, feature and habit that a
census of public projects found.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from backstay.cluster.migrate import applied, migrate
from backstay.cluster.seed import seed
from tests.support.cluster import Database

PROJECTS = Path(__file__).parent / "projects"
OWNER = "supabase_admin"


async def start(database: Database, name: str) -> list[str]:
    """Apply a project as ``backstay start`` does; what progress said."""
    said: list[str] = []
    folder = PROJECTS / name
    await migrate(database.dsn(OWNER), folder, progress=said.append)
    if (folder / "seed.sql").exists():
        await seed(database.dsn(OWNER), folder, ["./seed.sql"], progress=said.append)
    return said


@pytest.fixture(autouse=True)
def _restored(database: Database) -> Iterator[None]:
    """What projects do to the cluster as a whole is undone for the tests after."""
    yield
    database.psql(
        """alter role authenticator reset pgrst.db_aggregates_enabled;
        select count(*) > 0 as made from pg_roles where rolname = 'reporting' \\gset
        \\if :made
        drop owned by reporting;
        drop role reporting;
        \\endif""",
        role=OWNER,
    )


@pytest.mark.parametrize("name", sorted(folder.name for folder in PROJECTS.iterdir()))
async def test_a_project_starts_and_its_objects_are_its_owners(
    database: Database, name: str
) -> None:
    await start(database, name)
    strangers = database.execute(
        """select c.oid::regclass::text, c.relowner::regrole::text from pg_class as c
            where c.relnamespace::regnamespace::text in ('public', 'app', 'private')
              and c.relowner <> 'postgres'::regrole and c.relkind in ('r', 'v', 'S')
              and not exists (select from pg_depend as d where d.objid = c.oid and d.deptype = 'e')"""
    )
    assert strangers == []
    assert database.execute("select rolsuper from pg_roles where rolname = 'postgres'") == [
        (False,)
    ]
    assert await migrate(database.dsn(OWNER), PROJECTS / name, progress=lambda _: None) == []


async def test_profiles_follow_users_that_a_seed_inserts(database: Database) -> None:
    await start(database, "profiles")
    assert database.execute("select username from profiles order by 1") == [
        ("user1",),
        ("user2",),
        ("user3",),
    ]
    assert database.execute(
        "select count(*) from auth.users where encrypted_password = crypt('password123', encrypted_password)"
    ) == [(3,)]
    assert database.execute(
        "select tablename from pg_publication_tables where pubname = 'supabase_realtime'"
    ) == [("profiles",)]


async def test_a_new_enum_value_can_be_used_in_the_file_that_adds_it(database: Database) -> None:
    await start(database, "rbac")
    assert database.execute("select role::text, permission::text from role_permissions") == [
        ("owner", "channels.create")
    ]


async def test_net_cron_vault_and_pgmq_work(database: Database) -> None:
    await start(database, "jobs")
    assert database.execute("select jobname, username, active from cron.job") == [
        ("invoke-function-every-minute", "postgres", True)
    ]
    assert database.execute("select message from pgmq.read('tasks', 30, 10)") == [
        ({"hello": "world"},)
    ]
    ((url, body),) = database.execute(
        "select url, convert_from(body, 'UTF8')::jsonb from net.http_request_queue"
    )
    assert url.endswith("/functions/v1/hook")
    assert body["type"] == "INSERT"
    assert body["record"]["id"] == 1
    ((stored, shown),) = database.execute(
        "select secret, decrypted_secret from vault.decrypted_secrets where name = 'project_url'"
    )
    assert shown == "http://localhost:54321"
    assert shown not in stored


async def test_extensions_are_where_they_were_asked_for(database: Database) -> None:
    await start(database, "extensions")
    found = dict(
        database.execute("select extname, extnamespace::regnamespace::text from pg_extension")
    )
    assert found["vector"] == found["citext"] == found["postgis"] == "extensions"
    assert found["unaccent"] == "public"


async def test_transactions_of_a_file_are_obeyed(database: Database) -> None:
    await start(database, "transactions")
    assert database.execute("select id from orders order by id") == [(2,)]
    assert database.execute(
        "select indisvalid from pg_index where indexrelid = 'orders_total'::regclass"
    ) == [(True,)]
    assert database.execute("select add_one(1)") == [(2,)]


async def test_powers_end_with_the_migration(database: Database) -> None:
    await start(database, "powers")
    for statement in (
        "create event trigger again on ddl_command_end execute function public.audit_ddl()",
        "create publication again for all tables",
        "alter default privileges for role supabase_admin grant select on tables to anon",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            database.execute(statement)


async def test_a_dump_restores_with_its_data(database: Database) -> None:
    await start(database, "dump")
    assert database.execute("select name from items order by created_at") == [
        ("with a ; and 'quote'",),
        (None,),
    ]


async def test_files_of_one_version_are_both_applied_and_others_named(database: Database) -> None:
    said = await start(database, "odd")
    assert "Skipping README.sql: its name is not <digits>_<name>.sql" in said
    assert await applied(database.dsn(OWNER)) == {
        "20240101": "a/b",
        "20240102": "empty",
        "20240103": "comment",
        "20240104": "windows",
    }
    database.execute("select from a, b, bom, crlf")


async def test_a_trigger_tells_a_topic(database: Database) -> None:
    await start(database, "warehouse")
    rows = database.execute("select topic, event, payload from realtime.messages order by topic")
    assert [row[:2] for row in rows] == [("topic", "event"), ("topic:1", "INSERT")]
    assert rows[1][2]["record"] == {"id": 1}
    assert rows[1][2]["old_record"] is None
