"""What of one exposed schema the current role may see: for documents, never for decisions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import orjson

from backstay.catalog import routines
from backstay.catalog.model import Name, Routine
from backstay.catalog.rows import sql
from backstay.db.model import Query, Result

SQL = sql("accessible")

COMMENT_SQL = """
select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = $1
"""


@dataclass(frozen=True, slots=True)
class Accessible:
    """Names of relations, and functions as the role's search path shows their types."""

    tables: frozenset[str]
    routines: dict[Name, tuple[Routine, ...]]


def queries(schema: str) -> list[Query]:
    """To be run as the role in question."""
    return [Query(SQL, (schema,)), routines.query([schema], executable=True)]


def build(results: list[Result], hoisted: Collection[str]) -> Accessible:
    relations, functions = results
    names = orjson.loads(relations.rows[0][0] or b"[]")
    return Accessible(frozenset(names), routines.build(functions, hoisted))


def comment_query(schema: str) -> Query:
    """The comment on the schema: the title and description of its document."""
    return Query(COMMENT_SQL, (schema,))


def comment(result: Result) -> str | None:
    cell = result.rows[0][0] if result.rows else None
    return None if cell is None else cell.decode()
