"""Every method of supabase-py's query builders, against the running library.

``Case.about`` names the methods a case is about; ``test_every_method_has_a_case`` compares them
with what the installed package offers.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import postgrest._sync.request_builder as builders
import pytest
from postgrest import AsyncPostgrestClient, CountMethod, SyncPostgrestClient
from postgrest.exceptions import APIError
from postgrest.types import ReturnMethod
from supabase import Client, create_client

from tests.support.running import Running

Ask = Callable[[Any], Any]


@dataclass(frozen=True)
class Case:
    """What is asked of the builder of ``books`` (of the client, when ``of_client``).

    ``expected``: the data; a list of numbers are the ids of the rows. ``code`` is an error's.
    """

    about: str
    ask: Ask
    expected: object = None
    code: str = ""
    of_client: bool = False
    count: int | None = None


ANIMALS = ["animals"]

FILTERS = [
    Case("eq", lambda b: b.eq("title", "Cooking, slowly"), [3]),
    Case("eq", lambda b: b.eq("in_print", True), [1, 3, 5]),
    Case("eq", lambda b: b.eq("meta->>lang", "en"), [1, 2]),
    Case("eq", lambda b: b.eq("id", "x"), code="22P02"),
    Case("neq", lambda b: b.neq("in_print", True), [2]),
    Case("gt", lambda b: b.gt("price", 7), [1, 2]),
    Case("gt", lambda b: b.gt("published", "2010-01-01T00:00:00+00:00"), [5]),
    Case("gte", lambda b: b.gte("price", 7.0), [1, 2, 5]),
    Case("lt", lambda b: b.lt("price", 7), [3]),
    Case("lte", lambda b: b.lte("price", 7), [3, 5]),
    Case("is_", lambda b: b.is_("price", None), [4]),
    Case("is_", lambda b: b.is_("in_print", True), [1, 3, 5]),
    Case("is_", lambda b: b.is_("in_print", False), [2]),
    Case("is_", lambda b: b.is_("in_print", "unknown"), [4]),
    Case("like", lambda b: b.like("title", "%fox"), [1]),
    Case("like_all_of", lambda b: b.like_all_of("title", "%fox%,The%"), [1, 2]),
    Case("like_any_of", lambda b: b.like_any_of("title", "Cook%,100%"), [3, 4]),
    Case("ilike", lambda b: b.ilike("title", "THE%"), [1, 2]),
    Case("ilike_all_of", lambda b: b.ilike_all_of("title", "%FOX%,tHe%"), [1, 2]),
    Case("ilike_any_of", lambda b: b.ilike_any_of("title", "cook%,FOX%"), [3, 5]),
    Case("or_", lambda b: b.or_("id.eq.4,and(in_print.is.true,price.lt.8)"), [3, 4, 5]),
    Case("or_ not_", lambda b: b.not_.or_("id.eq.4,price.lt.8"), [1, 2]),
    Case("fts", lambda b: b.fts("words", "fox & !hound"), [1, 2]),
    Case("plfts", lambda b: b.plfts("words", "hounds foxes"), [5]),
    Case("phfts", lambda b: b.phfts("words", "red fox"), [1]),
    Case("wfts", lambda b: b.wfts("words", "fox -hound"), [1, 2]),
    Case("text_search", lambda b: b.text_search("words", "fox & hound"), [5]),
    Case(
        "text_search",
        lambda b: b.text_search("words", "fox hound", {"type": "plain", "config": "english"}),
        [5],
    ),
    Case("text_search", lambda b: b.text_search("words", "red fox", {"type": "phrase"}), [1]),
    Case(
        "text_search",
        lambda b: b.text_search("words", "fox -hound", {"type": "web_search"}),
        [1, 2],
    ),
    Case("text_search", lambda b: b.text_search("words", "foxes", {"config": "simple"}), []),
    Case("in_", lambda b: b.in_("id", [1, 3]), [1, 3]),
    Case("in_", lambda b: b.in_("subtitle", ["Recipes (all)", 'a "quoted" word']), [3, 5]),
    Case("in_", lambda b: b.in_("id", []), []),
    Case("in_ not_", lambda b: b.not_.in_("id", [1, 3]), [2, 4, 5]),
    Case("cs", lambda b: b.cs("tags", ANIMALS), [1, 2, 5]),
    Case("cd", lambda b: b.cd("tags", ["animals", "red", "food"]), [1, 3, 4, 5]),
    Case("contains", lambda b: b.contains("tags", ANIMALS), [1, 2, 5]),
    Case("contains", lambda b: b.contains("meta", {"lang": "en"}), [1, 2]),
    Case("contains", lambda b: b.contains("lent", "[11,12)"), [2, 5]),
    Case("contained_by", lambda b: b.contained_by("tags", ["food"]), [3, 4]),
    Case("contained_by", lambda b: b.contained_by("meta", {"lang": "hu", "x": 1}), [3]),
    Case("contained_by", lambda b: b.contained_by("lent", "[0,20)"), [1, 2, 5]),
    Case("ov", lambda b: b.ov("tags", ["blue", "food"]), [2, 3, 5]),
    Case("overlaps", lambda b: b.overlaps("lent", "[9,11)"), [1, 2, 5]),
    Case("sl", lambda b: b.sl("lent", (10, 15)), [1]),
    Case("sr", lambda b: b.sr("lent", (5, 10)), [2, 3]),
    Case("nxl", lambda b: b.nxl("lent", (9, 20)), [2, 3]),
    Case("nxr", lambda b: b.nxr("lent", (5, 15)), [1, 5]),
    Case("adj", lambda b: b.adj("lent", (9, 20)), [1, 3]),
    Case("range_lt", lambda b: b.range_lt("lent", (10, 15)), [1]),
    Case("range_gt", lambda b: b.range_gt("lent", (5, 10)), [2, 3]),
    Case("range_gte", lambda b: b.range_gte("lent", (9, 20)), [2, 3]),
    Case("range_lte", lambda b: b.range_lte("lent", (5, 15)), [1, 5]),
    Case("range_adjacent", lambda b: b.range_adjacent("lent", (9, 20)), [1, 3]),
    Case("match", lambda b: b.match({"in_print": True, "author_id": 2}), [3, 5]),
    Case("not_", lambda b: b.not_.is_("price", None), [1, 2, 3, 5]),
    Case("filter", lambda b: b.filter("title", "imatch", "^the"), [1, 2]),
    Case("filter", lambda b: b.filter("id", "equals", "1"), code="PGRST100"),
]

MODIFIERS = [
    Case("order", lambda b: b.order("price"), [3, 5, 1, 2, 4]),
    Case("order", lambda b: b.order("price", desc=True), [4, 2, 1, 5, 3]),
    Case("order", lambda b: b.order("price", nullsfirst=True), [4, 3, 5, 1, 2]),
    Case("order", lambda b: b.order("price", desc=True, nullsfirst=False), [2, 1, 5, 3, 4]),
    Case("order", lambda b: b.order("in_print").order("id", desc=True), [2, 5, 3, 1, 4]),
    Case("limit", lambda b: b.order("id").limit(2), [1, 2]),
    Case("offset", lambda b: b.order("id").offset(3), [4, 5]),
    Case("range", lambda b: b.order("id").range(1, 2), [2, 3]),
    Case("single execute", lambda b: b.eq("id", 1).single(), {"id": 1}),
    Case("single", lambda b: b.eq("id", 9).single(), code="PGRST116"),
    Case("maybe_single", lambda b: b.eq("id", 1).maybe_single(), {"id": 1}),
    Case("maybe_single", lambda b: b.maybe_single(), code="406"),
    Case("csv", lambda b: b.gt("id", 3).order("id").csv(), "id\n4\n5"),
    Case("explain", lambda b: b.explain(), code="PGRST107"),
    Case("retry", lambda b: b.eq("id", 1).retry(False), [1]),
]


def _rows(count: CountMethod) -> Ask:
    return lambda c: c.table("books").select("id", count=count).lt("id", 4).order("id").limit(1)


CLIENT = [
    Case("from_ select", lambda c: c.from_("books").select("id").eq("id", 1), [1]),
    Case("table", lambda c: c.table("nowhere").select(), code="PGRST205"),
    Case("select", _rows(CountMethod.exact), [1], count=3),
    Case("select", _rows(CountMethod.estimated), [1], count=3),
    Case("schema", lambda c: c.schema("stacks").from_("shelves").select("id").order("id"), [1, 2]),
    Case("schema", lambda c: c.schema("auth").from_("users").select(), code="PGRST106"),
    Case(
        "select order limit",
        lambda c: (
            c.table("authors")
            .select("id, books(id)")
            .eq("id", 1)
            .order("id", desc=True, foreign_table="books")
            .limit(1, foreign_table="books")
        ),
        [{"id": 1, "books": [{"id": 2}]}],
    ),
    Case(
        "range or_",
        lambda c: (
            c.table("authors")
            .select("id, books(id)")
            .eq("id", 2)
            .or_("id.eq.3,id.eq.5", reference_table="books")
            .order("id", foreign_table="books")
            .range(1, 1, foreign_table="books")
        ),
        [{"id": 2, "books": [{"id": 5}]}],
    ),
    Case(
        "strip_nulls",
        lambda c: c.table("books").select("id, price").gt("id", 3).order("id").strip_nulls(),
        [{"id": 4}, {"id": 5, "price": 7.0}],
    ),
    Case("rpc", lambda c: c.rpc("add_them", {"a": 1, "b": 2}), 3),
    Case("rpc", lambda c: c.rpc("add_them", {"a": 1, "b": 2}, get=True), 3),
    Case("rpc", lambda c: c.rpc("longest", {"words": ["a", "b,c"]}, get=True), "b,c"),
    Case("rpc", lambda c: c.rpc("same", {"value": {"a": [1]}}, get=True), {"a": [1]}),
    Case("rpc", lambda c: c.rpc("total", {"numbers": [1, 2]}), 3),
    Case("rpc", lambda c: c.rpc("nowhere", {}), code="PGRST202"),
    Case("rpc", lambda c: c.rpc("refuse", {}), code="P0001"),
    Case("rpc", lambda c: c.rpc("books_by", {"author": 1}, head=True, count="exact"), [], count=2),
    Case(
        "rpc select eq single",
        lambda c: c.rpc("books_by", {"author": 1}).select("title").eq("id", 2).single(),
        {"title": "The blue foxes run"},
    ),
    Case("maybe_single", lambda c: c.rpc("books_by", {"author": 1}).eq("id", 2).maybe_single()),
    Case("csv", lambda c: c.rpc("prices", {}).csv(), "lowest,highest\n5.25,20.00"),
]

CASES = [*FILTERS, *MODIFIERS, *CLIENT]


def about(*methods: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Which methods a test is about, where a case would not do."""

    def named(test: Callable[..., None]) -> Callable[..., None]:
        vars(test)["about"] = methods
        return test

    return named


