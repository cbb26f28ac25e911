"""The schemas auth, storage and realtime have upstream's objects under upstream's names.

``upstream/NAME.txt`` lists the facts, ``upstream/NAME.sql`` asks a database for the same lines.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cluster import Database

FACTS = Path(__file__).parent / "upstream"
OURS = {
    "realtime.maintain_message_partitions() -> void",
    "realtime._ensure_partition() -> void",
    "realtime._wal_columns(side jsonb, pk jsonb, entity regclass, reader regrole)"
    " -> realtime.wal_column[]",
    "realtime._wal_record(main realtime.wal_column[], fallback realtime.wal_column[],"
    " chosen text[], keys_only boolean, shorten boolean) -> jsonb",
}
"""What this bootstrap adds to upstream's."""


@pytest.mark.parametrize("subject", ["columns", "indexes", "constraints", "functions", "enums"])
def test_objects_are_upstreams(shared: Database, subject: str) -> None:
    expected = set((FACTS / f"{subject}.txt").read_text().splitlines())
    rows = shared.execute((FACTS / f"{subject}.sql").read_text(), role="supabase_admin")
    found = {row[0] for row in rows} - OURS
    assert found - expected == set()
    assert expected - found == set()


def test_every_table_of_auth_and_storage_has_row_level_security_and_no_policy(
    shared: Database,
) -> None:
    open_tables = shared.execute(
        "select oid::regclass::text from pg_class where relkind in ('r', 'p')"
        " and relnamespace in ('auth'::regnamespace, 'storage'::regnamespace)"
        " and not relrowsecurity"
    )
    assert open_tables == []
    assert shared.execute("select from pg_policies where schemaname in ('auth','storage')") == []


@pytest.mark.parametrize(
    ("schema", "owner"),
    [("auth", "supabase_auth_admin"), ("storage", "supabase_storage_admin")],
)
def test_a_service_owns_its_tables_and_functions(shared: Database, schema: str, owner: str) -> None:
    others = shared.execute(
        """select oid::regclass::text from pg_class
            where relnamespace = %s::regnamespace and relowner <> %s::regrole
           union all
           select oid::regprocedure::text from pg_proc
            where pronamespace = %s::regnamespace and proowner <> %s::regrole""",
        [schema, owner, schema, owner],
    )
    assert others == []


def test_publications_and_event_triggers_exist(shared: Database) -> None:
    publications = shared.execute(
        "select pubname, pubowner::regrole::text, puballtables from pg_publication order by 1"
    )
    assert publications == [
        ("supabase_realtime", "postgres", False),
        ("supabase_realtime_messages_publication", "supabase_admin", False),
    ]
    triggers = {row[0] for row in shared.execute("select evtname from pg_event_trigger")}
    assert triggers >= {
        "pgrst_ddl_watch",
        "pgrst_drop_watch",
        "issue_pg_net_access",
        "issue_pg_cron_access",
        "issue_pg_graphql_access",
    }


def test_schemas_of_a_project_exist(shared: Database) -> None:
    found = {row[0] for row in shared.execute("select nspname from pg_namespace")}
    assert found >= {
        *("auth", "storage", "realtime", "_realtime", "extensions", "graphql", "graphql_public"),
        *("vault", "net", "supabase_functions", "supabase_migrations", "pgbouncer"),
    }
    # Migrations ask whether there is a schema cron to learn whether pg_cron is installed.
    assert not {"cron", "pgmq", "pgtle"} & found


def test_extensions_projects_call_without_asking_are_installed(shared: Database) -> None:
    found = dict(
        shared.execute("select extname, extnamespace::regnamespace::text from pg_extension")
    )
    assert found["pgcrypto"] == found["uuid-ossp"] == found["pgjwt"] == "extensions"
    assert {"pg_net", "supabase_vault", "pg_graphql", "pg_stat_statements"} <= set(found)
    # The search path of postgres finds them unqualified.
    ((hashed, unique),) = shared.execute(
        "select crypt('x', gen_salt('bf', 4)) like '$2a$04$%', uuid_generate_v4() is not null"
    )
    assert hashed
    assert unique
