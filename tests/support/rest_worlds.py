"""Small databases made at random, and what may be asked of them.

A *world* is a few tables with rows, foreign keys and policies; a *question* is a read of one of
them with what it embeds. ``tests/spec/test_rest_properties.py`` asks the same of the service and,
in plain queries, of PostgreSQL.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from hypothesis import strategies as st

ROLES = ("anon:", "authenticated:ann", "authenticated:bob", "service_role:")
TABLES = ("alpha", "be ta", "Gam-ma")
TYPES = {"n": "int", "t": "text", "q": "numeric", "b": "boolean", "l": "int[]", "j": "jsonb"}
WORDS = ("", "a", "ab", "B", "a,b", "(x)", 'say "x"', "a%b", "back\\slash", "null", "é")
POLICIES = (
    "",
    "true",
    "owner = (select current_setting('request.jwt.claims', true)::json ->> 'sub')",
    "n is not null and n > 1",
)

Value = int | str | bool | list[int] | dict[str, object] | None
Operator = str

words = st.sampled_from(WORDS)
small = st.integers(-1, 4)
VALUES: dict[str, st.SearchStrategy[Value]] = {
    "n": small,
    "t": words,
    "q": small,
    "b": st.booleans(),
    "l": st.lists(small, max_size=3),
    "j": st.fixed_dictionaries({}, optional={"a": small, "s": words}),
}


@dataclass(frozen=True)
class Table:
    """``parents``: the tables it refers to, each by a column of that name. Every row has an owner."""

    name: str
    parents: tuple[str, ...]
    policy: str
    rows: tuple[dict[str, Value], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return ("id", "owner", *TYPES, *(reference(parent) for parent in self.parents))


World = tuple[Table, ...]


def reference(parent: str) -> str:
    """The column that refers to ``parent``."""
    return f"{parent} id"


@st.composite
def worlds(draw: st.DrawFn) -> World:
    tables: list[Table] = []
    for place, name in enumerate(TABLES):
        parents = tuple(sorted(draw(st.sets(st.sampled_from(TABLES[:place]))))) if place else ()
        rows = []
        for number in range(draw(st.integers(0, 5))):
            row: dict[str, Value] = {"id": number, "owner": draw(st.sampled_from(("ann", "bob")))}
            for column in TYPES:
                row[column] = draw(st.none() | VALUES[column])
            for parent in parents:
                known = len(next(table for table in tables if table.name == parent).rows)
                row[reference(parent)] = (
                    draw(st.none() | st.integers(0, known - 1)) if known else None
                )
            rows.append(row)
        tables.append(Table(name, parents, draw(st.sampled_from(POLICIES)), tuple(rows)))
    return tuple(tables)


# -- questions --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Test:
    """``column operator value``; a column of JSON is followed to ``key`` and compared as text."""

    column: str
    operator: Operator
    value: Value | tuple[Value, ...]
    negated: bool
    key: str = ""


@dataclass(frozen=True)
class Group:
    operator: Literal["and", "or"]
    parts: tuple[Test | Group, ...]
    negated: bool


@dataclass(frozen=True)
class Term:
    column: str
    descending: bool
    nulls: Literal["", "first", "last"]


@dataclass(frozen=True)
class Question:
    """What is read of ``table``; ``link`` tells how it hangs on the one that embeds it.

    ``presence``: whether rows of the embedding table need a row here (``inner``, ``some``) or must
    have none (``none``). ``spread`` puts the columns of a to-one table into the embedding row.
    """

    table: str
    columns: tuple[str, ...]
    tests: tuple[Test, ...]
    groups: tuple[Group, ...]
    order: tuple[Term, ...]
    limit: int | None
    offset: int
    embeds: tuple[Question, ...] = ()
    link: Literal["", "parent", "child"] = ""
    alias: str = ""
    presence: Literal["", "inner", "some", "none"] = ""
    spread: bool = False

    @property
    def name(self) -> str:
        return self.alias or self.table


_COMPARED = ("eq", "neq", "gt", "gte", "lt", "lte", "isdistinct", "in", "eq(any)", "is")
_OPERATORS = {
    "id": _COMPARED,
    "n": _COMPARED,
    "q": _COMPARED,
    "t": (*_COMPARED, "like", "ilike", "match", "imatch"),
    "b": ("eq", "neq", "isdistinct", "is"),
    "l": ("eq", "cs", "cd", "ov", "is"),
    "j": ("eq", "neq", "in", "like"),
}
_PATTERNS = {
    "like": st.sampled_from(("a*", "*b", "_", "*", "a\\%b", "*x*")),
    "ilike": st.sampled_from(("A*", "*b*", "É")),
    "match": st.sampled_from(("^a", "b$", "[(]", ".*")),
    "imatch": st.sampled_from(("^A", "é", "B")),
}


@st.composite
def tests(draw: st.DrawFn) -> Test:
    column = draw(st.sampled_from(sorted(_OPERATORS)))
    operator = draw(st.sampled_from(_OPERATORS[column]))
    own: dict[str, st.SearchStrategy[Value]] = {**VALUES, "id": small, "j": words}
    values = own[column]
    value: Value | tuple[Value, ...]
    if operator == "is":
        value = draw(
            st.sampled_from(
                ("null", "not_null", "true", "unknown") if column == "b" else ("null", "not_null")
            )
        )
    elif operator in _PATTERNS:
        value = draw(_PATTERNS[operator])
    elif operator in ("in", "eq(any)"):
        value = tuple(draw(st.lists(values, min_size=1, max_size=3)))
    else:
        value = draw(values)
    return Test(column, operator, value, draw(st.booleans()), "s" if column == "j" else "")


def _grouped(parts: st.SearchStrategy[Test | Group]) -> st.SearchStrategy[Group]:
    return st.builds(
        Group,
        st.sampled_from(("and", "or")),
        st.lists(parts, min_size=1, max_size=3).map(tuple),
        st.booleans(),
    )


_leaves: st.SearchStrategy[Test | Group] = tests()
groups = _grouped(st.recursive(_leaves, _grouped, max_leaves=4))
terms = st.builds(
    Term,
    st.sampled_from(("n", "t", "q", "b")),
    st.booleans(),
    st.sampled_from(("", "first", "last")),
)


@st.composite
def questions(draw: st.DrawFn, world: World, name: str = "", depth: int = 0) -> Question:
    """A read of ``name``, or of any table."""
    chosen = name or draw(st.sampled_from(TABLES))
    table = next(each for each in world if each.name == chosen)
    embeds = []
    if depth < 2:
        related = [(parent, "parent") for parent in table.parents]
        related += [(each.name, "child") for each in world if table.name in each.parents]
        for other, link in related:
            if draw(st.integers(0, depth + 1)) == 0:
                embeds.append(draw(_embedded(world, other, link, depth + 1)))
    return Question(
        table.name,
        tuple(draw(st.lists(st.sampled_from(table.columns), min_size=1, max_size=4, unique=True))),
        tuple(draw(st.lists(tests(), max_size=2))),
        tuple(draw(st.lists(groups, max_size=1))),
        tuple(draw(st.lists(terms, max_size=2, unique_by=lambda term: term.column))),
        draw(st.none() | st.integers(0, 4)),
        draw(st.sampled_from((0, 0, 1, 2))),
        tuple(embeds),
    )


@st.composite
def _embedded(draw: st.DrawFn, world: World, name: str, link: str, depth: int) -> Question:
    found = draw(questions(world, name, depth))
    presence: Any = draw(st.sampled_from(("", "", "inner", "some", "none")))
    spread = link == "parent" and not found.embeds and not presence and draw(st.booleans())
    changes = {"limit": None, "offset": 0, "order": ()} if link == "parent" else {}
    return replace(
        found,
        link=link,  # type: ignore[arg-type]
        alias="" if spread else draw(st.sampled_from(("", f"al {name}"))),
        presence=presence,
        spread=spread,
        **changes,  # type: ignore[arg-type]
    )
