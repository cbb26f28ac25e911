"""Nested inserts: rows of related tables in the body of a POST, under the name they embed by.

    POST /orders  {"customer": {…}, "note": "…", "lines": [{…}, {…}]}

    parents (to-one) ─▶ the row itself ─▶ children          one transaction, level by level

The rows a row refers to are inserted before it, those that refer to it after it, and those joined
through a third table after it, with a row of that table for each; the columns of the foreign keys
are filled in on the way. Every row is inserted as the caller, by the rules of its
table.
Planning is pure; ``insert`` does the I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from backstay.catalog.model import Catalog, ForeignKey, Name, Snapshot
from backstay.rest import errors, media
from backstay.rest.embedding import find_relationship
from backstay.rest.intent import ApiRequest
from backstay.rest.request import parse_request
from backstay.web import Request

Values = dict[str, Any]
"""The columns of one row, as JSON values."""


@dataclass(slots=True)
class Rows:
    """The rows for one table at one place of the tree."""

    table: Name
    values: list[Values]
    before: list[Link] = field(default_factory=list)
    after: list[Link] = field(default_factory=list)
    stored: set[str] = field(default_factory=set)
    """Columns whose values are text as the database wrote it, not JSON as the client did."""


@dataclass(slots=True)
class Link:
    """Related rows: ``owners`` says, for each of them, which row they were found in."""

    key: ForeignKey
    rows: Rows
    owners: list[int]

    @property
    def own_columns(self) -> list[str]:
        """The columns on the owner's side that join the two."""
        junction = self.key.junction
        return [own for own, _ in (junction.source_columns if junction else self.key.columns)]

    @property
    def other_columns(self) -> list[str]:
        return [other for _, other in self.key.columns]


@dataclass(frozen=True, slots=True)
class Tree:
    """A request with the rows it inserts."""

    request: ApiRequest
    root: Rows


def possible(request: Request) -> bool:
    """Whether ``request`` may be a nested insert, as far as its first line says."""
    return request.method == "POST" and not request.path.startswith("/rpc/")


def understand(
    snapshot: Snapshot, request: Request, headers: Mapping[str, str], body: bytes
) -> Tree | None:
    """The rows of a nested insert; None for a request that is none.

    Raises ``RestError`` BSTAY110, PGRST200, PGRST201 and PGRST204, and those of parsing.
    """
    objects = _objects(body)
    if not objects:
        return None
    settings, catalog = snapshot.settings, snapshot.catalog
    asked = parse_request(settings, request.method, request.path, request.query, headers)
    table = Name(asked.schema, asked.target.name)
    if asked.verb != "insert" or asked.content_type != media.JSON or table not in catalog.tables:
        return None
    if asked.query.columns is not None or not any(_nested(catalog, table, objects)):
        return None
    if asked.preferences.resolution or asked.query.on_conflict is not None:
        raise errors.bad_nesting("Duplicates cannot be resolved in a nested insert.")
    return Tree(asked, grow(catalog, table, objects))


def _objects(body: bytes) -> list[Values]:
    """The objects of a body, if one of them holds what may be rows; else none."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    objects = found if isinstance(found, list) else [found]
    if not all(isinstance(each, dict) for each in objects):
        return []
    deep = any(isinstance(value, dict | list) for each in objects for value in each.values())
    return objects if deep else []


def _nested(catalog: Catalog, table: Name, objects: list[Values]) -> Iterator[bool]:
    for each in objects:
        for name, value in each.items():
            yield isinstance(value, dict | list) and not _is_column(catalog, table, name, value)


def _is_column(catalog: Catalog, table: Name, name: str, value: Any) -> bool:
    """A name is a column's; but an object under a foreign key is the row that it refers to."""
    if name not in catalog.tables[table].columns:
        return False
    keys = catalog.relationships.get((table, table.schema), ())
    return not isinstance(value, dict) or not any(
        isinstance(key, ForeignKey) and key.to_one and [own for own, _ in key.columns] == [name]
        for key in keys
    )


def grow(catalog: Catalog, table: Name, objects: list[Values]) -> Rows:
    """The tree of rows below ``objects``, each a row of ``table``."""
    rows = Rows(table, [])
    related: dict[str, list[tuple[int, Any]]] = {}
    for place, each in enumerate(objects):
        own: Values = {}
        for name, value in each.items():
            if _is_column(catalog, table, name, value):
                own[name] = value
            else:
                related.setdefault(name, []).append((place, value))
        rows.values.append(own)
    for name, found in related.items():
        link = _link(catalog, table, name, found)
        if not link.rows.values:
            continue
        if _refers(link.key):
            _check_free(rows, link.owners, link.own_columns, name)
            rows.before.append(link)
        else:
            _check_free(link.rows, range(len(link.owners)), link.other_columns, name)
            rows.after.append(link)
    return rows


def _link(catalog: Catalog, table: Name, name: str, found: list[tuple[int, Any]]) -> Link:
    if not all(value is None or isinstance(value, dict | list) for _, value in found):
        raise errors.no_column(table.name, name)
    target, _, hint = name.partition("!")
    key = find_relationship(catalog, table.schema, table.name, target, hint or None)
    if not isinstance(key, ForeignKey):
        raise errors.bad_nesting(
            f"'{name}' is a function of '{table.name}', which cannot say what to insert."
        )
    owners: list[int] = []
    objects: list[Values] = []
    for owner, value in found:
        for each in _related(key, name, value):
            owners.append(owner)
            objects.append(each)
    return Link(key, grow(catalog, key.foreign_table, objects), owners)


def _related(key: ForeignKey, name: str, value: Any) -> list[Values]:
    if value is None:
        return []
    if key.to_one:
        if not isinstance(value, dict):
            raise errors.bad_nesting(f"'{name}' is one row: an object is expected.")
        return [value]
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise errors.bad_nesting(f"'{name}' is a list of rows: an array of objects is expected.")
    return value


def _refers(key: ForeignKey) -> bool:
    """The owner holds the foreign key, and so comes second."""
    return key.cardinality == "many-to-one" or (
        key.cardinality == "one-to-one" and not key.is_parent
    )


def _check_free(rows: Rows, places: range | list[int], columns: list[str], name: str) -> None:
    """The columns that are to be filled in were not given as well."""
    for place in places:
        given = [column for column in columns if column in rows.values[place]]
        if given:
            raise errors.bad_nesting(
                f"'{given[0]}' of '{rows.table.name}' is given, and follows from '{name}' as well."
            )
