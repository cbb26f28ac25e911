"""Idempotency keys: a write is done once, however often and however concurrently it is sent."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from docs.build import REFERENCE

from backstay.clock import ManualClock
from backstay.config.rest import RestExtensions, RestSettings
from tests.support.cluster import Database
from tests.support.extended_rest import Answer, served

ON = RestExtensions(idempotency=True, batch=True, nested_inserts=True, idempotency_expiry=3600)
START = datetime(2026, 1, 1, tzinfo=UTC)


def reply(answer: Answer) -> tuple[int, bytes, dict[str, str]]:
    """What a client sees, but for the note that it is a repetition."""
    headers = {k: v for k, v in answer.headers.items() if k != "idempotent-replayed"}
    return answer.status, answer.body, headers


async def test_a_hundred_at_once_are_one(database: Database) -> None:
    async with (
        served(database, ON, size=8) as rest,
        served(database, ON, size=8, schema="") as another_process,
    ):
        answers = await asyncio.gather(
            *(
                each.ask(
                    "POST",
                    "/orders?select=id,note",
                    {"note": "once"},
                    "authenticated:ann",
                    idempotency_key="k-1",
                    prefer="return=representation",
                )
                for each in [rest, another_process] * 50
            )
        )
        rows = await rest.ask("GET", "/orders?select=note")
    assert rows.json == [{"note": "once"}]
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    assert all(reply(answer) == reply(answers[0]) for answer in answers)
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("POST", "/log", {"what": "a"}, 201),
        ("POST", "/rpc/add_log", {"what": "a"}, 200),
        ("PATCH", "/log", {"what": "b"}, 204),
        ("DELETE", "/log", b"", 204),
        ("PUT", "/tags?id=eq.1", {"id": 1, "name": "t"}, 201),
        ("POST", "/rpc/teapot", {}, 218),
        ("POST", "/batch", [{"method": "POST", "path": "/log", "body": {"what": "c"}}], 200),
        ("POST", "/orders", {"customers": {"name": "c"}}, 201),
    ],
)
async def test_every_write_is_replayed(
    database: Database, method: str, target: str, body: object, status: int
) -> None:
    rep = {"prefer": "return=representation"} if method == "PUT" else {}
    async with served(database, ON) as rest:
        first = await rest.ask(method, target, body, idempotency_key="k", **rep)
        counted = await rest.ask("GET", "/log?select=what")
        customers = await rest.ask("GET", "/customers")
        again = await rest.ask(method, target, body, idempotency_key="k", **rep)
        assert (await rest.ask("GET", "/log?select=what")).body == counted.body
        assert (await rest.ask("GET", "/customers")).body == customers.body
    assert first.status == status, first.body
    assert reply(again) == reply(first)
    assert again.headers["idempotent-replayed"] == "true"


async def test_another_request_under_the_same_key_is_refused(database: Database) -> None:
    async with served(database, ON) as rest:
        await rest.ask("POST", "/log", {"what": "a"}, idempotency_key="k")
        changes = [
            await rest.ask("POST", "/log", {"what": "b"}, idempotency_key="k"),
            await rest.ask("POST", "/log?columns=what", {"what": "a"}, idempotency_key="k"),
            await rest.ask("PATCH", "/log", {"what": "a"}, idempotency_key="k"),
            await rest.ask("POST", "/rpc/add_log", {"what": "a"}, idempotency_key="k"),
        ]
        other = await rest.ask("POST", "/log", {"what": "b"}, idempotency_key="k2")
        rows = await rest.ask("GET", "/log?order=what")
    assert [(each.status, each.json["code"]) for each in changes] == [(422, "BSTAY121")] * 4
    assert other.status == 201
    assert [row["what"] for row in rows.json] == ["a", "b"]


async def test_a_key_belongs_to_its_caller(database: Database) -> None:
    async with served(database, ON) as rest:
        asked = {"idempotency_key": "k", "prefer": "return=representation"}
        statuses = []
        for role in (
            "authenticated:ann",
            "authenticated:bob",
            "service_role:ann",
            "authenticated:ann:org=2",
            "",
        ):
            answer = await rest.ask("POST", "/log", {"what": role}, role, **asked)
            statuses.append((answer.status, "idempotent-replayed" in answer.headers))
            assert answer.json == [{"what": role}]
        refreshed = await rest.ask(
            "POST",
            "/log",
            {"what": "authenticated:ann"},
            "authenticated:ann:exp=99:iat=3:jti=x",
            **asked,
        )
    assert statuses == [(201, False)] * 5
    assert refreshed.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
@pytest.mark.parametrize("verb", ["select * from", "delete from", "truncate"])
async def test_no_role_of_a_token_sees_the_replies(
    database: Database, role: str, verb: str
) -> None:
    with psycopg.connect(database.dsn("authenticator"), autocommit=True) as connection:
        connection.execute(f"set role {role}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"{verb} _backstay.idempotency_keys".encode())


async def test_a_refused_request_may_be_sent_again(database: Database) -> None:
    async with served(database, ON) as rest:
        line = {"order_id": 1, "place": 1, "price": 1}
        first = await rest.ask("POST", "/lines", line, idempotency_key="k")
        database.psql("insert into orders (note) values ('n')")
        second = await rest.ask("POST", "/lines", line, idempotency_key="k")
    assert (first.status, second.status) == (409, 201)
    assert "idempotent-replayed" not in second.headers
    assert database.execute(
        "select count(*) from _backstay.idempotency_keys", role="authenticator"
    ) == [(1,)]


async def test_a_failed_batch_leaves_no_key(database: Database) -> None:
    steps = [
        {"method": "POST", "path": "/log", "body": {"what": "x"}},
        {"method": "POST", "path": "/rpc/refuses"},
    ]
    async with served(database, ON) as rest:
        answer = await rest.ask("POST", "/batch", steps, idempotency_key="k")
        rows = await rest.ask("GET", "/log")
    assert (answer.status, rows.json) == (422, [])
    assert database.execute("select 1 from _backstay.idempotency_keys", role="authenticator") == []


async def test_what_is_rolled_back_is_not_kept(database: Database) -> None:
    settings = RestSettings(db_anon_role="anon", db_tx_end="commit-allow-override")
    async with served(database, ON, settings=settings) as rest:
        tried = await rest.ask(
            "POST", "/log", {"what": "x"}, idempotency_key="k", prefer="tx=rollback"
        )
        rows = await rest.ask("GET", "/log")
    assert (tried.status, rows.json) == (201, [])
    assert database.execute("select 1 from _backstay.idempotency_keys", role="authenticator") == []


async def test_repetitions_do_not_take_the_connections(database: Database) -> None:
    database.psql(
        "create function slow() returns text language sql as $$ select pg_sleep(0.5)::text $$"
    )
    async with served(database, ON, size=2) as rest:
        repeated = [
            asyncio.create_task(rest.ask("POST", "/rpc/slow", {}, idempotency_key="k"))
            for _ in range(10)
        ]
        await asyncio.sleep(0.1)
        others = await asyncio.wait_for(rest.ask("GET", "/tags"), 0.3)
        answers = await asyncio.gather(*repeated)
    assert others.status == 200
    assert {answer.status for answer in answers} == {200}
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 9


async def test_a_key_expires(database: Database) -> None:
    clock = ManualClock(START)
    async with served(database, ON, clock=clock) as rest:
        await rest.ask("POST", "/log", {"what": "a"}, idempotency_key="k")
        await rest.ask("POST", "/log", {"what": "a"}, idempotency_key="stale")
        clock.set(START + timedelta(minutes=59))
        kept = await rest.ask("POST", "/log", {"what": "a"}, idempotency_key="k")
        clock.set(START + timedelta(minutes=61))
        anew = await rest.ask("POST", "/log", {"what": "b"}, idempotency_key="k")
        rows = await rest.ask("GET", "/log?select=what")
    assert (kept.headers.get("idempotent-replayed"), anew.status) == ("true", 201)
    assert [row["what"] for row in rows.json] == ["a", "a", "b"]
    assert database.execute("select key from _backstay.idempotency_keys", role="authenticator") == [
        ("k",)
    ]


async def test_stricter_isolation_waits_as_well(database: Database) -> None:
    database.psql(
        "alter role authenticated set default_transaction_isolation = 'serializable'",
        role="supabase_admin",
    )
    try:
        async with (
            served(database, ON) as rest,
            served(database, ON, schema="") as another_process,
        ):
            answers = await asyncio.gather(
                *(
                    each.ask(
                        "POST", "/log", {"what": "a"}, "authenticated:ann", idempotency_key="k"
                    )
                    for each in [rest, another_process] * 2
                )
            )
            rows = await rest.ask("GET", "/log")
        assert [answer.status for answer in answers] == [201] * 4
        assert len(rows.json) == 1
    finally:
        database.psql(
            "alter role authenticated reset default_transaction_isolation", role="supabase_admin"
        )


@pytest.mark.parametrize("key", ["", "x" * 256, "ключ", "a\tb"])
async def test_a_key_has_a_form(database: Database, key: str) -> None:
    async with served(database, ON) as rest:
        answer = await rest.ask("POST", "/log", {"what": "a"}, idempotency_key=key)
    assert (answer.status, answer.json["code"]) == (400, "BSTAY120")


async def test_without_the_table_it_says_so(database: Database) -> None:
    database.psql("drop table _backstay.idempotency_keys", role="supabase_admin")
    async with served(database, ON) as rest:
        answer = await rest.ask("POST", "/log", {"what": "a"}, idempotency_key="k")
        plain = await rest.ask("POST", "/log", {"what": "a"})
    assert (answer.status, answer.json["code"], plain.status) == (500, "BSTAY122", 201)


async def test_the_page_has_the_table_to_make(database: Database) -> None:
    page = (REFERENCE / "rest-extensions.md").read_text("utf-8")
    _, _, rest_of_it = page.partition("```sql\n")
    database.psql("drop table _backstay.idempotency_keys", role="supabase_admin")
    database.psql(rest_of_it.partition("```")[0], role="supabase_admin")
    async with served(database, ON) as rest:
        for _ in range(2):
            answer = await rest.ask("POST", "/log", {"what": "a"}, idempotency_key="k")
        rows = await rest.ask("GET", "/log")
    assert (answer.status, answer.headers["idempotent-replayed"]) == (201, "true")
    assert len(rows.json) == 1


async def test_off_the_header_means_nothing(database: Database) -> None:
    async with served(database, RestExtensions()) as rest:
        for _ in range(2):
            await rest.ask("POST", "/log", {"what": "a"}, idempotency_key="k")
        rows = await rest.ask("GET", "/log")
    assert len(rows.json) == 2
