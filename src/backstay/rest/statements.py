"""The statement a plan becomes: its rows, counted and made into a body, in one row of results.

Limits on a write are raised within the statement, so that it is undone by the same round trip that
did it: a cast of a marked text to a number fails, and ``execute`` knows the mark.
"""

# ruff: noqa: S608 -- this is where SQL is made: names are quoted, values are parameters.

from __future__ import annotations

import re
from dataclasses import dataclass

from backstay.catalog.model import Name, Routine
from backstay.db.quote import quote_literal
from backstay.rest import fragments as sql
from backstay.rest import media
from backstay.rest.fragments import Parameters
from backstay.rest.holes import Hole
from backstay.rest.intent import ApiRequest
from backstay.rest.planned import SOURCE, Handler, Plan
from backstay.rest.ranges import ALL
from backstay.rest.sql_call import call_query
from backstay.rest.sql_read import count_query, read_query
from backstay.rest.sql_write import INSERTED, write_query

TOTAL, PAGE, LOCATION = range(3)
"""The first columns of the result. Only a write has ``LOCATION``. After them come body, headers and
status; a write adds the number of rows it inserted, a custom handler whether the body is bytea."""

_ROWS = "_postgrest_t"
_MARK = "backstay:limit:"
MARKED = re.compile(rf'"{_MARK}(PGRST[0-9]+):([0-9]+)"')
"""Finds, in the message of an error, the limit that was passed and the number of rows."""

_NO_LOCATION = "NULL::text"


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text with its open parameters. ``estimate`` asks the planner how many rows there are."""

    text: str
    holes: tuple[Hole, ...]
    estimate: tuple[str, tuple[Hole, ...]] | None = None
    binary: bool = False
    """The last column says whether the body is bytea."""
    reusable: bool = True
    """It serves every request of its shape."""


def write_statement(plan: Plan, request: ApiRequest, max_rows: int | None) -> Statement:
    """The SQL of ``plan``."""
    parameters = Parameters(literal_limits=request.literal_limits)
    if plan.kind == "write":
        text = _write(plan, request, parameters)
    elif plan.kind == "call":
        text = _call(plan, request, max_rows, parameters)
    else:
        text = _read(plan, request, max_rows, parameters)
    binary = plan.handler.kind == "custom" and plan.media.plan is None
    if binary:
        text = _with_binary_flag(text)
    if plan.media.plan is not None:
        words = (f"FORMAT {plan.media.plan.format.upper()}", *plan.media.plan.options)
        text = f"EXPLAIN ({', '.join(word.upper() for word in words)}) {text}"
        return Statement(text, tuple(parameters.holes), reusable=not parameters.settled)
    estimate = _estimate(plan, request)
    return Statement(
        text, tuple(parameters.holes), estimate, binary, reusable=not parameters.settled
    )


def _estimate(plan: Plan, request: ApiRequest) -> tuple[str, tuple[Hole, ...]] | None:
    if plan.kind != "read" or not request.preferences.estimates:
        return None
    parameters = Parameters()
    query = count_query(plan.read, parameters)
    return f"EXPLAIN (FORMAT JSON) {query}", tuple(parameters.holes)


def _with_binary_flag(text: str) -> str:
    """Only the type says whether the body of a custom handler is text or bytes."""
    flag = (
        "SELECT t.typbasetype = 'bytea'::regtype OR t.oid = 'bytea'::regtype"
        " FROM pg_catalog.pg_type t WHERE t.oid = pg_catalog.pg_typeof(r.body)"
    )
    return f"SELECT r.*, ({flag}) AS is_binary FROM ({text}) r"


def _read(plan: Plan, request: ApiRequest, max_rows: int | None, parameters: Parameters) -> str:
    query = read_query(plan.read, parameters)
    counted, total = _count(plan, request, max_rows, parameters, "pg_catalog.count(*)")
    return (
        f"WITH {SOURCE} AS ( {query} ){counted} SELECT {total} AS total_result_set, "
        f"pg_catalog.count(*) AS page_total, {_body(plan.handler, None)} AS body, {_settings()} "
        f"FROM ( SELECT * FROM {SOURCE} ) {_ROWS}"
    )


def _call(plan: Plan, request: ApiRequest, max_rows: int | None, parameters: Parameters) -> str:
    assert plan.call is not None
    routine = plan.call.routine
    is_object = request.payload is not None and request.payload.is_object
    called = call_query(plan.call, parameters, is_object=is_object)
    rows = read_query(plan.read, parameters)
    number = "1" if routine.returns_single else "pg_catalog.count(*)"
    counted, total = _count(plan, request, max_rows, parameters, number)
    page = number if routine.returns_single else _limited(plan, request, number)
    return (
        f"WITH {SOURCE} AS ({called}){counted} SELECT {total} AS total_result_set, "
        f"{page} AS page_total, {_body(plan.handler, routine)} AS body, {_settings()} "
        f"FROM ({rows}) {_ROWS}"
    )


def _write(plan: Plan, request: ApiRequest, parameters: Parameters) -> str:
    assert plan.write is not None
    is_object = request.payload is not None and request.payload.is_object
    written = write_query(plan.write, parameters, is_object=is_object)
    rows = f"SELECT * FROM {SOURCE}"
    if plan.handler.kind != "none":
        rows = read_query(plan.read, parameters)
    page = _limited(plan, request, "pg_catalog.count(*)")
    upserts = plan.write.verb == "upsert" or (
        plan.write.verb == "insert" and plan.write.on_conflict is not None and plan.write.merge
    )
    return (
        f"WITH {SOURCE} AS ({written}) SELECT '' AS total_result_set, {page} AS page_total, "
        f"{_location(plan, request)} AS location, {_body(plan.handler, None)} AS body, "
        f"{_settings()}, {INSERTED if upserts else 'NULL::int'} AS response_inserted "
        f"FROM ({rows}) {_ROWS}"
    )


def _count(
    plan: Plan,
    request: ApiRequest,
    max_rows: int | None,
    parameters: Parameters,
    page: str,
) -> tuple[str, str]:
    """A query that counts all rows, where those of the page are not all, and its result."""
    if not request.preferences.counts:
        return "", "null::bigint"
    if max_rows is None and request.top_range == ALL:
        return "", page
    query = count_query(plan.read, parameters)
    if plan.kind == "read" and request.preferences.count == "estimated" and max_rows is not None:
        # One more than may be shown is enough to know that the estimate is to be used.
        query += f" LIMIT {max_rows + 1}"
    total = "(SELECT pg_catalog.count(*) FROM pgrst_source_count)"
    return f", pgrst_source_count AS ({query})", total


def _limited(plan: Plan, request: ApiRequest, number: str) -> str:
    """The number of rows, raising where the request allows only so many."""
    if request.verb == "upsert":
        return _raising("PGRST115", f"{number} <> 1", number)
    if plan.read_only:
        return number
    cases = number
    limit = request.preferences.affected_limit
    if limit is not None and request.verb in ("update", "delete", "call"):
        cases = _raising("PGRST124", f"{number} > {limit}", cases)
    if media.is_singular(plan.media):
        cases = _raising("PGRST116", f"{number} <> 1", cases)
    return cases


def _raising(code: str, passed: str, otherwise: str) -> str:
    failing = f"('{_MARK}{code}:' || pg_catalog.count(*))::bigint"
    return f"CASE WHEN {passed} THEN {failing} ELSE {otherwise} END"


def _settings() -> str:
    """What the database says of the answer's headers and status."""
    return (
        "nullif(current_setting('response.headers', true), '') AS response_headers, "
        "nullif(current_setting('response.status', true), '') AS response_status"
    )


