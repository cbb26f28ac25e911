"""Extension stand-ins: all of them install anywhere; those that can work do."""

from __future__ import annotations

import uuid
from typing import Any

import psycopg
import pytest
from psycopg import errors

from backstay.cluster.extensions import PACK
from tests.support.cluster import Database

NAMES = sorted(path.stem for path in (PACK / "extension").glob("*.control"))
OWNER = "supabase_admin"


@pytest.mark.parametrize("schema", ["", "with schema extensions", "with schema public"])
def test_every_stand_in_installs_in_any_schema_and_goes_again(
    database: Database, schema: str
) -> None:
    installed = {row[0] for row in database.execute("select extname from pg_extension")}
    for name in NAMES:
        database.execute(f'create extension if not exists "{name}" {schema}')
    for name in NAMES:
        if name not in installed:
            database.execute(f'drop extension "{name}" cascade')


def test_postgres_drops_and_makes_again_what_was_installed(database: Database) -> None:
    with psycopg.connect(database.dsn(OWNER), autocommit=True) as connection:
        for name in ("pg_graphql", "supabase_vault", "pg_net", "pgjwt", "uuid-ossp", "pgcrypto"):
            connection.execute(f'drop extension "{name}" cascade'.encode())
    for name in ("pgcrypto", "uuid-ossp", "pgjwt", "pg_net", "supabase_vault", "pg_graphql"):
        database.execute(f'create extension "{name}"')
    database.execute("select vault.create_secret('again', 'again')")
    assert database.execute("select decrypted_secret from vault.decrypted_secrets") == [("again",)]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            "uuid_generate_v5(uuid_ns_dns(), 'python.org')",
            uuid.uuid5(uuid.NAMESPACE_DNS, "python.org"),
        ),
        (
            "uuid_generate_v5(uuid_ns_url(), repeat('é', 99))",
            uuid.uuid5(uuid.NAMESPACE_URL, "é" * 99),
        ),
        ("uuid_generate_v3(uuid_ns_oid(), 'x')", uuid.uuid3(uuid.NAMESPACE_OID, "x")),
        ("uuid_generate_v5(uuid_ns_x500(), '')", uuid.uuid5(uuid.NAMESPACE_X500, "")),
        ("uuid_nil()", uuid.UUID(int=0)),
    ],
)
def test_uuids_are_everyones(database: Database, call: str, expected: uuid.UUID) -> None:
    assert database.execute(f"select {call}") == [(expected,)]


def test_uuids_of_version_1_tell_the_time_and_no_address(database: Database) -> None:
    (made,) = database.execute("select uuid_generate_v1(), uuid_generate_v1mc(), clock_timestamp()")
    first, second, now = made
    for one in (first, second):
        assert (one.version, one.variant) == (1, uuid.RFC_4122)
        assert one.node >> 40 & 1  # multicast: not the address of a card
        assert abs((one.time - 0x01B21DD213814000) / 1e7 - now.timestamp()) < 5
    assert first != second


def test_pgjwt_signs_what_others_verify(database: Database) -> None:
    ((token, valid, expired, forged),) = database.execute(
        """select extensions.sign('{"sub":"1234567890","name":"John Doe","admin":true}', 'secret'),
             (select valid from extensions.verify(extensions.sign('{"exp":9999999999}', 's', 'HS512'), 's', 'HS512')),
             (select valid from extensions.verify(extensions.sign('{"exp":1}', 's'), 's')),
             (select valid from extensions.verify(extensions.sign('{}', 's'), 'other'))"""
    )
    assert token == (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
        ".eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiYWRtaW4iOnRydWV9"
        ".TJVA95OrM7E2cBab30RMHrHDcEfxjoYZgeFONFh7HgQ"
    )
    assert (valid, expired, forged) == (True, False, False)


@pytest.mark.parametrize(
    ("schedule", "good"),
    [
        ("* * * * *", True),
        ("*/5 0-6,12 1 JAN-MAR MON-FRI", True),
        ("30 seconds", True),
        ("0 0 $ * *", True),
        ("60 * * * *", False),
        ("* * * *", False),
        ("60 seconds", False),
        ("nonsense", False),
    ],
)
def test_cron_reads_schedules(database: Database, schedule: str, good: bool) -> None:
    database.execute("create extension pg_cron")
    if good:
        database.execute("select cron.schedule('job', %s, 'select 1')", [schedule])
        assert database.execute("select schedule from cron.job") == [(schedule,)]
        return
    with pytest.raises(errors.InvalidParameterValue, match="invalid schedule"):
        database.execute("select cron.schedule('job', %s, 'select 1')", [schedule])


