"""Domain representations: casts that decide how a domain is shown, read and compared.

https://docs.postgrest.org/en/stable/how-tos/working-with-postgresql-data-types.html
"""

from __future__ import annotations

from backstay.catalog.model import Representation
from backstay.catalog.rows import records, sql
from backstay.db.model import Query, Result

SQL = sql("representations")


def query() -> Query:
    return Query(SQL, prepare=False)


def build(result: Result) -> dict[tuple[str, str], Representation]:
    return {
        (source, target): Representation(source, target, function)
        for source, target, function in records(result)
    }
