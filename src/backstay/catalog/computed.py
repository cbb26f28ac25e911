"""Computed relationships: a function from a relation's row to rows of another relation."""

from __future__ import annotations

from backstay.catalog.model import ComputedRelationship, Name
from backstay.catalog.rows import records, sql
from backstay.db.model import Query, Result

SQL = sql("computed")


def query() -> Query:
    return Query(SQL, prepare=False)


def build(result: Result) -> list[ComputedRelationship]:
    found = []
    for row in records(result):
        schema, function, table_schema, table, foreign_schema, foreign_table, to_one = row
        source, target = Name(table_schema, table), Name(foreign_schema, foreign_table)
        found.append(
            ComputedRelationship(
                function=Name(schema, function),
                table=source,
                foreign_table=target,
                table_alias=source,
                to_one=to_one,
                is_self=source == target,
            )
        )
    return found
