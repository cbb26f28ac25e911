"""Batches: one transaction, all or nothing, each request served as it would be by itself."""

from __future__ import annotations

import pytest

from backstay.config.rest import RestExtensions, RestSettings
from tests.support.cluster import Database
from tests.support.extended_rest import Served, served

ON = RestExtensions(batch=True, batch_limit=5, query_by_post=True, nested_inserts=True)
REP = {"Prefer": "return=representation"}
ANN = "authenticated:ann"


async def test_results_are_listed_in_order(database: Database) -> None:
    async with served(database, ON) as rest:
        answer = await rest.ask(
            "POST",
            "/batch",
            [
                {
                    "method": "POST",
                    "path": "/tags?select=name",
                    "headers": REP,
                    "body": {"id": 1, "name": "a"},
                },
                {"method": "PATCH", "path": "/tags?id=eq.1", "body": {"name": "b"}},
                {"path": "/tags?select=name", "headers": {"Accept": "text/csv"}},
                {"path": "/tags?id=eq.1", "headers": {"Prefer": "count=exact"}},
                {"method": "DELETE", "path": "/tags?id=eq.1"},
            ],
        )
        after = await rest.ask("GET", "/tags")
    assert answer.status == 200
    assert [(each["status"], each["body"]) for each in answer.json] == [
        (201, [{"name": "a"}]),
        (204, None),
        (200, "name\nb"),
        (200, [{"id": 1, "name": "b"}]),
        (204, None),
    ]
    assert answer.json[3]["headers"]["content-range"] == "0-0/1"
    assert after.json == []


@pytest.mark.parametrize("broken", [0, 1, 2])
async def test_a_failure_leaves_nothing(database: Database, broken: int) -> None:
    steps = [{"method": "POST", "path": "/tags", "body": {"id": n}} for n in (1, 2, 3)]
    steps[broken] = {"method": "POST", "path": "/tags", "body": {"id": "x"}}
    async with served(database, ON) as rest:
        answer = await rest.ask("POST", "/batch", steps)
        after = await rest.ask("GET", "/tags")
    assert (answer.status, answer.json["code"]) == (400, "22P02")
    assert answer.headers["batch-failed"] == str(broken)
    assert after.json == []


async def test_a_status_that_is_an_error_undoes_as_well(database: Database) -> None:
    async with served(database, ON) as rest:
        answer = await rest.ask(
            "POST", "/batch", [{"method": "POST", "path": "/rpc/refuses"}, {"path": "/log"}]
        )
        after = await rest.ask("GET", "/log")
    assert (answer.status, answer.headers["batch-failed"]) == (422, "0")
    assert after.json == []


async def test_a_deferred_constraint_speaks_at_the_end(database: Database) -> None:
    steps = [{"method": "POST", "path": "/later", "body": {"id": 1, "other": 2}}]
    async with served(database, ON) as rest:
        alone = await rest.ask("POST", "/batch", steps)
        mended = [*steps, {"method": "POST", "path": "/later", "body": {"id": 2}}]
        together = await rest.ask("POST", "/batch", mended)
        rows = await rest.ask("GET", "/later?select=id&order=id")
    assert (alone.status, alone.json["code"]) == (409, "23503")
    assert together.status == 200
    assert rows.json == [{"id": 1}, {"id": 2}]


REQUESTS = [
    ("GET", "/customers?select=name&order=name", None),
    ("POST", "/customers", {"name": "new", "owner": "bob"}),
    ("POST", "/customers", {"name": "new", "owner": "ann"}),
    ("PATCH", "/customers?id=eq.2", {"name": "stolen"}),
    ("DELETE", "/customers?id=eq.2", None),
    ("POST", "/lines", {"order_id": 1, "place": 1, "price": 100}),
    ("POST", "/lines", {"order_id": 1, "place": 1, "price": 99}),
    ("GET", "/rpc/add_log?what=x", None),
    ("POST", "/rpc/add_log", {"what": "x"}),
    ("POST", "/rpc/whoami", {}),
    ("GET", "/nowhere", None),
    ("POST", "/tags?nope=1", {"nope": 1}),
]


@pytest.mark.parametrize("role", [ANN, "authenticated:bob", "", "service_role:x"])
async def test_a_step_has_the_verdict_of_the_request(database: Database, role: str) -> None:
    async with served(
        database,
        ON,
        settings=RestSettings(db_anon_role="anon", db_tx_end="rollback-allow-override"),
    ) as rest:
        database.psql(
            "insert into customers (name, owner) values ('a', 'ann'), ('b', 'bob');"
            "insert into orders (note) values ('n')"
        )
        for method, path, body in REQUESTS:
            prefer = "return=representation"
            single = await rest.ask(method, path, body or {}, role, prefer=prefer)
            step = {
                "method": method,
                "path": path,
                "headers": {"prefer": prefer},
                "body": body or {},
            }
            first = {"path": "/tags"}
            # The transactions are undone, but not what a sequence has handed out.
            database.psql("alter sequence customers_id_seq restart 3")
            batch = await rest.ask("POST", "/batch", [first, step], role)
            database.psql("alter sequence customers_id_seq restart 3")
            if single.status < 400:
                again = await rest.ask(method, path, body or {}, role, prefer=prefer)
                database.psql("alter sequence customers_id_seq restart 3")
                assert batch.status == 200, (path, batch.body)
                assert batch.json[1]["status"] == single.status
                assert batch.json[1]["body"] == (again.json if again.body else None), path
            else:
                assert (batch.status, batch.json) == (single.status, single.json), path
                assert batch.headers.get("www-authenticate") == single.headers.get(
                    "www-authenticate"
                )
                assert batch.headers["batch-failed"] == "1"