@pytest.fixture(scope="module")
def keys(library: Running) -> dict[str, str]:
    return library.status()


@pytest.fixture(scope="module")
def client(library: Running, keys: dict[str, str]) -> Iterator[Client]:
    made = create_client(library.url, keys["SERVICE_ROLE_KEY"])
    yield made
    made.postgrest.aclose()


@pytest.mark.parametrize("case", FILTERS, ids=lambda case: case.about)
def test_filter(client: Client, case: Case) -> None:
    _check(case, lambda: case.ask(client.table("books").select("id")).order("id"))


@pytest.mark.parametrize("case", MODIFIERS, ids=lambda case: case.about)
def test_modifier(client: Client, case: Case) -> None:
    _check(case, lambda: case.ask(client.table("books").select("id")))


@pytest.mark.parametrize("case", CLIENT, ids=lambda case: case.about)
def test_client(client: Client, case: Case) -> None:
    _check(case, lambda: case.ask(client))


def _check(case: Case, built: Callable[[], Any]) -> None:
    if case.code:
        with pytest.raises(APIError) as refused:
            built().execute()
        assert refused.value.code == case.code
        return
    answer = built().execute()
    expected = case.expected
    if isinstance(expected, list) and expected and isinstance(expected[0], int):
        expected = [{"id": number} for number in expected]
    if expected is not None:
        assert answer.data == expected
    if case.count is not None:
        assert answer.count == case.count


