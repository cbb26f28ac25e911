"""SQL of the inserts that a nested insert consists of."""

# ruff: noqa: S608 -- this is where SQL is made: names are quoted, values are parameters.

from __future__ import annotations

from collections.abc import Collection, Sequence

from backstay.db.model import Query
from backstay.db.quote import quote_ident
from backstay.rest import errors
from backstay.rest.columns import Columns, reference
from backstay.rest.fragments import Parameters
from backstay.rest.holes import fill
from backstay.rest.planned import ColumnRef, WritePlan
from backstay.rest.sql_write import write_query


def insert_query(
    columns: Columns,
    names: Collection[str],
    stored: Collection[str],
    body: bytes,
    is_object: bool,
    returning: Sequence[str],
) -> Query:
    """Insert the row, or list of rows, in ``body``, which gives the columns ``names``.

    ``stored``: those whose values are as the database writes them. The columns ``returning`` come
    back as text.
    """
    written = tuple(_column(columns, name, name in stored) for name in sorted(names))
    plan = WritePlan("insert", columns.table, written, returning=tuple(returning))
    parameters = Parameters()
    text = write_query(plan, parameters, is_object=is_object)
    shown = ", ".join(f"{quote_ident(name)}::text" for name in returning)
    query = f"WITH written AS ({text}) SELECT {shown or 'pg_catalog.count(*)'} FROM written"
    return Query(query, fill(parameters.holes, (), body))


def _column(columns: Columns, name: str, stored: bool) -> ColumnRef:
    found = columns.for_write(name)
    if found is None:
        raise errors.no_column(columns.table.name, name)
    if stored:
        return reference(columns.catalog.tables[columns.table].columns[name])
    return found
