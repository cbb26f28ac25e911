"""Query strings made at random: intents, and the text that must be read as them.

Names and values are any text; ``written`` quotes them wherever the grammar of
https://docs.postgrest.org/en/stable/references/api/url_grammar.html asks for it, and elsewhere now
and then.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, quote_plus

from hypothesis import strategies as st

from backstay.rest.filters import FULL_TEXT, IS_VALUES, QUANTIFIED, SIMPLE
from backstay.rest.intent import (
    EmbedPath,
    Field,
    Filter,
    Group,
    JsonStep,
    Logic,
    OrderTerm,
    SelectField,
    SelectItem,
    SelectRelation,
)

_WORDS = frozenset(
    {"and", "or", "not", "order", "limit", "offset", "select", "columns", "on_conflict", "apikey"}
    | {"count", "in", "is", "asc", "desc"}
)
_PLAIN = "abcdefgxyzABCZ0123456789_"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
plain_words = st.builds(
    str.__add__, st.sampled_from("abcxyz_"), st.text(_PLAIN, max_size=6)
).filter(lambda word: word not in _WORDS and not word.startswith(("left", "inner")))
odd_words = st.sampled_from(
    ["a b", "a.b", 'say "x"', "a,b", "(x)", "é", "*", "a->b", "x:y", "back\\slash", "and", "left"]
)
names = st.one_of(plain_words, plain_words, odd_words, texts)
relation_names = names.filter(lambda name: name not in ("count", "not"))
paths = st.lists(relation_names, max_size=2).map(tuple)


def quoted(text: str) -> str:
    """``text`` in double quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def is_plain(text: str) -> bool:
    return (
        bool(text)
        and not text[0].isdigit()
        and all(character in _PLAIN + "hijklmnopqrstuvw" for character in text)
        and text not in _WORDS
        and not text.startswith(("left", "inner"))
    )


def word(text: str) -> str:
    """A name as it may stand anywhere."""
    return text if is_plain(text) else quoted(text)


# -- fields -----------------------------------------------------------------------------------


@st.composite
def fields(draw: st.DrawFn, *, last_index: bool = False) -> Field:
    """A column with a JSON path. An index ends one only where ``last_index`` allows it."""
    steps: list[JsonStep] = []
    count = draw(st.integers(0, 2))
    for place in range(count):
        text = place == count - 1 and draw(st.booleans())
        if draw(st.booleans()) and (last_index or place < count - 1):
            number = draw(st.integers(0, 12))
            steps.append(JsonStep(f"{draw(st.sampled_from('+-'))}{number}", text, index=True))
        else:
            steps.append(JsonStep(draw(names), text))
    return Field(draw(names), tuple(steps))


def field_text(field: Field) -> str:
    steps = (
        ("->>" if step.text else "->") + (step.key.lstrip("+") if step.index else word(step.key))
        for step in field.path
    )
    return word(field.name) + "".join(steps)


# -- conditions -------------------------------------------------------------------------------


@st.composite
def conditions(draw: st.DrawFn, field: st.SearchStrategy[Field]) -> Filter:
    negated = draw(st.booleans())
    column = draw(field)
    kind = draw(st.sampled_from(["simple", "quantified", "text", "in", "is", "distinct"]))
    if kind == "simple":
        return Filter(column, draw(st.sampled_from(SIMPLE)), draw(texts), negated)
    if kind == "quantified":
        quantifier: Any = draw(st.sampled_from(["", "any", "all"]))
        operator = draw(st.sampled_from(QUANTIFIED))
        return Filter(column, operator, draw(texts), negated, quantifier)
    if kind == "text":
        language = draw(st.none() | plain_words)
        operator = draw(st.sampled_from(FULL_TEXT))
        return Filter(column, operator, draw(texts), negated, language=language)
    if kind == "in":
        return Filter(column, "in", draw(st.lists(texts, min_size=1).map(tuple)), negated)
    if kind == "is":
        return Filter(column, "is", draw(st.sampled_from(IS_VALUES)), negated)
    return Filter(column, "isdistinct", draw(texts), negated)


def _element(text: str) -> str:
    return text if is_plain(text) else quoted(text)


