"""A plan made for one request serves another of its shape, and never one of a different shape."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backstay.rest.shapes import PlanCache, open_slots, shape_of, with_open_limit
from tests.support.small_rest import Scripted, request, service, snapshot

VALUES = st.one_of(
    st.sampled_from(["1", "", "a b", "%41", "a%2Cb", "*x*", "é", "(1,2)", "1.5", "eq.1", "'"]),
    st.text(st.characters(codec="utf-8", exclude_characters="&;#\0%+"), max_size=6),
)
LISTS = st.lists(VALUES, min_size=1, max_size=3).map(lambda each: f"in.({','.join(each)})")
OPERATORS = st.sampled_from(
    [
        "eq",
        "neq",
        "gt",
        "lt",
        "like",
        "ilike",
        "cs",
        "fts",
        "wfts",
        "isdistinct",
        "not.eq",
        "not.like",
        "eq(any)",
        "fts(english)",
        "bogus",
    ]
)
FILTERS = st.tuples(
    st.sampled_from(["id", "name", "projects.name", "data->>a"]),
    st.one_of(st.tuples(OPERATORS, VALUES).map(".".join), LISTS, st.just("is.null")),
).map("=".join)
OTHERS = st.sampled_from(
    [
        "select=id,projects(*)",
        "select=projects(id)",
        "order=id.desc",
        "limit=2",
        "limit=7",
        "limit=0",
        "offset=1",
        "offset=5",
        "limit=3&limit=4",
        "limit=+5",
        "offset=0",
        "or=(id.eq.1,id.eq.2)",
    ]
)
QUERIES = st.lists(st.one_of(FILTERS, OTHERS), max_size=4).map("&".join)


def _asked(queries: list[str], path: str = "/clients") -> object:
    """What the last of ``queries`` makes of the database, one service answering all of them."""
    database = Scripted()
    one = service(database)
    responses = [asyncio.run(one(request("GET", f"{path}?{query}"))) for query in queries]
    last = responses[-1]
    statement = database.asked[-1][1] if last.status < 400 else None
    return last.status, list(last.headers), last.body, statement


@settings(max_examples=120, deadline=None)
@given(QUERIES, QUERIES)
def test_a_warm_service_answers_as_a_cold_one(first: str, second: str) -> None:
    assert _asked([first, second, second]) == _asked([second])


@settings(max_examples=120, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "id", "v"]), VALUES).map("=".join), max_size=3
    ).map("&".join),
    st.sampled_from(["add_them", "all_of", "some_clients"]),
)
def test_calls_are_planned_alike_too(query: str, name: str) -> None:
    path = f"/rpc/{name}"
    warm = query.replace("1", "2")
    assert _asked([warm, query, query], path) == _asked([query], path)


def test_values_leave_the_shape() -> None:
    one, values = shape_of("GET", "/t", "id=eq.1&name=not.like.a*&n=in.(1,2)", {})
    other, _ = shape_of("GET", "/t", "id=eq.99&name=not.like.%41&n=in.(%22a,b%22)", {})
    assert one == other
    assert values == ("1", "a*", ("1", "2"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("id=eq.1", "id=neq.1"),
        ("id=eq.1", "x=eq.1"),
        ("id=in.()", "id=in.(1)"),
        ("id=in.(1", "id=in.(2"),
        ("id=in.", "id=in.(1)"),
        ("limit=", "limit=1"),
        ("limit=1", "limit=2"),
        ("select=a", "select=b"),
        ("limit=1", "limit=0"),
        ("limit=1", "offset=1"),
        ("clients.limit=1", "clients.limit=2"),
        ("or=(a.eq.1)", "or=(a.eq.2)"),
        ("id=is.null", "id=is.true"),
        ("id=eq(any).{1}", "id=eq(any).{2}"),
        ("o%72der=a.asc", "o%72der=a.desc"),
    ],
)
def test_what_decides_the_plan_stays(one: str, other: str) -> None:
    assert shape_of("GET", "/t", one, {})[0] != shape_of("GET", "/t", other, {})[0]


@pytest.mark.parametrize("name", ["accept", "prefer", "range", "content-type", "accept-profile"])
def test_headers_that_decide_belong_to_it(name: str) -> None:
    assert shape_of("GET", "/t", "", {name: "x"}) != shape_of("GET", "/t", "", {})


def test_arguments_leave_it_only_where_they_cannot_be_operators() -> None:
    path = "/rpc/f"
    assert shape_of("GET", path, "a=5", {})[1] == ("5",)
    assert shape_of("GET", path, "a=word", {})[1] == ("word",)
    assert shape_of("GET", path, "a=user@x.org", {})[1] == (None,)
    assert shape_of("GET", path, "a=word", {})[0] == shape_of("GET", path, "a=other", {})[0]


def test_an_argument_without_a_value_is_another_request() -> None:
    path = "/rpc/f"
    assert shape_of("GET", path, "a=", {})[0] != shape_of("GET", path, "a=5", {})[0]


def test_an_offset_leaves_the_shape_and_takes_the_limit_along() -> None:
    one, values = shape_of("GET", "/t", "limit=20&offset=40", {})
    assert one == shape_of("GET", "/t", "limit=30&offset=60", {})[0]
    assert open_slots(one, values) == {0, 1}
    first, values = shape_of("GET", "/t", "id=eq.1&limit=20&offset=0", {})
    assert open_slots(first, values) == {0}
    assert open_slots(with_open_limit(first), values) == {0, 1}


def _texts(asked: list[str]) -> list[str]:
    """The SQL each of the queries ``asked`` becomes, one service answering all of them."""
    database = Scripted()
    one = service(database)
    for query in asked:
        response = asyncio.run(one(request("GET", f"/clients?{query}")))
        assert response.status == 200
    return [queries[0].sql for _, queries in database.asked]


def test_a_limit_is_written_out_and_an_offset_is_a_parameter() -> None:
    alone, from_start, further, embedded = _texts(
        [
            "limit=7",
            "limit=7&offset=0",
            "limit=7&offset=3",
            "select=id,projects(id)&projects.limit=5",
        ]
    )
    assert " LIMIT 7 " in alone
    assert "OFFSET" not in alone + from_start + embedded
    assert " LIMIT $1 OFFSET $2 " in further
    assert " LIMIT 5 " in embedded


@pytest.mark.parametrize(
    "query", ["limit={}", "select=id,projects(id)&projects.limit={}", "l%69mit={}", "limit=+{}"]
)
def test_only_so_many_limits_make_a_statement_of_their_own(query: str) -> None:
    texts = _texts([query.format(number) for number in range(1, 200)])
    assert len(set(texts)) <= 17
    assert texts[-1] == texts[-2]
    assert "LIMIT $" in texts[-1]


def test_limits_of_the_range_header_are_bounded_alike() -> None:
    database = Scripted()
    one = service(database)
    for number in range(200):
        asyncio.run(one(request("GET", "/clients", {"range": f"0-{number}"})))
    texts = [queries[0].sql for _, queries in database.asked]
    assert " LIMIT 1 " in texts[0]
    assert len(set(texts)) <= 17


def test_another_snapshot_empties_the_cache() -> None:
    cache: PlanCache[str] = PlanCache()
    old, new = snapshot(), snapshot()
    assert cache.get(old, ("a",)) is None
    cache.put(old, ("a",), "plan")
    assert cache.get(old, ("a",)) == "plan"
    assert cache.get(new, ("a",)) is None
    cache.put(old, ("a",), "late")
    assert cache.get(new, ("a",)) is None


def test_the_oldest_plan_goes_first() -> None:
    cache: PlanCache[int] = PlanCache(bound=2)
    now = snapshot()
    cache.get(now, ())
    for number in range(2):
        cache.put(now, (number,), number)
    cache.get(now, (0,))
    cache.put(now, (2,), 2)
    assert [cache.get(now, (number,)) for number in range(3)] == [0, None, 2]


def test_long_shapes_take_the_place_of_many() -> None:
    cache: PlanCache[int] = PlanCache(bound=10, characters=100)
    now = snapshot()
    cache.get(now, ())
    for number, part in enumerate(("a" * 10, "b" * 60, "c" * 40)):
        cache.put(now, (part,), number)
        cache.put(now, (part,), number)
    assert cache.get(now, ("a" * 10,)) is None
    assert (cache.get(now, ("b" * 60,)), cache.get(now, ("c" * 40,))) == (1, 2)
    cache.put(now, ("d" * 101,), 3)
    assert cache.get(now, ("d" * 101,)) is None
    cache.put(now, ("e" * 100,), 4)
    assert cache.get(now, ("e" * 100,)) == 4


def test_limits_of_a_long_shape_stay_open() -> None:
    cache: PlanCache[int] = PlanCache()
    short, _ = shape_of("GET", "/t", "limit=1", {})
    long, _ = shape_of("GET", "/t", f"select={'a' * 9000}&limit=1", {})
    assert (cache.admits(short), cache.admits(long)) == (True, False)


def test_a_nul_byte_is_refused_whatever_is_cached() -> None:
    one = service(Scripted())
    assert asyncio.run(one(request("GET", "/clients?id=eq.1"))).status == 200
    refused = asyncio.run(one(request("GET", "/clients?id=eq.%00")))
    assert (refused.status, b"22021" in bytes(refused.body)) == (400, True)  # type: ignore[arg-type]


def test_a_bad_list_is_refused_whatever_is_cached() -> None:
    one = service(Scripted())
    assert asyncio.run(one(request("GET", "/clients?id=in.(1,2)"))).status == 200
    assert asyncio.run(one(request("GET", "/clients?id=in.(1,2"))).status == 400