@pytest.mark.parametrize(
    "statement",
    [
        "insert into cron.job (schedule, command, username) values ('* * * * *', 'x', 'supabase_admin')",
        "select cron.schedule_in_database('j', '* * * * *', 'x', current_database(), 'supabase_admin')",
        "select cron.alter_job(cron.schedule('* * * * *', 'x'), username => 'supabase_admin')",
    ],
)
def test_cron_runs_nothing_as_somebody_greater(database: Database, statement: str) -> None:
    database.execute("create extension pg_cron")
    with pytest.raises(errors.InsufficientPrivilege):
        database.execute(statement)


def test_cron_jobs_are_replaced_altered_and_removed(database: Database) -> None:
    database.execute("create extension pg_cron")
    ((job,),) = database.execute("select cron.schedule('j', '* * * * *', 'a')")
    assert database.execute("select cron.schedule('j', '1 * * * *', 'b')") == [(job,)]
    database.execute("select cron.alter_job(%s, active => false)", [job])
    assert database.execute("select schedule, command, active from cron.job") == [
        ("1 * * * *", "b", False)
    ]
    assert database.execute("select cron.unschedule('j')") == [(True,)]
    with pytest.raises(errors.RaiseException, match="could not find valid entry"):
        database.execute("select cron.unschedule(%s::bigint)", [job])


def test_net_queues_what_commits(database: Database) -> None:
    def queue() -> list[tuple[Any, ...]]:
        return database.execute("select method, url, body from net.http_request_queue order by id")

    with psycopg.connect(database.dsn("postgres")) as connection:
        connection.execute("select net.http_get('https://a.b')")
        connection.rollback()
    assert queue() == []
    database.execute("select net.http_get('https://a.b/?x=1', params => '{\"q\": \"ü &\"}')")
    database.execute("select net.http_delete('https://a.b', body => '{}')")
    assert queue() == [
        ("GET", "https://a.b/?x=1&q=%C3%BC%20%26", None),
        ("DELETE", "https://a.b", b"{}"),
    ]
    with pytest.raises(errors.InvalidParameterValue):
        database.execute("select net.http_get('file:///etc/passwd')")


def test_pgmq_hides_archives_and_counts(database: Database) -> None:
    database.execute("create extension pgmq")
    database.execute("select pgmq.create('q')")
    assert database.execute(
        "select pgmq.send_batch('q', array['{\"n\": 1}', '{\"n\": 2}', '{\"n\": 3}']::jsonb[])"
    ) == [(1,), (2,), (3,)]
    assert database.execute("select msg_id, read_ct from pgmq.read('q', 60, 2)") == [(1, 1), (2, 1)]
    assert database.execute("select pgmq.archive('q', 1), pgmq.delete('q', 2)") == [(True, True)]
    assert database.execute("select pgmq.archive('q', 1)") == [(False,)]
    assert database.execute("select message from pgmq.pop('q')") == [({"n": 3},)]
    assert database.execute("select queue_length, total_messages from pgmq.metrics('q')") == [
        (0, 3)
    ]
    assert database.execute("select msg_id from pgmq.a_q") == [(1,)]
    database.execute("select pgmq.send('q', '{}', 60)")
    assert database.execute("select * from pgmq.read('q', 1, 1)") == []
    assert database.execute("select pgmq.drop_queue('q')") == [(True,)]
    with pytest.raises(errors.RaiseException, match="invalid characters"):
        database.execute("select pgmq.create('q; drop table x')")


def test_two_readers_of_a_queue_get_different_messages(database: Database) -> None:
    database.execute("create extension pgmq")
    database.execute("select pgmq.create('q')")
    database.execute("select pgmq.send_batch('q', array['1', '2']::jsonb[])")
    with (
        psycopg.connect(database.dsn("postgres")) as one,
        psycopg.connect(database.dsn("postgres")) as other,
    ):
        read = b"select msg_id from pgmq.read('q', 30, 1)"
        assert one.execute(read).fetchall() + other.execute(read).fetchall() == [(1,), (2,)]


def test_a_vault_secret_is_stored_encrypted_and_can_be_changed(database: Database) -> None:
    ((secret,),) = database.execute("select vault.create_secret('first', 'name', 'about')")
    database.execute("select vault.update_secret(%s, 'second')", [secret])
    ((stored, shown, name),) = database.execute(
        "select secret, decrypted_secret, name from vault.decrypted_secrets"
    )
    assert (shown, name) == ("second", "name")
    assert "second" not in stored
    database.execute("insert into vault.secrets (secret) values ('plain')")
    assert database.execute("select count(*) from vault.secrets where secret = 'plain'") == [(0,)]