def condition_text(found: Filter, *, inner: bool) -> str:
    """``[not.]operator.value``; ``inner``: within parentheses, where a value may need quotes."""
    operator = found.operator + (f"({found.quantifier})" if found.quantifier else "")
    operator += f"({found.language})" if found.language is not None else ""
    if isinstance(found.value, tuple):
        value = f"({','.join(map(_element, found.value))})"
    elif inner and found.operator != "is":
        value = _element(found.value)
    else:
        value = found.value
    return f"{'not.' if found.negated else ''}{operator}.{value}"


def _groups(children: st.SearchStrategy[Logic]) -> st.SearchStrategy[Logic]:
    return st.builds(
        Group,
        st.sampled_from(["and", "or"]),
        st.lists(children, min_size=1, max_size=3).map(tuple),
        st.booleans(),
    )


_leaves: st.SearchStrategy[Logic] = conditions(fields(last_index=True))
logic_trees: st.SearchStrategy[Logic] = _groups(st.recursive(_leaves, _groups, max_leaves=6))


def logic_text(tree: Logic) -> str:
    if isinstance(tree, Filter):
        return f"{field_text(tree.field)}.{condition_text(tree, inner=True)}"
    return f"{group_key(tree)}{group_value(tree)}"


def group_key(group: Group) -> str:
    return f"{'not.' if group.negated else ''}{group.operator}"


def group_value(group: Group) -> str:
    return f"({','.join(map(logic_text, group.children))})"


# -- select and order -------------------------------------------------------------------------

_casts = st.none() | plain_words
_aggregates = st.sampled_from([None, None, "sum", "avg", "count", "max", "min"])


@st.composite
def select_fields(draw: st.DrawFn) -> SelectItem:
    if draw(st.integers(0, 5)) == 0:
        return SelectField(Field("*"))
    alias = draw(st.none() | names)
    aggregate: Any = draw(_aggregates)
    after = draw(_casts) if aggregate else None
    if aggregate == "count" and draw(st.booleans()):
        return SelectField(Field("*"), alias, aggregate=aggregate, aggregate_cast=after)
    field = draw(fields().filter(lambda field: field.name != "*"))
    return SelectField(field, alias, draw(_casts), aggregate, after)


def _relations(items: st.SearchStrategy[SelectItem]) -> st.SearchStrategy[SelectItem]:
    @st.composite
    def relation(draw: st.DrawFn) -> SelectItem:
        spread = draw(st.booleans())
        join: Any = draw(st.sampled_from(["", "inner", "left"]))
        return SelectRelation(
            draw(relation_names),
            tuple(draw(st.lists(items, max_size=3))),
            None if spread else draw(st.none() | names),
            draw(st.none() | names),
            join,
            spread,
        )

    return relation()


select_items: st.SearchStrategy[SelectItem] = st.recursive(
    select_fields(), _relations, max_leaves=6
)


def select_text(item: SelectItem) -> str:
    alias = "" if item.alias is None else f"{word(item.alias)}:"
    if isinstance(item, SelectRelation):
        hint = "" if item.hint is None else f"!{word(item.hint)}"
        join = f"!{item.join}" if item.join else ""
        children = ",".join(map(select_text, item.children))
        return f"{'...' if item.spread else alias}{word(item.name)}{hint}{join}({children})"
    after = "" if item.aggregate_cast is None else f"::{item.aggregate_cast}"
    if item.field.name == "*" and item.aggregate:
        return f"{alias}count(){after}"
    if item.field == Field("*"):
        return "*"
    cast = "" if item.cast is None else f"::{item.cast}"
    aggregate = f".{item.aggregate}()" if item.aggregate else ""
    return f"{alias}{field_text(item.field)}{cast}{aggregate}{after}"


order_terms = st.builds(
    OrderTerm,
    fields(),
    st.none() | relation_names,
    st.sampled_from(["", "asc", "desc"]),
    st.sampled_from(["", "nullsfirst", "nullslast"]),
)


def order_text(term: OrderTerm) -> str:
    field = field_text(term.field)
    field = field if term.relation is None else f"{word(term.relation)}({field})"
    return ".".join(part for part in (field, term.direction, term.nulls) if part)


# -- the whole query string -------------------------------------------------------------------


def key(path: EmbedPath, last: str) -> str:
    """A parameter's name: embedded resources, then what is said of the innermost."""
    return ".".join((*map(word, path), last))


def encoded(pairs: list[tuple[str, str]], *, plus: bool) -> str:
    """Pairs as a query string; ``plus`` writes blanks the form's way."""
    write = quote_plus if plus else quote
    return "&".join(f"{write(name, safe='')}={write(value, safe='')}" for name, value in pairs)
