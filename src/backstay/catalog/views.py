"""Which keys a view shows: its columns traced to the columns of tables they come from.

PostgreSQL keeps a view as a parsed query (pg_rewrite) in which every target column that is plainly
a column of a relation says so: ``resno`` is the view's column, ``resorigtbl`` and ``resorigcol``
the relation and column it came from. A view over a view is followed until a table is reached.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import orjson

from backstay.catalog.constraints import Attribute, Constraint
from backstay.catalog.model import Name, Table
from backstay.catalog.rows import sql, text_array
from backstay.db.model import Query, Result

SQL = sql("views")

Role = Literal["primary", "foreign", "referenced"]
"""What the key's columns are to the table: its primary key, a foreign key, or a foreign key's
target."""


@dataclass(frozen=True, slots=True)
class View:
    oid: int
    name: Name
    exposed: bool
    columns: Mapping[int, str]
    origins: Mapping[int, tuple[int, int]]
    """Column number to (relation, column number) it is plainly taken from."""


@dataclass(frozen=True, slots=True)
class KeyInView:
    """A key of ``table`` all of whose columns are shown by ``view``."""

    table: Name
    view: Name
    constraint: str
    role: Role
    columns: tuple[tuple[str, tuple[str, ...]], ...]
    """The key's columns, each with the view's columns that show it (there may be several)."""


def query(schemas: Sequence[str], looked_through: Sequence[str]) -> Query:
    return Query(SQL, (text_array(schemas), text_array(looked_through)), prepare=False)


def build(result: Result) -> list[View]:
    """The views, with their columns' origins read out of their stored queries."""
    return [
        View(
            oid=int(oid or b"0"),
            name=Name((schema or b"").decode(), (name or b"").decode()),
            exposed=exposed == b"t",
            columns=dict(orjson.loads(columns or b"[]")),
            origins=origins((rule or b"").decode()),
        )
        for oid, schema, name, exposed, columns, rule in result.rows
    ]


TOKEN = re.compile(r"\\.|\{TARGETENTRY|[{}]|:(resno|resorigtbl|resorigcol) (\d+)", re.DOTALL)


def origins(rule: str) -> dict[int, tuple[int, int]]:
    """Origins of the outermost query's target columns, from its pg_node_tree text.

    The text nests in braces; a character of a name that could be mistaken is escaped with a
    backslash. The query is at depth one, so its own target entries are at depth two; those of
    subqueries are deeper and do not count.
    """
    found: dict[int, tuple[int, int]] = {}
    entry: dict[str, int] = {}
    depth = 0
    inside = False
    for token in TOKEN.finditer(rule):
        text = token.group()
        if text == "}":
            if inside and depth == 2:
                inside = False
                if entry.get("resorigtbl") and entry.get("resorigcol"):
                    found[entry["resno"]] = (entry["resorigtbl"], entry["resorigcol"])
            depth -= 1
        elif text[0] == "{":
            depth += 1
            if depth == 2 and text != "{":
                inside, entry = True, {}
        elif inside and depth == 2 and token.group(1):
            entry[token.group(1)] = int(token.group(2))
    return found


def keys(views: Iterable[View], constraints: Iterable[Constraint]) -> list[KeyInView]:
    """Every key each exposed view shows whole."""
    views = list(views)
    by_relation = _uses_by_relation(constraints)
    origin = {view.oid: view.origins for view in views}
    found: dict[tuple[Name, Name, str, Role], KeyInView] = {}
    for view in views:
        if not view.exposed:
            continue
        for relation, shown in _shown(view, origin).items():
            for use in by_relation.get(relation, ()):
                if all(number in shown for number, _ in use.columns):
                    key = KeyInView(
                        table=use.table,
                        view=view.name,
                        constraint=use.constraint,
                        role=use.role,
                        columns=tuple((name, tuple(shown[number])) for number, name in use.columns),
                    )
                    found[(key.table, key.view, key.constraint, key.role)] = key
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Use:
    """Columns of one relation that a constraint speaks of."""

    table: Name
    constraint: str
    role: Role
    columns: tuple[Attribute, ...]


def _uses_by_relation(constraints: Iterable[Constraint]) -> dict[int, list[_Use]]:
    uses: dict[int, list[_Use]] = {}
    for key in constraints:
        if key.kind == "p":
            use = _Use(key.table, key.name, "primary", key.columns)
            uses.setdefault(key.relation, []).append(use)
        elif key.kind == "f":
            use = _Use(key.table, key.name, "foreign", key.columns)
            uses.setdefault(key.relation, []).append(use)
            target = _Use(key.foreign_table, key.name, "referenced", key.foreign_columns)
            uses.setdefault(key.references, []).append(target)
    return uses


def _shown(
    view: View, origin: Mapping[int, Mapping[int, tuple[int, int]]]
) -> dict[int, dict[int, list[str]]]:
    """For each relation reached: its column numbers, and the view's columns that show them."""
    shown: dict[int, dict[int, list[str]]] = {}
    for number, name in view.columns.items():
        for relation, column in _trail(number, view.oid, origin):
            shown.setdefault(relation, {}).setdefault(column, []).append(name)
    return shown


def _trail(
    number: int, view: int, origin: Mapping[int, Mapping[int, tuple[int, int]]]
) -> Iterator[tuple[int, int]]:
    """Where a view's column comes from, step by step through the views in between."""
    seen = {view}
    step = origin[view].get(number)
    while step is not None and step[0] not in seen:
        yield step
        seen.add(step[0])
        step = origin.get(step[0], {}).get(step[1])


def primary_keys(
    tables: Mapping[Name, Table], keys_in_views: Iterable[KeyInView]
) -> dict[Name, Table]:
    """``tables`` with each view's primary key: the keys of the tables it shows.

    Where a view shows a key's column several times the first of them is taken: one is needed for
    a Location header, and nobody has to name it.
    """
    found: dict[Name, list[str]] = {}
    for key in sorted(keys_in_views, key=lambda key: (key.table, key.constraint), reverse=True):
        if key.role == "primary":
            found.setdefault(key.view, []).extend(shown[0] for _, shown in key.columns)
    return {
        name: replace(table, primary_key=tuple(found.get(name, ()))) if table.is_view else table
        for name, table in tables.items()
    }
