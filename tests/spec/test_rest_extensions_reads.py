"""``distinct``, and reads whose query is in the body of a POST."""

from __future__ import annotations

import itertools
import random

import orjson
import pytest

from backstay.config.rest import RestExtensions, RestSettings
from tests.support.cluster import Database
from tests.support.extended_rest import served

ON = RestExtensions(distinct=True, query_by_post=True)
FORM = "application/x-www-form-urlencoded"


def fill(database: Database) -> None:
    """Rows with many repetitions, nulls among them; the same in every run."""
    chance = random.Random(7)
    shades = ["'red'", "'blue'", "'green'", "null"]
    rows = (
        f"({n}, {chance.choice(shades)}, {chance.choice(('true', 'false', 'null'))},"
        f" {chance.choice((1, 2, 2.5))})"
        for n in range(200)
    )
    database.psql(f"insert into colours values {','.join(rows)}")


COLUMNS = ("shade", "warm", "weight")
SUBSETS = [c for n in (1, 2, 3) for c in itertools.combinations(COLUMNS, n)]


def as_json(database: Database, query: str) -> object:
    ((found,),) = database.execute(f"select json_agg(r)::text from ({query}) r")
    return orjson.loads(found)


async def test_whole_rows_differ_as_in_the_reference(database: Database) -> None:
    async with served(database, ON) as rest:
        fill(database)
        for columns in SUBSETS:
            names = ",".join(columns)
            for filtered, condition in (("", "true"), ("&id=lt.9", "id < 9")):
                answer = await rest.ask(
                    "GET",
                    f"/colours?select={names}&distinct=true&order={names}{filtered}",
                    prefer="count=exact",
                )
                reference = as_json(
                    database,
                    f"select distinct {names} from colours where {condition} order by {names}",
                )
                assert answer.json == reference, columns
                assert isinstance(reference, list)
                assert answer.headers["content-range"] == f"0-{len(reference) - 1}/{len(reference)}"


async def test_the_first_of_each_is_as_in_the_reference(database: Database) -> None:
    async with served(database, ON) as rest:
        fill(database)
        for columns in SUBSETS:
            names = ",".join(columns)
            for order in (f"{names},id", f"{','.join(reversed(columns))},id.desc"):
                by = order.replace(".desc", " desc")
                answer = await rest.ask("GET", f"/colours?distinct={names}&order={order}")
                reference = as_json(
                    database, f"select distinct on ({names}) * from colours order by {by}"
                )
                assert answer.json == reference, (columns, order)


async def test_pages_and_counts_are_of_distinct_rows(database: Database) -> None:
    settings = RestSettings(db_anon_role="anon", db_max_rows=3)
    async with served(database, ON, settings=settings) as rest:
        fill(database)
        page = await rest.ask(
            "GET",
            "/colours?select=shade&distinct=shade&order=shade&limit=2&offset=1",
            prefer="count=exact",
        )
        capped = await rest.ask("GET", "/colours?select=shade&distinct=true", prefer="count=exact")
    assert (page.status, page.json) == (206, [{"shade": "green"}, {"shade": "red"}])
    assert page.headers["content-range"] == "1-2/4"
    assert (len(capped.json), capped.headers["content-range"]) == (3, "0-2/4")


async def test_without_an_order_the_distinct_columns_are_it(database: Database) -> None:
    async with served(database, ON) as rest:
        fill(database)
        answer = await rest.ask("GET", "/colours?select=weight,shade&distinct=weight,shade")
    shown = [(row["weight"], row["shade"] or "~") for row in answer.json]
    assert shown == sorted(shown)
    assert len(shown) == 12


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("distinct=shade&order=id", "42P10"),
        ("select=shade&distinct=true&order=id", "42P10"),
        ("distinct=nope", "42703"),
        ("distinct=", "PGRST100"),
        ("distinct=a.b", "PGRST100"),
        ("distinct=shade,", "PGRST100"),
    ],
)
async def test_what_cannot_be_distinct_is_refused(
    database: Database, query: str, code: str
) -> None:
    async with served(database, ON) as rest:
        answer = await rest.ask("GET", f"/colours?{query}")
    assert (answer.status, answer.json["code"]) == (400, code)


async def test_distinct_with_what_is_embedded(database: Database) -> None:
    async with served(database, ON) as rest:
        database.psql(
            "insert into customers (name) values ('a'), ('b');"
            "insert into orders (note, customer_id) values ('x', 1), ('x', 1), ('x', 2), ('y', 1)"
        )
        whole = await rest.ask(
            "GET", "/orders?select=note,customers(name)&distinct=true&order=note"
        )
        one = await rest.ask(
            "GET",
            "/orders?select=note,customers!inner(name)&distinct=note&order=note,id.desc",
            prefer="count=exact",
        )
    assert sorted((row["note"], row["customers"]["name"]) for row in whole.json) == [
        ("x", "a"),
        ("x", "b"),
        ("y", "a"),
    ]
    assert [row["customers"]["name"] for row in one.json] == ["b", "a"]
    assert one.headers["content-range"] == "0-1/2"


