"""Planning inserts, updates, upserts and deletes.

https://docs.postgrest.org/en/stable/references/api/tables_views.html#insert
"""

from __future__ import annotations

from backstay.catalog.model import Catalog, Name
from backstay.rest import errors
from backstay.rest.columns import Columns
from backstay.rest.intent import ApiRequest
from backstay.rest.plan_read import returned_columns, where
from backstay.rest.planned import ColumnRef, ReadPlan, WritePlan


def plan_write(table: Name, request: ApiRequest, read: ReadPlan, catalog: Catalog) -> WritePlan:
    """What ``request`` writes. Raises ``RestError`` PGRST105, PGRST204."""
    columns = Columns(catalog, table)
    preferences = request.preferences
    keys = catalog.tables[table].primary_key
    root_filters = [condition for path, condition in request.query.filters if not path]
    logic = [tree for path, tree in request.query.logic if not path]
    conditions = tuple(where(columns, found) for found in (*root_filters, *logic))
    wanted = preferences.representation in ("representation", "headers-only")
    returning = returned_columns(read, keys) if wanted else ()
    if request.verb == "delete":
        return WritePlan("delete", table, where=conditions, returning=returning)
    if request.verb == "upsert" and not _finds_one_row(request, keys):
        raise errors.put_filters()
    written = _written_columns(request, columns)
    defaults = preferences.missing == "default"
    if request.verb == "update":
        return WritePlan("update", table, written, conditions, returning, defaults=defaults)
    if request.verb == "upsert":
        return WritePlan("upsert", table, written, conditions, returning, (), keys, merge=True)
    found_by = request.query.on_conflict
    return WritePlan(
        "insert",
        table,
        written,
        returning=returning,
        keys=keys,
        on_conflict=(keys if found_by is None else found_by) if preferences.resolution else None,
        merge=preferences.resolution == "merge-duplicates",
        defaults=defaults,
    )


def _finds_one_row(request: ApiRequest, keys: tuple[str, ...]) -> bool:
    """The filters are the primary key, whole, each part of it given."""
    query = request.query
    return (
        bool(keys)
        and not query.logic
        and query.filter_names == set(keys)
        and all(
            found.operator == "eq" and not found.negated and not found.quantifier
            for path, found in query.filters
            if not path
        )
    )


def _written_columns(request: ApiRequest, columns: Columns) -> tuple[ColumnRef, ...]:
    found: list[ColumnRef] = []
    for name in sorted(request.payload.keys if request.payload else ()):
        column = columns.for_write(name)
        if column is None:
            raise errors.no_column(columns.table.name, name)
        found.append(column)
    return tuple(found)
