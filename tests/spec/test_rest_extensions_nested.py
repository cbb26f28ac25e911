"""Nested inserts: rows along foreign keys, in one transaction, as the caller."""

from __future__ import annotations

import pytest

from backstay.config.rest import RestExtensions, RestSettings
from tests.support.cluster import Database
from tests.support.extended_rest import Answer, served

ON = RestExtensions(nested_inserts=True)
REP = {"prefer": "return=representation"}
ANN = "authenticated:ann"
SELECT = "select=note,customers(name),lines(place,sku,price),labels(text)&lines.order=place"

ORDER = {
    "note": "first",
    "customers": {"name": "carl"},
    "labels": {"text": "fragile"},
    "lines": [
        {"place": 1, "sku": "a", "price": "1.10"},
        {"place": 2, "sku": "b", "price": 99.999},
    ],
}
SHOWN = {
    "note": "first",
    "customers": {"name": "carl"},
    "labels": {"text": "fragile"},
    "lines": [
        {"place": 1, "sku": "a", "price": 1.10},
        {"place": 2, "sku": "b", "price": 99.999},
    ],
}


async def test_parents_and_children_go_with_their_row(database: Database) -> None:
    async with served(database, ON) as rest:
        answer = await rest.ask("POST", f"/orders?{SELECT}", ORDER, ANN, **REP)
        later = await rest.ask("GET", f"/orders?{SELECT}", role=ANN)
    assert answer.status == 201, answer.body
    assert answer.json == [SHOWN]
    assert later.json == [SHOWN]
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["preference-applied"] == "return=representation"
    assert (answer.headers["content-range"], "content-location" in answer.headers) == ("*/*", False)


async def test_several_each_get_their_own(database: Database) -> None:
    orders: list[dict[str, object]] = [
        {"note": f"n{n}", "lines": [{"place": p, "sku": f"{n}-{p}"} for p in range(n)]}
        for n in range(5)
    ]
    orders[3]["customers"] = {"name": "three"}
    async with served(database, ON) as rest:
        answer = await rest.ask(
            "POST",
            "/orders?select=note,lines(sku),customers(name)&order=note.desc&lines.order=sku",
            orders,
            **REP,
        )
    assert answer.json == [
        {
            "note": f"n{n}",
            "lines": [{"sku": f"{n}-{p}"} for p in range(n)],
            "customers": {"name": "three"} if n == 3 else None,
        }
        for n in (4, 3, 2, 1, 0)
    ]


async def test_deeper_and_of_itself(database: Database) -> None:
    tree = {
        "name": "root",
        "orders": [
            {"note": "up", "parent_id": {"note": "grand"}},
            {"note": "down", "orders": [{"note": "child", "lines": [{"place": 1}]}]},
        ],
    }
    async with served(database, ON) as rest:
        answer = await rest.ask("POST", "/customers", tree)
        rows = await rest.ask(
            "GET", "/orders?select=note,customer_id,parent_id(note),lines(place)&order=note"
        )
    assert (answer.status, answer.body) == (201, b"")
    assert rows.json == [
        {
            "note": "child",
            "customer_id": None,
            "parent_id": {"note": "down"},
            "lines": [{"place": 1}],
        },
        {"note": "down", "customer_id": 1, "parent_id": None, "lines": []},
        {"note": "grand", "customer_id": None, "parent_id": None, "lines": []},
        {"note": "up", "customer_id": 1, "parent_id": {"note": "grand"}, "lines": []},
    ]


async def test_through_a_third_table(database: Database) -> None:
    orders = [
        {"note": "a", "tags": [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}]},
        {"note": "b", "tags": []},
        {"note": "c", "tags": [{"id": 3, "name": "z"}], "order_tags": []},
    ]
    async with served(database, ON) as rest:
        answer = await rest.ask(
            "POST", "/orders?select=note,tags(name)&tags.order=name", orders, **REP
        )
        tied = await rest.ask(
            "POST",
            "/orders?select=tags(name)",
            {"note": "d", "order_tags": [{"tag_id": 1}]},
            **REP,
        )
    assert answer.json == [
        {"note": "a", "tags": [{"name": "x"}, {"name": "y"}]},
        {"note": "b", "tags": []},
        {"note": "c", "tags": [{"name": "z"}]},
    ]
    assert tied.json == [{"tags": [{"name": "x"}]}]


async def test_a_key_the_client_chose_needs_no_right_to_read(database: Database) -> None:
    database.psql(
        "create table boxes (id int primary key); create table things (box_id int references boxes);"
        "revoke select on boxes, things from anon; grant insert on boxes, things to anon"
    )
    async with served(database, ON) as rest:
        chosen = await rest.ask("POST", "/boxes", {"id": 7, "things": [{}, {}]}, "")
        shown = await rest.ask("POST", "/boxes", {"id": 8, "things": [{}]}, "", **REP)
    assert chosen.status == 201, chosen.body
    assert (shown.status, shown.json["code"]) == (401, "42501")
    assert database.execute("select box_id from things") == [(7,), (7,)]


