"""From what the database answered to HTTP: status, headers, and the body as it came.

Pure. https://docs.postgrest.org/en/stable/references/api/tables_views.html
"""

from __future__ import annotations

from urllib.parse import quote

from backstay.catalog.model import Catalog, Routine
from backstay.config.rest import RestSettings
from backstay.rest import errors
from backstay.rest.execute import Outcome, Prepared
from backstay.rest.guc import override_headers, override_status
from backstay.rest.intent import ApiRequest
from backstay.rest.plan import find_table
from backstay.rest.planned import Plan
from backstay.rest.preferences import applied
from backstay.rest.query_params import canonical_query
from backstay.rest.ranges import content_range, range_status
from backstay.web import Header, Response

VARY: Header = ("Vary", "Accept, Prefer, Range")

_LONGEST_LOCATION = 8000
"""Characters. Node.js gives up an answer with 16 KB of headers, and filters may hold long lists."""


def respond(prepared: Prepared, outcome: Outcome, settings: RestSettings, query: str) -> Response:
    """The answer to a request that succeeded; ``query`` is its query string.

    Raises ``RestError`` PGRST111, PGRST112.
    """
    if prepared.plan.media.plan is not None:
        return Response(200, [*prepared.headers, VARY], outcome.body)
    if prepared.plan.kind == "write":
        status, headers, body = _written(prepared, outcome)
    else:
        status, headers, body = _read(prepared, outcome, settings, query)
    status = override_status(status, outcome.status)
    headers = override_headers(headers, outcome.headers)
    if outcome.headers is None or not any(name.lower() == "vary" for name, _ in headers):
        headers.append(VARY)
    return Response(status, headers, body)


def _read(
    prepared: Prepared, outcome: Outcome, settings: RestSettings, query: str
) -> tuple[int, list[Header], bytes]:
    request, plan = prepared.request, prepared.plan
    lower = request.top_range.lower
    upper = lower + outcome.page - 1
    status = range_status(lower, upper, outcome.total)
    headers: list[Header] = [("Content-Range", content_range(lower, upper, outcome.total))]
    if plan.kind == "read":
        headers += _content_location(request, query)
    headers += prepared.headers
    if plan.call is not None and plan.call.routine.returns_void:
        return 204, headers, b""
    if request.head:
        return status, headers, b""
    if status == 416:
        error = errors.beyond_last_row(lower, outcome.total or 0)
        verbose = settings.client_error_verbosity == "verbose"
        return status, headers, errors.error_body(error, verbose=verbose)
    return status, headers, outcome.body


def _content_location(request: ApiRequest, query: str) -> list[Header]:
    """The header, or nothing when it would be too long for clients to accept."""
    if len(query) > _LONGEST_LOCATION:
        return []
    canonical = canonical_query(query) if query else ""
    path = _path_of(request)
    location = f"{path}?{canonical}" if canonical else path
    return [("Content-Location", location)] if len(location) <= _LONGEST_LOCATION else []


def _path_of(request: ApiRequest) -> str:
    """The path of a relation, as a header can hold it."""
    name = request.target.name
    return f"/{name}" if name.isascii() and name.isprintable() else f"/{_quoted(name)}"


def _written(prepared: Prepared, outcome: Outcome) -> tuple[int, list[Header], bytes]:
    request = prepared.request
    total = outcome.page if request.preferences.counts else None
    shown = request.preferences.representation == "representation"
    headers: list[Header] = []
    status = 200 if shown else 204
    if request.verb == "insert":
        if outcome.location:
            headers.append(("Location", _location(request, outcome)))
        headers.append(("Content-Range", content_range(1, 0, total)))
        write = prepared.plan.write
        merged = write is not None and write.merge and write.on_conflict is not None
        status = 200 if merged and (outcome.inserted or 0) <= 0 else 201
    elif request.verb == "update":
        headers.append(("Content-Range", content_range(0, outcome.page - 1, total)))
    elif request.verb == "delete":
        headers.append(("Content-Range", content_range(1, 0, total)))
    elif shown and outcome.inserted is not None and outcome.inserted > 0:
        status = 201
    headers += prepared.headers
    return status, headers, outcome.body if shown else b""


def _location(request: ApiRequest, outcome: Outcome) -> str:
    parts = (f"{_quoted(name)}={_quoted(value)}" for name, value in outcome.location)
    return f"{_path_of(request)}?{'&'.join(parts)}"


def _quoted(text: str) -> str:
    return quote(text, safe="")


def fixed_headers(request: ApiRequest, plan: Plan) -> tuple[Header, ...]:
    """The headers that every answer to requests of this shape has."""
    headers: list[Header] = []
    write = plan.write
    resolves = write is not None and bool(write.keys or request.query.on_conflict is not None)
    preferences = applied(request.preferences, request.verb, on_conflict=resolves)
    if preferences and plan.media.plan is None:
        headers.append(("Preference-Applied", preferences))
    shown = request.preferences.representation == "representation"
    void = plan.call is not None and plan.call.routine.returns_void
    if plan.media.plan is not None or (shown if write is not None else not void):
        headers.append(("Content-Type", plan.media.content_type))
        if request.negotiated:
            headers.append(("Content-Profile", request.schema))
    return tuple(headers)


# -- OPTIONS ----------------------------------------------------------------------------------


def relation_info(request: ApiRequest, catalog: Catalog) -> Response:
    """What may be done with a relation, as far as its definition allows. Raises PGRST205."""
    table = catalog.tables[find_table(request, catalog)]
    methods = ["OPTIONS", "GET", "HEAD"]
    if table.insertable:
        methods.append("POST")
    if table.insertable and table.updatable and table.primary_key:
        methods.append("PUT")
    if table.updatable:
        methods.append("PATCH")
    if table.deletable:
        methods.append("DELETE")
    return allowed(methods)


def routine_info(routine: Routine) -> Response:
    if routine.volatility == "volatile":
        return allowed(["OPTIONS", "POST"])
    return allowed(["OPTIONS", "GET", "HEAD", "POST"])


def root_info() -> Response:
    return allowed(["OPTIONS", "GET", "HEAD"])


def allowed(methods: list[str]) -> Response:
    return Response(200, [("Access-Control-Allow-Origin", "*"), ("Allow", ",".join(methods)), VARY])
