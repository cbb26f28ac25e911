"""Primary, unique and foreign keys of all schemas, and the relationships the foreign ones give."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from backstay.catalog.model import ForeignKey, Name
from backstay.catalog.rows import records, sql
from backstay.db.model import Query, Result

SQL = sql("constraints")

Attribute = tuple[int, str]
"""A column by number and name."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One row of pg_constraint. ``references`` and what follows are set for foreign keys only."""

    kind: Literal["p", "u", "f"]
    name: str
    inherited: bool
    """Made by PostgreSQL for a partition from its parent's."""
    relation: int
    table: Name
    columns: tuple[Attribute, ...]
    references: int = 0
    foreign_table: Name = Name("", "")
    foreign_columns: tuple[Attribute, ...] = ()


def query() -> Query:
    return Query(SQL, prepare=False)


def build(result: Result) -> list[Constraint]:
    """All keys, in order of their relation and name."""
    found = []
    for row in records(result):
        kind, name, inherited, oid, schema, table, key, foreign, fschema, ftable, fkey = row
        found.append(
            Constraint(
                kind=kind,
                name=name,
                inherited=inherited,
                relation=oid,
                table=Name(schema, table),
                columns=_attributes(key),
                references=foreign,
                foreign_table=Name(fschema or "", ftable or ""),
                foreign_columns=_attributes(fkey),
            )
        )
    return found


def _attributes(pairs: Sequence[Sequence[object]] | None) -> tuple[Attribute, ...]:
    return tuple((int(str(number)), str(name)) for number, name in pairs or ())


def foreign_keys(constraints: Iterable[Constraint]) -> list[ForeignKey]:
    """A many-to-one per foreign key, or a one-to-one where its columns are a key themselves.

    A partition's copy of its parent's foreign key is left out: it is reached through the parent.
    """
    constraints = list(constraints)
    unique = {
        (constraint.relation, frozenset(constraint.columns))
        for constraint in constraints
        if constraint.kind in ("p", "u")
    }
    return [
        ForeignKey(
            table=key.table,
            foreign_table=key.foreign_table,
            cardinality=(
                "one-to-one" if (key.relation, frozenset(key.columns)) in unique else "many-to-one"
            ),
            constraint=key.name,
            columns=tuple(
                (column, foreign)
                for (_, column), (_, foreign) in zip(key.columns, key.foreign_columns, strict=True)
            ),
            is_self=key.relation == key.references,
        )
        for key in constraints
        if key.kind == "f" and not key.inherited
    ]