@pytest.mark.parametrize("prefer", ["return=representation", "return=minimal"])
async def test_a_refused_child_leaves_no_parent(database: Database, prefer: str) -> None:
    dear = {**ORDER, "lines": [*ORDER["lines"], {"place": 3, "price": 100}]}
    async with served(database, ON) as rest:
        answer = await rest.ask("POST", "/orders", dear, ANN, prefer=prefer)
        single = await rest.ask("POST", "/lines", {"order_id": 1, "place": 1, "price": 100}, ANN)
    assert (answer.status, answer.json) == (single.status, single.json)
    assert (answer.status, answer.json["code"]) == (403, "42501")
    for table in ("orders", "customers", "lines", "labels"):
        assert database.execute(f"select count(*) from {table}") == [(0,)], table


async def test_a_refused_parent_leaves_nothing(database: Database) -> None:
    async with served(database, ON) as rest:
        foreign = {"note": "n", "customers": {"name": "c", "owner": "bob"}}
        answer = await rest.ask("POST", "/orders", foreign, ANN)
    assert (answer.status, answer.json["code"]) == (403, "42501")
    assert database.execute("select count(*) from orders") == [(0,)]


async def test_forms_of_the_answer(database: Database) -> None:
    settings = RestSettings(db_anon_role="anon", db_tx_end="commit-allow-override")
    async with served(database, ON, settings=settings) as rest:

        async def sent(**headers: str) -> Answer:
            return await rest.ask("POST", "/orders?select=note", ORDER, **headers)

        where = await sent(prefer="return=headers-only,count=exact")
        csv = await sent(accept="text/csv", **REP)
        one = await sent(accept="application/vnd.pgrst.object+json", **REP)
        unknown = await sent(accept="image/png", **REP)
        undone = await sent(prefer="tx=rollback")
    assert (where.headers["location"], where.headers["content-range"]) == ("/orders?id=eq.1", "*/1")
    assert (csv.status, csv.body) == (201, b"note\nfirst")
    assert (one.status, one.json) == (201, {"note": "first"})
    assert (unknown.status, undone.status) == (406, 201)
    assert database.execute("select count(*) from orders") == [(3,)]


async def test_settings_of_the_answer_count(database: Database) -> None:
    async with served(database, ON) as rest:
        database.psql(
            "create function mark() returns trigger language plpgsql as $$ begin"
            " perform set_config('response.headers', '[{\"X-Mark\": \"m\"}]', true);"
            " return new; end $$;"
            "create trigger mark before insert on customers for each row execute function mark()"
        )
        shown = await rest.ask("POST", "/orders", ORDER, **REP)
        silent = await rest.ask("POST", "/orders", ORDER)
    assert (shown.headers.get("x-mark"), silent.headers.get("x-mark")) == ("m", "m")


@pytest.mark.parametrize(
    ("target", "body", "prefer", "code"),
    [
        ("/orders", {"customers": [{"name": "x"}]}, "", "BSTAY110"),
        ("/orders", {"lines": {"place": 1}}, "", "BSTAY110"),
        ("/orders", {"lines": [1]}, "", "BSTAY110"),
        ("/orders", {"customer_id": 1, "customers": {"name": "x"}}, "", "BSTAY110"),
        ("/orders", {"lines": [{"order_id": 1, "place": 1}]}, "", "BSTAY110"),
        ("/orders", {"full_note": {"id": 1}}, "", "BSTAY110"),
        ("/orders", {"lines": [{"place": 1}]}, "resolution=merge-duplicates", "BSTAY110"),
        ("/orders?on_conflict=id", {"lines": [{"place": 1}]}, "", "BSTAY110"),
        ("/log", {"orders": [{"note": 1}]}, "", "PGRST200"),
        ("/orders", {"lines": [{"place": 1, "nope": 1}]}, "", "PGRST204"),
        ("/orders", {"lines": [], "nope": 1}, "", "PGRST204"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    database: Database, target: str, body: object, prefer: str, code: str
) -> None:
    async with served(database, ON) as rest:
        answer = await rest.ask("POST", target, body, prefer=prefer)
        rows = await rest.ask("GET", "/orders")
    assert (answer.status, answer.json["code"], rows.json) == (400, code, [])


async def test_objects_for_columns_of_json_are_no_rows(database: Database) -> None:
    async with served(database, ON) as rest:
        database.psql("create table docs (id int, doc jsonb); notify pgrst")
        answer = await rest.ask("POST", "/docs", {"id": 1, "doc": {"lines": [1]}}, **REP)
    assert answer.json == [{"id": 1, "doc": {"lines": [1]}}]


async def test_off_the_names_are_unknown_columns(database: Database) -> None:
    async with served(database, RestExtensions()) as rest:
        answer = await rest.ask("POST", "/orders", ORDER)
    assert (answer.status, answer.json["code"]) == (400, "PGRST204")