@pytest.mark.parametrize(
    ("extension", "call"),
    [
        ("http", "select http_get('https://example.com')"),
        ("pgsodium", "select pgsodium.crypto_aead_det_encrypt('', '', gen_random_uuid())"),
        ("hypopg", "select hypopg_create_index('create index on t (x)')"),
        ("plpgsql_check", "select plpgsql_check_function('auth.uid()')"),
        ("timescaledb", "select create_hypertable('auth.users', 'created_at')"),
        ("pg_tle", "select pgtle.install_extension('a', '1', '', '')"),
    ],
)
def test_what_is_not_available_says_so_at_the_call(
    database: Database, extension: str, call: str
) -> None:
    database.execute(f"create extension {extension}")
    with pytest.raises(errors.FeatureNotSupported, match="stand-in"):
        database.execute(call)


def test_graphql_answers_in_its_own_form(database: Database) -> None:
    ((answer,),) = database.execute("select graphql_public.graphql(query => '{ a }')")
    assert "not enabled" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ('{"type": "integer", "minimum": 1}', "1", "0"),
        ('{"type": ["string", "null"], "maxLength": 2}', '"ab"', '"abc"'),
        ('{"required": ["a"], "properties": {"a": {"type": "number"}}}', '{"a": 1}', '{"a": "1"}'),
        ('{"additionalProperties": false, "properties": {"a": true}}', '{"a": 1}', '{"b": 1}'),
        ('{"items": {"enum": [1, 2]}, "minItems": 1}', "[1, 2]", "[3]"),
        ('{"oneOf": [{"type": "integer"}, {"minimum": 5}]}', "1", "5"),
        ('{"if": {"type": "string"}, "then": {"pattern": "^x"}}', '"xy"', '"yx"'),
        ('{"not": {"const": {"a": 1}}}', '{"a": 2}', '{"a": 1}'),
    ],
)
def test_json_schemas_are_checked(database: Database, schema: str, good: str, bad: str) -> None:
    database.execute("create extension pg_jsonschema")
    assert database.execute(
        "select json_matches_schema(%s, %s), json_matches_schema(%s, %s)",
        [schema, good, schema, bad],
    ) == [(True, False)]


def test_a_schema_that_can_not_be_checked_is_not_passed_over(database: Database) -> None:
    database.execute("create extension pg_jsonschema")
    with pytest.raises(errors.FeatureNotSupported):
        database.execute("""select json_matches_schema('{"$ref": "#/$defs/a"}', '1')""")


def test_pgtap_prints_what_a_harness_reads(database: Database) -> None:
    database.execute("create extension pgtap with schema extensions")
    printed = database.psql(
        """begin;
        select plan(5);
        select ok(true, 'fine');
        select is(1, 2, 'equal');
        select throws_ok('select 1/0', '22012');
        select lives_ok('select 1', 'lives');
        select has_table('auth', 'users', 'there');
        select * from finish();
        rollback;"""
    )
    assert printed.splitlines() == [
        "1..5",
        "ok 1 - fine",
        "not ok 2 - equal",
        '# Failed test 2: "equal"',
        "#         have: 1",
        "#         want: 2",
        "ok 3 - threw 22012",
        "ok 4 - lives",
        "ok 5 - there",
        "# Looks like you failed 1 tests of 5",
    ]


def test_what_a_dump_grants_of_pgaudit_is_there(database: Database) -> None:
    database.execute("create extension pgaudit schema public")
    for name in ("pgaudit_ddl_command_end", "pgaudit_sql_drop"):
        database.execute(f"grant all on function public.{name}() to anon")


def test_foreign_tables_of_wrappers_are_made_and_not_read(database: Database) -> None:
    for statement in (
        "create extension wrappers with schema extensions",
        "create foreign data wrapper w handler extensions.stripe_fdw_handler"
        " validator extensions.stripe_fdw_validator",
        "create server s foreign data wrapper w options (api_key_id 'k')",
        "create foreign table customers (id text) server s options (object 'customers')",
        "create view emails as select id from customers",
    ):
        database.execute(statement, role=OWNER)
    with pytest.raises(errors.InternalError):
        database.execute("select * from emails", role=OWNER)
    for option in ("filename '/etc/passwd'", "program 'id'"):
        with pytest.raises(errors.FdwInvalidOptionName):
            database.execute(
                f"create foreign table f (l text) server s options ({option})", role=OWNER
            )
