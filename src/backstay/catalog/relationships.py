"""Relationships between relations, derived from foreign keys: through views, inverted, through
junctions, and overridden by functions.

https://docs.postgrest.org/en/stable/references/api/resource_embedding.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from backstay.catalog.model import (
    Cardinality,
    ComputedRelationship,
    ForeignKey,
    Junction,
    Name,
    Relationship,
    Table,
)
from backstay.catalog.views import KeyInView

Pairs = tuple[tuple[str, str], ...]
Relationships = dict[tuple[Name, str], tuple[Relationship, ...]]


def derive(
    tables: Mapping[Name, Table],
    foreign_keys: Sequence[ForeignKey],
    keys_in_views: Sequence[KeyInView],
    computed: Sequence[ComputedRelationship],
    exposed: Iterable[str],
) -> Relationships:
    """All relationships between relations of the exposed schemas.

    By (source, schema of the target); in each the order is PostgREST's, which a client sees in the
    details of an ambiguity: by target, kind, constraint and columns.
    """
    direct = [*foreign_keys, *_through_views(foreign_keys, keys_in_views)]
    detected = [*direct, *_through_junctions(tables, direct)]
    detected += [_inverse(key) for key in detected if key.cardinality != "many-to-many"]
    return _index(_override(detected, computed), frozenset(exposed))


def _through_views(
    foreign_keys: Iterable[ForeignKey], keys_in_views: Iterable[KeyInView]
) -> Iterator[ForeignKey]:
    """What each foreign key is to the views that show its columns, its target's, or both."""
    shown: dict[tuple[Name, str, str], list[tuple[Name, tuple[str, ...]]]] = {}
    for use in keys_in_views:
        place = shown.setdefault((use.table, use.constraint, use.role), [])
        # A column shown several times gives a relationship for each way to pick one.
        place += [(use.view, picked) for picked in product(*(names for _, names in use.columns))]
    for key in foreign_keys:
        columns = tuple(column for column, _ in key.columns)
        targets = tuple(target for _, target in key.columns)
        sources = shown.get((key.table, key.constraint, "foreign"), [])
        destinations = shown.get((key.foreign_table, key.constraint, "referenced"), [])
        for view, picked in sources:
            yield _moved(key, (view, picked, True), (key.foreign_table, targets, False))
        for view, picked in destinations:
            yield _moved(key, (key.table, columns, False), (view, picked, True))
        for source, destination in product(sources, destinations):
            yield _moved(key, (*source, True), (*destination, True))


def _moved(
    key: ForeignKey,
    source: tuple[Name, tuple[str, ...], bool],
    target: tuple[Name, tuple[str, ...], bool],
) -> ForeignKey:
    """``key`` between other relations, each given as name, columns, and whether it is a view."""
    return ForeignKey(
        table=source[0],
        foreign_table=target[0],
        cardinality=key.cardinality,
        constraint=key.constraint,
        columns=tuple(zip(source[1], target[1], strict=True)),
        is_self=source[0] == target[0],
        table_is_view=source[2],
        foreign_table_is_view=target[2],
    )


def _through_junctions(
    tables: Mapping[Name, Table], direct: Iterable[ForeignKey]
) -> Iterator[ForeignKey]:
    """Many-to-many: a relation whose primary key holds two foreign keys joins their targets."""
    by_junction: dict[Name, list[ForeignKey]] = {}
    for key in direct:
        if key.cardinality == "many-to-one":
            by_junction.setdefault(key.table, []).append(key)
    for junction, joined in by_junction.items():
        table = tables.get(junction)
        if table is None:
            continue
        primary = set(table.primary_key)
        inside = [key for key in joined if primary.issuperset(c for c, _ in key.columns)]
        for first, second in product(inside, inside):
            if first.constraint != second.constraint:
                yield _joined(junction, first, second)


def _joined(junction: Name, source: ForeignKey, target: ForeignKey) -> ForeignKey:
    return ForeignKey(
        table=source.foreign_table,
        foreign_table=target.foreign_table,
        cardinality="many-to-many",
        constraint="",
        columns=(),
        is_self=source.foreign_table == target.foreign_table,
        table_is_view=source.foreign_table_is_view,
        foreign_table_is_view=target.foreign_table_is_view,
        junction=Junction(
            table=junction,
            constraint1=source.constraint,
            constraint2=target.constraint,
            source_columns=_swapped(source.columns),
            target_columns=_swapped(target.columns),
        ),
    )


def _swapped(columns: Pairs) -> Pairs:
    return tuple((target, source) for source, target in columns)


def _inverse(key: ForeignKey) -> ForeignKey:
    """The same key seen from the referenced side."""
    single = key.cardinality == "one-to-one"
    return ForeignKey(
        table=key.foreign_table,
        foreign_table=key.table,
        cardinality="one-to-one" if single else "one-to-many",
        constraint=key.constraint,
        columns=_swapped(key.columns),
        is_self=key.is_self,
        is_parent=single,
        table_is_view=key.foreign_table_is_view,
        foreign_table_is_view=key.table_is_view,
    )


def _override(
    detected: Iterable[ForeignKey], computed: Iterable[ComputedRelationship]
) -> Iterator[Relationship]:
    """A function named like a relation stands in for what was detected between the two."""
    functions = {(rel.table, rel.function): rel for rel in computed}
    yield from functions.values()
    for key in detected:
        if (key.table, key.foreign_table) not in functions:
            yield key


def _index(relationships: Iterable[Relationship], exposed: frozenset[str]) -> Relationships:
    """By source and by the schema of what the client names: the target, or the function.

    A source all of whose relationships lead to hidden places stays, with none: hints to misspelt
    names tell a relation without relationships from one that is not known.
    """
    found: dict[tuple[Name, str], list[Relationship]] = {}
    for rel in relationships:
        if rel.table.schema not in exposed:
            continue
        named = rel.function if isinstance(rel, ComputedRelationship) else rel.foreign_table
        several = found.setdefault((rel.table, named.schema), [])
        if rel.foreign_table.schema in exposed and not _is_through_hidden(rel, exposed):
            several.append(rel)
    return {key: tuple(sorted(rels, key=_order)) for key, rels in found.items()}


def _is_through_hidden(rel: Relationship, exposed: frozenset[str]) -> bool:
    if isinstance(rel, ComputedRelationship) or rel.junction is None:
        return False
    return rel.junction.table.schema not in exposed


_KIND: Mapping[Cardinality, int] = {
    "one-to-many": 0,
    "many-to-one": 1,
    "one-to-one": 2,
    "many-to-many": 3,
}


def _order(rel: Relationship) -> tuple[Any, ...]:
    if isinstance(rel, ComputedRelationship):
        return (1, rel.function, rel.table, rel.foreign_table, rel.to_one, rel.is_self)
    detail: tuple[Any, ...] = (rel.constraint, rel.columns, rel.is_parent)
    if rel.junction is not None:
        between = rel.junction
        detail = (between.table, between.constraint1, between.constraint2)
        detail += (between.source_columns, between.target_columns)
    views = (rel.table_is_view, rel.foreign_table_is_view)
    return (0, rel.table, rel.foreign_table, rel.is_self, _KIND[rel.cardinality], detail, views)
