"""The functions of schema realtime."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.support.cluster import Database

OWNER = "supabase_admin"
ALICE = "00000000-0000-0000-0000-00000000000a"
BOB = "00000000-0000-0000-0000-00000000000b"


@pytest.fixture
def notes(database: Database) -> Database:
    database.psql(
        f"""create table notes (id int primary key, owner uuid, body text, hidden text);
        insert into notes values (1, '{ALICE}', 'hello', 'secret');
        alter table notes enable row level security;
        create policy own on notes for select using (owner = auth.uid());
        revoke select on notes from authenticated;
        grant select (id, owner, body) on notes to authenticated;"""
    )
    return database


def subscribe(database: Database, who: str, filters: str = "{}", columns: object = None) -> str:
    claims = {"role": "authenticated", "sub": who}
    ((made,),) = database.execute(
        "insert into realtime.subscription (subscription_id, entity, filters, claims, selected_columns)"
        " values (gen_random_uuid(), 'notes', %s::realtime.user_defined_filter[], %s, %s)"
        " returning subscription_id::text",
        [filters, json.dumps(claims), columns],
        role=OWNER,
    )
    return str(made)


def change(action: str = "I", **extra: object) -> dict[str, Any]:
    values = {"id": 1, "owner": ALICE, "body": "hello", "hidden": "secret"}
    types = {"id": "int4", "owner": "uuid", "body": "text", "hidden": "text"}
    row = [{"name": n, "type": types[n], "value": v} for n, v in values.items()]
    side = {"identity": row} if action == "D" else {"columns": row}
    return {
        "schema": "public",
        "table": "notes",
        "action": action,
        "timestamp": "2024-01-01 10:00:00.123456+01",
        "pk": [{"name": "id", "type": "int4"}],
        **side,
        **extra,
    }


def heard(database: Database, wal: dict[str, Any], size: int = 1048576) -> list[tuple[Any, ...]]:
    return database.execute(
        "select wal, subscription_ids::text[], errors from realtime.apply_rls(%s, %s)",
        [json.dumps(wal), size],
        role=OWNER,
    )


def test_a_change_is_told_to_who_may_see_the_row_and_shows_what_it_may_read(
    notes: Database,
) -> None:
    alice, _ = subscribe(notes, ALICE), subscribe(notes, BOB)
    ((wal, told, problems),) = heard(notes, change())
    assert (told, problems) == ([alice], [])
    assert wal["record"] == {"id": 1, "owner": ALICE, "body": "hello"}
    assert wal["commit_timestamp"] == "2024-01-01T09:00:00.123Z"
    assert wal["columns"][0] == {"name": "id", "type": "int4"}
    assert (wal["type"], wal["table"]) == ("INSERT", "notes")


def test_filters_and_chosen_columns(notes: Database) -> None:
    chosen = subscribe(notes, ALICE, '{"(body,eq,hello,f)"}', ["body"])
    subscribe(notes, ALICE, '{"(body,eq,other,f)"}')
    ((wal, told, _),) = heard(notes, change())
    assert told == [chosen]
    assert wal["record"] == {"id": 1, "body": "hello"}


def test_a_deletion_tells_the_key_only(notes: Database) -> None:
    both = {subscribe(notes, ALICE), subscribe(notes, BOB)}
    ((wal, told, _),) = heard(notes, change("D"))
    assert set(told) == both
    assert wal["old_record"] == {"id": 1}


def test_problems_are_said_not_hidden(notes: Database) -> None:
    subscribe(notes, ALICE)
    assert heard(notes, change(pk=[]))[0][2] == ["Error 400: Bad Request, no primary key"]
    ((wal, _, problems),) = heard(notes, change(), 10)
    assert problems == ["Error 413: Payload Too Large"]
    assert wal["record"]["body"] == "hello"
    notes.execute("revoke select (id) on notes from authenticated")
    assert heard(notes, change())[0][2] == ["Error 401: Unauthorized"]


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ('{"(nope,eq,1,f)"}', "invalid column for filter nope"),
        ('{"(hidden,eq,1,f)"}', "invalid column for filter hidden"),
        ('{"(id,eq,x,f)"}', "invalid input syntax"),
        ('{"(id,match,1,f)"}', "operator does not exist"),
        ('{"(body,match,[,f)"}', "invalid regular expression"),
        ('{"(body,is,maybe,f)"}', "invalid value for is filter"),
    ],
)
def test_a_subscription_that_can_not_be_answered_is_refused(
    notes: Database, filters: str, message: str
) -> None:
    with pytest.raises(psycopg.Error, match=message):
        subscribe(notes, ALICE, filters)


def test_a_message_gets_an_id_and_a_failure_is_only_a_warning(database: Database) -> None:
    database.execute("select realtime.send('{}', 'e', 'topic')")
    ((payload, private),) = database.execute("select payload, private from realtime.messages")
    assert set(payload) == {"id"}
    assert private is True
    database.execute("select realtime.send(null, 'e', null)")
    database.execute("select realtime.send_binary('x', 'e', 'binary', false)")
    assert database.execute("select count(*) from realtime.messages") == [(2,)]


def test_a_day_without_a_partition_gets_one_and_old_ones_go(database: Database) -> None:
    database.execute(
        "create table realtime.messages_2020_01_01 partition of realtime.messages"
        " for values from ('2020-01-01') to ('2020-01-02')",
        role=OWNER,
    )
    today = "(now() at time zone 'utc')::date"
    ((name,),) = database.execute(f"select 'realtime.messages_' || to_char({today}, 'YYYY_MM_DD')")
    database.execute(f"drop table {name}", role=OWNER)
    with psycopg.connect(database.dsn("authenticator"), autocommit=True) as connection:
        connection.execute("set role anon")
        connection.execute("select realtime.maintain_message_partitions()")
    assert database.execute(
        "select to_regclass(%s) is not null, to_regclass('realtime.messages_2020_01_01')", [name]
    ) == [(True, None)]


def test_private_channels_follow_policies_on_messages(database: Database) -> None:
    database.psql(
        """create policy mine on realtime.messages for select to authenticated
             using (realtime.topic() = auth.uid()::text);"""
    )
    database.execute("select realtime.send('{}', 'e', %s)", [ALICE])
    with psycopg.connect(database.dsn("authenticator")) as connection:
        connection.execute("set local role authenticated")
        for topic, expected in ((ALICE, 1), (BOB, 0)):
            connection.execute(
                "select set_config('realtime.topic', %s, true), set_config('request.jwt.claims', %s, true)",
                [topic, json.dumps({"sub": ALICE})],
            )
            rows = connection.execute("select from realtime.messages").fetchall()
            assert len(rows) == expected


def test_what_needs_wal2json_says_so(database: Database) -> None:
    with pytest.raises(errors.FeatureNotSupported):
        database.execute("select * from realtime.list_changes('p', 's', 1, 1)", role=OWNER)