def _location(plan: Plan, request: ApiRequest) -> str:
    """Where a single inserted row is to be found: a JSON array of (column, filter)."""
    assert plan.write is not None
    keys = plan.write.keys
    if plan.write.verb != "insert" or request.preferences.representation != "headers-only":
        return _NO_LOCATION
    if not keys:
        return _NO_LOCATION
    names = ", ".join(quote_literal(key) for key in keys)
    return (
        "CASE WHEN pg_catalog.count(*) = 1 THEN (SELECT json_agg(json_build_array("
        "found.key, coalesce('eq.' || found.value, 'is.null')))::text "
        f"FROM (SELECT row_to_json(_) AS row FROM {SOURCE} AS _ LIMIT 1) data "
        f"CROSS JOIN json_each_text(data.row) AS found WHERE found.key IN ({names})) END"
    )


def _body(handler: Handler, routine: Routine | None) -> str:
    """The expression that makes the body of the rows."""
    scalar = routine is not None and routine.returns_scalar
    of = f"{_ROWS}.pgrst_scalar" if scalar else _ROWS
    match handler.kind:
        case "none":
            return "''::text"
        case "csv":
            return _csv()
        case "geojson":
            return (
                "json_build_object('type', 'FeatureCollection', 'features',"
                f" coalesce(json_agg(ST_AsGeoJSON({_ROWS})::json), '[]'))"
            )
        case "object" | "object_stripped":
            return _json(f"json_agg({of})->0", "null", stripped=handler.kind == "object_stripped")
        case "custom":
            return _custom(handler, scalar=scalar)
    stripped = handler.kind == "json_stripped"
    if routine is not None and routine.returns_single:
        return _json(f"json_agg({of})->0", "null", stripped=stripped)
    if routine is not None and routine.returns_set_of_scalar:
        of = f"{_ROWS}.pgrst_scalar"
    return _json(f"json_agg({of})", "[]", stripped=stripped)


def _json(rows: str, otherwise: str, *, stripped: bool) -> str:
    rows = f"json_strip_nulls({rows})" if stripped else rows
    return f"coalesce({rows}, '{otherwise}')"


def _custom(handler: Handler, *, scalar: bool) -> str:
    assert handler.function is not None
    function = sql.qualified(handler.function)
    if scalar:
        return f"{function}({_ROWS}.pgrst_scalar)"
    target: Name | None = handler.target
    return f"{function}({_ROWS}{f'::{sql.qualified(target)}' if target else ''})"


def _csv() -> str:
    header = (
        "(SELECT coalesce(string_agg(a.k, ','), '') FROM (SELECT json_object_keys(r)::text AS k"
        f" FROM (SELECT row_to_json(hh) AS r FROM {SOURCE} AS hh LIMIT 1) s) a)"
    )
    row = f"substring({_ROWS}::text, 2, length({_ROWS}::text) - 2)"
    return f"{header} || '\n' || coalesce(string_agg({row}, '\n'), '')"