async def test_a_column_of_that_name_is_filtered_in_a_tree(database: Database) -> None:
    async with served(database, ON) as rest:
        database.psql(
            "create table odd (id int, \"distinct\" text); insert into odd values (1, 'x')"
        )
        found = await rest.ask("GET", "/odd?and=(distinct.eq.x)&select=id&distinct=false")
    assert found.json == [{"id": 1}]


async def test_off_distinct_is_a_column(database: Database) -> None:
    async with served(database, RestExtensions(query_by_post=True)) as rest:
        database.psql(
            "create table odd (id int, \"distinct\" text); insert into odd values (1, 'x')"
        )
        found = await rest.ask("GET", "/odd?distinct=eq.x&select=id")
        refused = await rest.ask("GET", "/odd?distinct=true")
    assert found.json == [{"id": 1}]
    assert (refused.status, refused.json["code"]) == (400, "PGRST100")


# -- queries by POST --------------------------------------------------------------------------


async def test_a_list_longer_than_any_url(database: Database) -> None:
    listed = f"id=in.({','.join(map(str, range(100, 30_000)))})"
    async with served(database, ON) as rest:
        fill(database)
        long = await rest.ask(
            "POST",
            "/colours?select=id&order=id&limit=2",
            listed.encode(),
            x_http_method_override="GET",
            content_type=FORM,
            prefer="count=exact",
        )
        as_json = await rest.ask(
            "POST",
            "/colours?select=id",
            {"id": ["gte.100", "lt.102"], "order": "id"},
            x_http_method_override="get",
            content_type="application/json",
        )
        rows = await rest.ask("GET", "/colours?select=id")
    assert (long.status, long.json) == (206, [{"id": 100}, {"id": 101}])
    assert long.headers["content-range"] == "0-1/100"
    assert "content-location" not in long.headers
    assert as_json.json == [{"id": 100}, {"id": 101}]
    assert len(rows.json) == 200


async def test_it_is_the_read_it_stands_for(database: Database) -> None:
    async with served(database, ON) as rest:
        fill(database)
        database.psql("insert into customers (name, owner) values ('a', 'ann'), ('b', 'bob')")
        for query in (
            "select=shade,count:weight&id=in.(1,2,3)&order=id",
            "or=(id.eq.5,and(shade.eq.red,warm.is.true))&select=id&order=id&limit=4",
            "shade=eq.a%26b%3Dc",
            "nope=eq.1",
            "limit=-1",
        ):
            get = await rest.ask("GET", f"/colours?{query}")
            post = await rest.ask(
                "POST", "/colours", query.encode(), x_http_method_override="GET", content_type=FORM
            )
            assert (post.status, post.body) == (get.status, get.body), query
        mine = await rest.ask(
            "POST",
            "/customers",
            b"select=name",
            "authenticated:ann",
            x_http_method_override="GET",
            content_type=FORM,
        )
        called = await rest.ask("POST", "/rpc/whoami", b"", x_http_method_override="GET")
        volatile = await rest.ask(
            "POST", "/rpc/add_log", b"what=x", x_http_method_override="GET", content_type=FORM
        )
        head = await rest.ask("POST", "/colours", b"id=eq.1", x_http_method_override="HEAD")
    assert mine.json == [{"name": "a"}]
    assert (called.json["method"], called.json["read_only"]) == ("GET", "on")
    assert (volatile.status, volatile.json["code"]) == (405, "25006")
    assert (head.status, head.body, head.headers["content-range"]) == (200, b"", "0-0/*")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b"[]"),
        ("application/json", b'{"id": 1}'),
        ("application/json", b'{"id": ["eq.1", 2]}'),
        ("text/csv", b"id"),
    ],
)
async def test_a_body_that_is_no_query_is_refused(
    database: Database, kind: str, body: bytes
) -> None:
    async with served(database, ON) as rest:
        answer = await rest.ask(
            "POST", "/colours", body, x_http_method_override="GET", content_type=kind
        )
    assert (answer.status, answer.json["code"]) == (400, "BSTAY102")


async def test_off_the_header_changes_nothing(database: Database) -> None:
    async with served(database, RestExtensions(distinct=True)) as rest:
        answer = await rest.ask("POST", "/tags", {"id": 1}, x_http_method_override="GET")
    assert answer.status == 201