@about("maybe_single")
def test_no_row_may_be_none(client: Client) -> None:
    assert client.table("books").select("id").eq("id", 9).maybe_single().execute() is None


@about("select")
def test_counts_alone(client: Client) -> None:
    answer = client.table("books").select("*", count=CountMethod.exact, head=True).execute()
    assert answer.count == 5
    assert answer.data == []
    planned = client.table("books").select("id", count=CountMethod.planned).execute()
    assert planned.count


@about("insert", "update", "delete", "upsert", "max_affected")
def test_writes(client: Client) -> None:
    entries = client.table("entries")
    try:
        made: Any = entries.insert([{"code": "py-1", "label": "x"}, {"code": "py-2"}]).execute()
        assert [(row["label"], row["amount"]) for row in made.data] == [("x", None), (None, None)]
        made = entries.insert([{"code": "py-3"}], default_to_null=False).execute()
        assert made.data[0]["label"] == "unlabelled"
        quiet = entries.insert(
            {"code": "py-4"}, returning=ReturnMethod.minimal, count=CountMethod.exact
        ).execute()
        assert (quiet.data, quiet.count) == ([], 1)
        with pytest.raises(APIError) as duplicate:
            entries.insert({"code": "py-4"}).execute()
        assert duplicate.value.code == "23505"
        merged: Any = entries.upsert({"code": "py-4", "amount": 4}, on_conflict="code").execute()
        assert merged.data[0]["amount"] == 4
        ignored = entries.upsert(
            {"code": "py-4", "amount": 5}, on_conflict="code", ignore_duplicates=True
        ).execute()
        assert ignored.data == []
        changed: Any = entries.update({"note": "n"}, count=CountMethod.exact).like("code", "py-%")
        answer = changed.execute()
        assert (answer.count, {row["note"] for row in answer.data}) == (4, {"n"})
        chosen: Any = entries.update({"note": "m"}).eq("code", "py-4").select("note").execute()
        assert chosen.data == [{"note": "m"}]
        with pytest.raises(APIError) as limited:
            entries.delete().like("code", "py-%").max_affected(3).execute()
        assert limited.value.code == "PGRST124"
    finally:
        removed = entries.delete(count=CountMethod.exact).like("code", "py-%").execute()
    assert removed.count == 4


