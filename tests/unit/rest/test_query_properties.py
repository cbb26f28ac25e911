"""Whatever intent is written as a query string, parsing gives that intent back.

BACKSTAY_EXAMPLES multiplies the number of examples.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from backstay.rest.intent import EmbedPath, Field, Filter, Group, OrderTerm, QueryParams, SelectItem
from backstay.rest.query_params import canonical_query, parse_query, split_query
from backstay.rest.ranges import Range
from backstay.rest.select import order_list, select_list
from backstay.rest.shapes import shape_of
from backstay.rest.syntax import Scanner
from tests.support import rest_intents as written

MORE = int(os.environ.get("BACKSTAY_EXAMPLES", "1"))
quick = settings(
    max_examples=60 * MORE, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

Filters = list[tuple[EmbedPath, Filter]]
filters = st.lists(
    st.tuples(written.paths, written.conditions(written.fields(last_index=True))), max_size=3
)


@quick
@given(filters, st.booleans())
def test_filters(found: Filters, plus: bool) -> None:
    pairs = [
        (
            written.key(path, written.field_text(condition.field)),
            written.condition_text(condition, inner=False),
        )
        for path, condition in found
    ]
    parsed = parse_query(written.encoded(pairs, plus=plus))
    assert parsed.filters == tuple(found)
    assert parsed.filter_names == {name for name, _ in pairs}
    assert parsed == QueryParams(filters=parsed.filters, filter_names=parsed.filter_names)


@quick
@given(st.lists(st.tuples(written.paths, written.logic_trees), max_size=2), st.booleans())
def test_logic(found: list[tuple[EmbedPath, Group]], plus: bool) -> None:
    pairs = [
        (written.key(path, written.group_key(group)), written.group_value(group))
        for path, group in found
    ]
    assert parse_query(written.encoded(pairs, plus=plus)).logic == tuple(found)


@quick
@given(st.lists(written.select_items, max_size=4).map(tuple))
def test_select(items: tuple[SelectItem, ...]) -> None:
    text = ",".join(map(written.select_text, items))
    assert parse_query(written.encoded([("select", text)], plus=False)).select == items
    assert select_list(Scanner(text, careful=True)) == items


@quick
@given(written.paths, st.lists(written.order_terms, min_size=1, max_size=3).map(tuple))
@example((), (OrderTerm(Field("a")),))
def test_order(path: EmbedPath, terms: tuple[OrderTerm, ...]) -> None:
    text = ",".join(map(written.order_text, terms))
    query = written.encoded([(written.key(path, "order"), text)], plus=False)
    assert parse_query(query).orders == ((path, terms),)
    assert order_list(Scanner(text, careful=True)) == terms


@quick
@given(written.paths, st.none() | st.integers(0, 10**9), st.none() | st.integers(0, 10**9))
def test_ranges(path: EmbedPath, limit: int | None, offset: int | None) -> None:
    numbers = {"limit": limit, "offset": offset}
    pairs = [
        (written.key(path, name), str(number))
        for name, number in numbers.items()
        if number is not None
    ]
    lower = offset or 0
    upper = None if limit is None else lower + limit - 1
    expected = {written.key(path, "limit"): Range(lower, upper)} if pairs else {}
    assert parse_query(written.encoded(pairs, plus=False)).ranges == expected


@quick
@given(st.lists(written.names, min_size=1, max_size=4))
def test_lists_of_names(names: list[str]) -> None:
    text = ",".join(map(written.word, names))
    pairs = [("columns", text), ("on_conflict", text)]
    parsed = parse_query(written.encoded(pairs, plus=True))
    assert parsed.columns == frozenset(names)
    assert parsed.on_conflict == tuple(names)


@quick
@given(filters, st.sampled_from(["/books", "/rpc/f"]), st.booleans())
def test_what_a_shape_leaves_open_is_what_parsing_finds(
    found: Filters, path: str, plus: bool
) -> None:
    pairs = [
        (
            written.key(place, written.field_text(condition.field)),
            written.condition_text(condition, inner=False),
        )
        for place, condition in found
    ]
    query = written.encoded(pairs, plus=plus)
    _, values = shape_of("GET", path, query, {})
    open_slots = {slot for slot, value in enumerate(values) if value is not None}
    parsed = parse_query(query, open_slots, read_only_call=path.startswith("/rpc/"))
    everything: list[Any] = [condition for _, condition in parsed.filters]
    everything += parsed.arguments
    for each in everything:
        if each.slot >= 0:
            assert values[each.slot] == each.value


@quick
@given(
    st.lists(st.tuples(written.texts, written.texts), max_size=4, unique_by=lambda pair: pair[0]),
    st.booleans(),
)
def test_splitting_undoes_encoding(pairs: list[tuple[str, str]], plus: bool) -> None:
    query = written.encoded(pairs, plus=plus)
    assert split_query(query) == pairs
    assert split_query(canonical_query(query)) == sorted(pairs, key=lambda pair: pair[0].encode())
    assert canonical_query(written.encoded(pairs[::-1], plus=True)) == canonical_query(query)
