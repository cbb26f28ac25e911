"""Tables and views of the exposed schemas, with their columns and primary keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backstay.catalog.model import Column, Name, Table
from backstay.catalog.rows import records, sql, text_array
from backstay.db.model import Query, Result

SQL = sql("tables")


def query(schemas: Sequence[str]) -> Query:
    return Query(SQL, (text_array(schemas),), prepare=False)


def build(result: Result) -> dict[Name, Table]:
    """Tables by name. A view has no primary key yet: ``views.primary_keys`` finds it."""
    return {table.id: table for table in map(_table, records(result))}


def _table(row: list[Any]) -> Table:
    schema, name, is_view, insertable, updatable, deletable, key, columns, description = row
    return Table(
        id=Name(schema, name),
        is_view=is_view,
        insertable=insertable,
        updatable=updatable,
        deletable=deletable,
        primary_key=tuple(key or ()),
        columns={column[0]: _column(column) for column in columns},
        description=description,
    )


def _column(row: list[Any]) -> Column:
    name, type_, nominal, nullable, default, length, enum, description, identity, generated = row
    return Column(
        name=name,
        type=type_,
        nominal_type=nominal,
        nullable=nullable,
        default=default,
        max_length=length,
        enum=tuple(enum or ()),
        description=description,
        identity=identity,
        generated=generated,
    )
