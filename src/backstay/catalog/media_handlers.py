"""Custom media types and the functions and aggregates that answer in them.

https://docs.postgrest.org/en/stable/references/api/media_type_handlers.html
"""

from __future__ import annotations

from collections.abc import Sequence

from backstay.catalog.model import ANY_ELEMENT, MediaHandler, Name
from backstay.catalog.rows import records, sql, text_array
from backstay.db.model import Query, Result

SQL = sql("media_handlers")

ANYTHING = "*/*"
OF_ANYTHING = "application/octet-stream"
"""What a ``*/*`` handler's answer is called, unless the handler says otherwise itself."""


def query(schemas: Sequence[str]) -> Query:
    return Query(SQL, (text_array(schemas),), prepare=False)


def build(result: Result) -> dict[tuple[Name | None, str], MediaHandler]:
    """Handlers by (relation or function, or None for anyelement) and lower-case media type."""
    found: dict[tuple[Name | None, str], MediaHandler] = {}
    for schema, name, target_schema, target_name, media_type in records(result):
        target = Name(target_schema, target_name)
        handled = ANY_ELEMENT if target == Name("pg_catalog", "anyelement") else target
        called = OF_ANYTHING if media_type == ANYTHING else media_type
        found[handled, media_type.lower()] = MediaHandler(Name(schema, name), handled, called)
    return found