async def test_what_a_request_sets_ends_with_it(database: Database) -> None:
    async with served(database, ON) as rest:
        answer = await rest.ask(
            "POST",
            "/batch",
            [
                {"path": "/rpc/whoami", "headers": {"Prefer": "timezone=America/New_York"}},
                {"method": "POST", "path": "/rpc/hasty"},
                {"method": "POST", "path": "/rpc/teapot"},
                {"method": "POST", "path": "/rpc/whoami"},
                {"method": "POST", "path": "/log", "body": {"what": "written after reading"}},
            ],
            ANN,
        )
        alone = await rest.ask("POST", "/rpc/whoami", {}, ANN)
    assert answer.status == 200, answer.body
    first, hasty, tea, last, written = answer.json
    assert (first["body"]["zone"], first["body"]["read_only"]) == ("America/New_York", "on")
    assert hasty["body"] == "4321ms"
    assert (tea["status"], tea["headers"]["x-kind"]) == (218, "tea")
    assert last["body"] == alone.json
    assert (written["status"], "x-kind" in written["headers"]) == (201, False)


async def test_bodies_that_are_text(database: Database) -> None:
    csv = {
        "method": "POST",
        "path": "/log",
        "headers": {"Content-Type": "text/csv"},
        "body": "what\na\nb\n",
    }
    async with served(database, ON) as rest:
        answer = await rest.ask("POST", "/batch", [csv, {"path": "/log?order=what"}])
    assert answer.json[1]["body"] == [{"what": "a"}, {"what": "b"}]


async def test_one_that_rolls_back_undoes_all(database: Database) -> None:
    settings = RestSettings(db_anon_role="anon", db_tx_end="commit-allow-override")
    step = {"method": "POST", "path": "/log", "body": {"what": "x"}}
    tried = {**step, "headers": {"Prefer": "tx=rollback"}}
    async with served(database, ON, settings=settings) as rest:
        answer = await rest.ask("POST", "/batch", [step, tried, {"path": "/log"}])
        rows = await rest.ask("GET", "/log")
    assert answer.status == 200
    assert (len(answer.json[2]["body"]), rows.json) == (2, [])


async def test_isolation_is_of_the_whole(database: Database) -> None:
    strict = {"method": "POST", "path": "/rpc/strict"}
    async with served(database, ON) as rest:
        first = await rest.ask("POST", "/batch", [strict, {"path": "/tags"}])
        late = await rest.ask("POST", "/batch", [{"path": "/tags"}, strict])
    assert first.json[0]["body"] == "serializable"
    assert (late.status, late.json["code"]) == (400, "BSTAY103")


async def test_steps_may_use_the_other_extensions(database: Database) -> None:
    async with served(database, ON) as rest:
        answer = await rest.ask(
            "POST",
            "/batch",
            [
                {
                    "method": "POST",
                    "path": "/orders?select=note,customers(name)",
                    "headers": REP,
                    "body": {"note": "n", "customers": {"name": "c"}},
                },
                {
                    "method": "POST",
                    "path": "/orders?select=note",
                    "body": {"note": "in.(n,m)"},
                    "headers": {"X-HTTP-Method-Override": "GET"},
                },
            ],
        )
    assert [each["body"] for each in answer.json] == [
        [{"note": "n", "customers": {"name": "c"}}],
        [{"note": "n"}],
    ]


async def test_a_table_made_a_moment_ago_is_found(database: Database) -> None:
    made = {"method": "POST", "path": "/fresh", "body": {"id": 1}}
    async with served(database, ON, size=1) as rest:
        database.psql("create table fresh (id int)")
        found = await rest.ask("POST", "/batch", [{"path": "/tags"}, made])
        missed = await rest.ask("POST", "/batch", [{"path": "/tags"}, {"path": "/nowhere"}])
    assert found.status == 200, found.body
    assert (missed.status, missed.json["code"]) == (404, "PGRST205")
    assert missed.headers["batch-failed"] == "1"
    assert database.execute("select id from fresh") == [(1,)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "BSTAY100"),
        ({"path": "/tags"}, "BSTAY100"),
        (["/tags"], "BSTAY100"),
        ([{"path": "tags"}], "BSTAY100"),
        ([{"path": "/tags", "method": "TRACE"}], "BSTAY100"),
        ([{"path": "/tags", "extra": 1}], "BSTAY100"),
        ([{"path": "/tags", "headers": {"Authorization": "Bearer service_role:x"}}], "BSTAY100"),
        ([{"path": "/tags", "headers": {"X-Forwarded-For": "10.0.0.1"}}], "BSTAY100"),
        ([{"path": "/tags", "headers": {"Idempotency-Key": "k"}}], "BSTAY100"),
        ([{"path": "/tags", "headers": {"prefer": 1}}], "BSTAY100"),
        ([{"path": "/batch", "method": "POST", "body": []}], "BSTAY100"),
        ([{"path": "/tags"}] * 6, "BSTAY101"),
    ],
)
async def test_what_is_no_batch_is_refused(database: Database, body: object, code: str) -> None:
    async with served(database, ON) as rest:
        answer = await rest.ask("POST", "/batch", body)
    assert (answer.status, answer.json["code"]) == (413 if code == "BSTAY101" else 400, code)


async def test_off_it_is_a_table_that_is_not_there(database: Database) -> None:
    async def code(rest: Served) -> str:
        return str((await rest.ask("POST", "/batch", [])).json["code"])

    async with served(database, RestExtensions()) as rest:
        assert await code(rest) == "PGRST205"