@about("explain")
def test_plans(client: Client) -> None:
    books: Any = client.table("books")

    def plan() -> str | None:
        try:
            text: str = books.select("id").explain(analyze=True, verbose=True).execute()
        except APIError as error:
            if error.code != "PGRST107":
                raise
            return None
        return text

    _configure(client, "true", lambda: plan() is not None)
    try:
        assert "Execution Time" in (plan() or "")
        explained = books.select("id").explain(
            settings=True, buffers=True, wal=True, analyze=True, format="json"
        )
        assert explained.execute().data[0]["Plan"]["Node Type"] == "Aggregate"
    finally:
        _configure(client, "false", lambda: plan() is None)


def _configure(client: Client, setting: str, holds: Callable[[], bool]) -> None:
    client.rpc("configure", {"wanted": "db_plan_enabled", "setting": setting}).execute()
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "the setting did not take effect"
        time.sleep(0.05)


@about("auth", "aclose")
def test_a_client_of_its_own(library: Running, keys: dict[str, str]) -> None:
    url = f"{library.url}/rest/v1"
    headers = {"apikey": keys["ANON_KEY"]}
    with SyncPostgrestClient(url, headers=headers) as own:
        assert own.from_("diaries").select().execute().data == []
        with pytest.raises(APIError) as refused:
            own.from_("diaries").insert({"body": "x"}).execute()
        assert refused.value.code == "42501"
        own.auth("not a token")
        with pytest.raises(APIError) as broken:
            own.from_("books").select().execute()
        assert broken.value.code == "PGRST301"
        own.auth(keys["SERVICE_ROLE_KEY"])
        assert len(own.from_("books").select().execute().data) == 5
    with pytest.raises(RuntimeError):
        own.from_("books").select().execute()


@about("from_table")
def test_the_old_name(client: Client) -> None:
    with pytest.warns(DeprecationWarning, match="from_table"):
        built = client.postgrest.from_table("books")
    assert built.select("id").eq("id", 1).execute().data == [{"id": 1}]


async def test_the_asynchronous_client(library: Running, keys: dict[str, str]) -> None:
    url = f"{library.url}/rest/v1"
    headers = {"apikey": keys["SERVICE_ROLE_KEY"]}
    async with (
        httpx.AsyncClient(base_url=url, headers=headers) as session,
        AsyncPostgrestClient(url, headers=headers, http_client=session) as asynchronous,
    ):
        answer = await asynchronous.from_("books").select("id").eq("id", 1).execute()
        assert answer.data == [{"id": 1}]
        called = await asynchronous.rpc("same", {"value": json.dumps({"a": 1})}).execute()
        assert called.data == '{"a": 1}'


def _offered() -> set[str]:
    classes = [
        value
        for name, value in vars(builders).items()
        if name.startswith("Sync") and isinstance(value, type)
    ]
    return {
        name
        for each in (*classes, SyncPostgrestClient)
        for name in dir(each)
        if not name.startswith("_")
    }


def test_every_method_has_a_case() -> None:
    named = {word for case in CASES for word in case.about.split()}
    for value in globals().values():
        named.update(getattr(value, "about", ()) if callable(value) else ())
    assert _offered() - named == set()
    assert named - _offered() == set()
