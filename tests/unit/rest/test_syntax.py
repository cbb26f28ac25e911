"""Parse errors name the place, what is there, and everything that could be."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.rest.errors import RestError
from backstay.rest.filters import condition, list_value, logic_tree, whole_value
from backstay.rest.intent import Field
from backstay.rest.query_params import parse_query
from backstay.rest.select import column_list, order_list, select_list
from backstay.rest.syntax import (
    LONGEST_EXPLAINED,
    MAX_DEPTH,
    ParseError,
    Scanner,
    Unparsed,
    parsed,
)

MISTAKES = [
    ("a=0", "filter (0)", 1, 'unexpected "0" expecting "not" or operator (eq, gt, ...)'),
    (
        "columns=",
        "columns parameter ()",
        1,
        "unexpected end of input expecting field name (* or [a..z0..9_$])",
    ),
    (
        "or=()",
        "logic tree (())",
        4,
        'unexpected ")" expecting field name (* or [a..z0..9_$]), negation operator (not)'
        " or logic operator (and, or)",
    ),
    (
        "data->(=eq.1",
        "tree path (data->()",
        7,
        'unexpected "(" expecting "-", digit or any non reserved character different from: .,>()',
    ),
    ("select=data->>--34", "select parameter (data->>--34)", 9, 'unexpected "-" expecting digit'),
    (
        "order=id.asc.nullslasttt",
        "order (id.asc.nullslasttt)",
        17,
        "unexpected 't' expecting \",\" or end of input",
    ),
    (
        "order=id.ac",
        "order (id.ac)",
        4,
        'unexpected "c" expecting "asc", "desc", "nullsfirst" or "nullslast"',
    ),
    (
        "select=id,clients(name[])",
        "select parameter (id,clients(name[]))",
        16,
        'unexpected \'[\' expecting letter, digit, "-", "->>", "->", "::", ".", ")", "," or'
        " end of input",
    ),
    (
        "or=(id.in.1,2,id.eq.3)",
        "logic tree ((id.in.1,2,id.eq.3))",
        10,
        'unexpected "1" expecting "("',
    ),
    (
        "or=(id.eq.1,not.xor(id.eq.2,id.eq.3))",
        "logic tree ((id.eq.1,not.xor(id.eq.2,id.eq.3)))",
        16,
        'unexpected "x" expecting logic operator (and, or)',
    ),
    ("x=fts().v", "filter (fts().v)", 5, 'unexpected ")" expecting operator (eq, gt, ...)'),
    ("x=is().v", "filter (is().v)", 3, 'unexpected "(" expecting operator (eq, gt, ...)'),
    (
        "select=name::",
        "select parameter (name::)",
        7,
        "unexpected end of input expecting letter or digit",
    ),
]


@pytest.mark.parametrize(("query", "what", "column", "details"), MISTAKES)
def test_mistakes_are_described(query: str, what: str, column: int, details: str) -> None:
    with pytest.raises(RestError) as caught:
        parse_query(query)
    error = caught.value
    assert (error.status, error.code) == (400, "PGRST100")
    assert error.message == f'"failed to parse {what}" (line 1, column {column})'
    assert error.details == details


def test_lines_and_tabs_count() -> None:
    with pytest.raises(RestError) as caught:
        parse_query("or=(a.eq.%22x%0A%22,%09:)")
    assert caught.value.message.endswith("(line 2, column 9)")


def _condition(scan: Scanner) -> object:
    return condition(scan, Field("x"), whole_value)


GRAMMARS: list[Callable[[Scanner], object]] = [
    select_list,
    order_list,
    column_list,
    logic_tree,
    list_value,
    _condition,
]
PIECES = st.sampled_from(
    [
        *[
            "id",
            "name",
            "*",
            "(",
            ")",
            ",",
            ".",
            ":",
            "::",
            "->",
            "->>",
            "-",
            "!",
            "...",
            "{",
            "}",
            "not",
            "and",
            "or",
            "eq",
            "in",
            "is",
            "null",
            "fts",
            "any",
            "desc",
        ],
        *["asc", "nullslast", "count()", "sum", "1", "inner", "é", '"', "\\"],
        " ",
        "\t",
    ]
)


@given(st.lists(PIECES, max_size=14).map("".join))
def test_reading_hastily_and_with_care_is_the_same(text: str) -> None:
    for grammar in GRAMMARS:
        outcomes: list[object] = []
        for careful in (False, True):
            scan = Scanner(text, careful=careful)
            try:
                outcomes.append((grammar(scan), scan.pos))
            except Unparsed:
                outcomes.append("unparsed")
        assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("open_", ["select=" + "a(" * 5000, "or=(" + "and(" * 5000])
def test_deep_nesting_is_refused(open_: str) -> None:
    with pytest.raises(RestError) as caught:
        parse_query(open_)
    assert str(MAX_DEPTH) in str(caught.value.details)


def test_a_long_text_that_is_wrong_is_not_read_again() -> None:
    careful: list[bool] = []

    def grammar(scanner: Scanner) -> None:
        careful.append(scanner.careful)
        scanner.many(re.compile("a*"))
        scanner.char("b")

    long = "a" * LONGEST_EXPLAINED + "c"
    with pytest.raises(ParseError) as caught:
        parsed(long, "it", grammar)
    assert careful == [False]
    assert caught.value.message == f'"it" (line 1, column {LONGEST_EXPLAINED + 1})'
    assert caught.value.details == 'unexpected "c"'


def test_long_lists_are_read() -> None:
    many = ",".join(f"c{number}" for number in range(5000))
    assert len(parse_query(f"select={many}").select) == 5000
