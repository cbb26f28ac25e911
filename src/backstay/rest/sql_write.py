"""SQL of inserts, updates, upserts and deletes, their rows taken from the JSON of the body.

The body is one parameter. PostgreSQL unpacks and types it, so that text of any length is parsed
once, and by the rules of the columns' types.
"""

# ruff: noqa: S608 -- this is where SQL is made: names are quoted, values are parameters.

from __future__ import annotations

from collections.abc import Sequence

from backstay.catalog.model import Name
from backstay.db.quote import quote_ident, quote_literal
from backstay.rest import fragments as sql
from backstay.rest.fragments import Parameters
from backstay.rest.holes import BODY
from backstay.rest.planned import ColumnRef, WritePlan

_ROWS = Name("", "pgrst_body")

INSERTED = "nullif(current_setting('pgrst.inserted', true),'')::int"
"""How many rows an upsert inserted rather than updated."""


def write_query(plan: WritePlan, parameters: Parameters, *, is_object: bool) -> str:
    """The statement; ``is_object`` tells a body that is one object from an array of them."""
    if plan.verb == "delete":
        conditions = _conditions(plan, plan.table, parameters)
        return f"DELETE FROM {sql.qualified(plan.table)}{conditions} {_returning(plan)}"
    if plan.verb == "update":
        return _update(plan, parameters, is_object=is_object)
    return _insert(plan, parameters, is_object=is_object)


def _conditions(plan: WritePlan, table: Name, parameters: Parameters) -> str:
    return sql.where_clause([sql.condition(table, found, parameters) for found in plan.where])


def _returning(plan: WritePlan) -> str:
    columns = [sql.column(plan.table, name) for name in plan.returning] or ["1"]
    return f"RETURNING {', '.join(columns)}"


def _update(plan: WritePlan, parameters: Parameters, *, is_object: bool) -> str:
    target = sql.qualified(plan.table)
    if not plan.columns:
        # Nothing to set: no rows, but with the columns that will be selected from them.
        names = [sql.column(Name("", plan.table.name), name) for name in plan.returning]
        return f"SELECT {', '.join(names) or 'NULL'} FROM {target} WHERE false"
    assignments = ", ".join(
        f"{quote_ident(column.name)} = {sql.column(_ROWS, column.name)}" for column in plan.columns
    )
    rows = body_rows(plan.columns, parameters, is_object=is_object, defaults=plan.defaults)
    conditions = _conditions(plan, plan.table, parameters)
    return f"UPDATE {target} SET {assignments} {rows}{conditions} {_returning(plan)}"


def _insert(plan: WritePlan, parameters: Parameters, *, is_object: bool) -> str:
    names = ", ".join(quote_ident(column.name) for column in plan.columns)
    values = ", ".join(sql.column(_ROWS, column.name) for column in plan.columns)
    rows = body_rows(plan.columns, parameters, is_object=is_object, defaults=plan.defaults)
    conditions: list[str] = []
    if plan.on_conflict is not None and plan.merge:
        conditions.append(_count_inserted("+", "0"))
    conditions += [sql.condition(_ROWS, found, parameters) for found in plan.where]
    into = f"{sql.qualified(plan.table)}{f'({names})' if names else ''}"
    return (
        f"INSERT INTO {into} SELECT {values} {rows}{sql.where_clause(conditions)}"
        f"{_on_conflict(plan)} {_returning(plan)}"
    )


def _on_conflict(plan: WritePlan) -> str:
    if not plan.on_conflict:
        return ""
    found_by = ", ".join(quote_ident(name) for name in plan.on_conflict)
    if not plan.merge or not plan.columns:
        return f" ON CONFLICT({found_by}) DO NOTHING"
    quoted = [quote_ident(column.name) for column in plan.columns]
    assignments = ", ".join(f"{name} = EXCLUDED.{name}" for name in quoted)
    merged = _count_inserted("-", "-1")
    return f" ON CONFLICT({found_by}) DO UPDATE SET {assignments} WHERE {merged}"


def _count_inserted(sign: str, never: str) -> str:
    """A condition that is always true and counts in a setting: up for a row that is to be
    inserted, down again when it turns out to be there already."""
    present = "coalesce(nullif(current_setting('pgrst.inserted', true), '')::int, 0)"
    return f"set_config('pgrst.inserted', ({present} {sign} 1)::text, true) <> '{never}'"


def body_rows(
    columns: Sequence[ColumnRef],
    parameters: Parameters,
    *,
    is_object: bool,
    defaults: bool = False,
    first_only: bool = False,
) -> str:
    """The FROM clause that makes rows ``pgrst_body`` of the JSON in the body.

    ``defaults``: names missing in an object get their column's default, not NULL.
    """
    kind = "jsonb" if defaults else "json"
    payload = f"FROM (SELECT {parameters.hole(BODY)}::{kind} AS json_data) pgrst_payload, "
    source = "pgrst_payload.json_data"
    if defaults:
        payload += _with_defaults(columns, is_object=is_object)
        source = "pgrst_json_defs.val"
    if columns:
        shown = ", ".join(_parsed(column) for column in columns)
        types = ", ".join(f"{quote_ident(column.name)} {column.type}" for column in columns)
        unpack = f"{kind}_to_record{'' if is_object else 'set'}"
        rows = f"{unpack}({source}) AS _({types}){' LIMIT 1' if first_only else ''}"
    else:
        shown = ""
        rows = "(values(1)) _" if is_object else f"{kind}_array_elements({source}) _"
    return f"{payload}LATERAL (SELECT {shown} FROM {rows}) pgrst_body"


def _parsed(column: ColumnRef) -> str:
    name = quote_ident(column.name)
    return f"{column.transform}({name}) AS {name}" if column.transform else name


def _with_defaults(columns: Sequence[ColumnRef], *, is_object: bool) -> str:
    given = ",".join(
        f"{quote_literal(column.name)}, {column.default}"
        for column in columns
        if column.default is not None
    )
    built = f"jsonb_build_object({given})"
    if is_object:
        return f"LATERAL (SELECT {built} || pgrst_payload.json_data AS val) pgrst_json_defs, "
    elements = "jsonb_array_elements(pgrst_payload.json_data) elem"
    return f"LATERAL (SELECT jsonb_agg({built} || elem) AS val FROM {elements}) pgrst_json_defs, "
