from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.rest.errors import RestError
from backstay.rest.intent import (
    Argument,
    Field,
    Filter,
    Group,
    JsonStep,
    OrderTerm,
    SelectField,
    SelectRelation,
)
from backstay.rest.query_params import canonical_query, parse_query, split_query
from backstay.rest.ranges import Range


def test_split_decodes_and_keeps_order() -> None:
    assert split_query("a=1+2&b%20c=%E2%82%AC&d&e=;f=%zz&g=%ff") == [
        ("a", "1 2"),
        ("b c", "€"),
        ("d", None),
        ("e", ""),
        ("f", "%zz"),
        ("g", "\ufffd"),
    ]


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("", ""),
        ("b=2&a=1&c", "a=1&b=2&c="),
        ("select=*&id=eq.1", "id=eq.1&select=%2A"),
        ("id=gt.1&id=lt.5", "id=gt.1,lt.5"),
        ("n=eq.a+b;m=eq.%c3%a9", "m=eq.%C3%A9&n=eq.a%20b"),
    ],
)
def test_canonical_query(query: str, canonical: str) -> None:
    assert canonical_query(query) == canonical


def test_filters_by_place() -> None:
    parsed = parse_query("id=eq.1&clients.name=not.like(any).{a*,b}&data->a->>0=is.not_null", {0})
    assert parsed.filters == (
        ((), Filter(Field("id"), "eq", "1", slot=0)),
        (("clients",), Filter(Field("name"), "like", "{a*,b}", True, "any")),
        (
            (),
            Filter(
                Field("data", (JsonStep("a"), JsonStep("+0", text=True, index=True))),
                "is",
                "not_null",
            ),
        ),
    )
    assert parsed.filter_names == {"id", "clients.name", "data->a->>0"}


def test_lists_are_unquoted() -> None:
    parsed = parse_query('id=in.(1,"a,b","q\\"q",,x y)')
    assert parsed.filters[0][1].value == ("1", "a,b", 'q"q', "", "x y")


def test_logic() -> None:
    parsed = parse_query('clients.not.or=(a.eq."x,y",not.and(b.is.null,c.cs.{1,2}))')
    (path, tree) = parsed.logic[0]
    assert path == ("clients",)
    assert tree == Group(
        "or",
        (
            Filter(Field("a"), "eq", "x,y"),
            Group(
                "and",
                (Filter(Field("b"), "is", "null"), Filter(Field("c"), "cs", "{1,2}")),
                negated=True,
            ),
        ),
        negated=True,
    )


def test_select() -> None:
    parsed = parse_query(
        "select=n:name::text,total:price.sum()::int,...c!inner(*),o:p!h!left(count())"
    )
    assert parsed.select == (
        SelectField(Field("name"), "n", "text"),
        SelectField(Field("price"), "total", None, "sum", "int"),
        SelectRelation("c", (SelectField(Field("*")),), None, None, "inner", spread=True),
        SelectRelation("p", (SelectField(Field("*"), aggregate="count"),), "o", "h", "left"),
    )


def test_order_and_ranges() -> None:
    parsed = parse_query("order=a.desc.nullslast,c(n)&c.limit=2&c.offset=3&limit=0&x.offset=4")
    assert parsed.orders == (
        ((), (OrderTerm(Field("a"), None, "desc", "nullslast"), OrderTerm(Field("n"), "c"))),
    )
    assert parsed.ranges == {"limit": Range(0, -1), "c.limit": Range(3, 4), "x.limit": Range(4)}


def test_arguments_of_a_read_only_call() -> None:
    parsed = parse_query("a=5&b=eq.3&c=not an operator", {0, 1}, read_only_call=True)
    assert parsed.arguments == (Argument("a", "5", 0), Argument("c", "not an operator"))
    assert parsed.filters == (((), Filter(Field("b"), "eq", "3", slot=1)),)


def test_the_api_key_is_no_filter() -> None:
    assert parse_query("apikey=secret").filters == ()


@given(st.text(max_size=40))
def test_any_query_is_read_or_refused_in_form(text: str) -> None:
    refused: set[str] = set()
    for query in (
        text,
        f"select={text}",
        f"id={text}",
        f"or={text}",
        f"order={text}",
        f"{text}=eq.1",
    ):
        try:
            parse_query(query)
        except RestError as error:
            refused.add(error.code)
        canonical_query(query)
    assert refused <= {"PGRST100"}
