"""The REST service: parse, plan, write SQL, execute, respond; and what is answered when one fails.

``RestService.__call__`` is the way of every request. A plan made once serves every request of the
same shape (see ``shapes``), so most of them go straight from their headers to the database.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from backstay import __version__, web
from backstay.catalog.model import Snapshot, Source
from backstay.clock import Clock, SystemClock, monotonic
from backstay.config.rest import RestExtensions, RestSettings
from backstay.db.model import DatabaseError, DatabaseUnavailable, PoolTimeout
from backstay.rest import errors
from backstay.rest.auth import Caller, identify
from backstay.rest.errors import MissInCatalog, RestError
from backstay.rest.execute import Database, Prepared, execute, make_session
from backstay.rest.extended import Extended, extended
from backstay.rest.failures import failure
from backstay.rest.intent import ApiRequest, Payload
from backstay.rest.openapi import document
from backstay.rest.plan import make_plan
from backstay.rest.plan_call import find_routine
from backstay.rest.request import TAKES_BODY, parse_request, request_payload, rows_of
from backstay.rest.respond import fixed_headers, relation_info, respond, root_info, routine_info
from backstay.rest.root import Document, answer_root
from backstay.rest.shapes import (
    PlanCache,
    Shape,
    Values,
    open_slots,
    shape_of,
    with_open_limit,
)
from backstay.rest.statements import write_statement

_MAX_BODY = 1 << 30
_RETRY_AFTER = "1"
_STAGES = ("jwt", "parse", "plan", "transaction", "response")

Observer = Callable[[web.Request, Exception], None]


@dataclass(slots=True)
class _Template:
    """A request understood up to its body, with its plans by what the body holds.

    ``settled``: a plan needed the values themselves, so each request has to be read for itself.
    """

    request: ApiRequest
    prepared: dict[object, Prepared] = field(default_factory=dict)
    settled: bool = False


class _Timer:
    """How long each stage took, in milliseconds, when that is to be told."""

    __slots__ = ("_last", "_wanted", "spent")

    def __init__(self, *, wanted: bool) -> None:
        self.spent: list[float] = []
        self._wanted = wanted
        self._last = monotonic() if wanted else 0.0

    def stage(self) -> None:
        if not self._wanted:
            return
        now = monotonic()
        self.spent.append((now - self._last) * 1000)
        self._last = now

    def complete(self) -> None:
        """Count the last stage, where the others were left out, too."""
        while len(self.spent) < len(_STAGES):
            self.stage()

    def header(self) -> web.Header:
        stages = zip(_STAGES, self.spent, strict=False)
        return "Server-Timing", ", ".join(f"{name};dur={spent:.1f}" for name, spent in stages)


class RestService:
    """PostgREST's dialect over one database.

    ``root`` writes the document at ``/``. ``observer`` is told of what went unexpectedly wrong.
    """

    def __init__(
        self,
        pool: Database,
        source: Source,
        *,
        extensions: RestExtensions | None = None,
        clock: Clock | None = None,
        observer: Observer | None = None,
        root: Document = document,
    ) -> None:
        self._pool = pool
        self._source = source
        self._extensions = extensions or RestExtensions()
        self._extended = extended(
            self._extensions, pool, clock or SystemClock(), self._effective_headers
        )
        self._observer = observer
        self._document = root
        self._plans: PlanCache[_Template] = PlanCache()
        self._log = logging.getLogger("backstay.rest")

    async def __call__(self, request: web.Request) -> web.Response:
        snapshot = self._source.current
        if snapshot is None:
            return _refused(errors.no_catalog(), verbose=True)
        response = await self._guarded(snapshot, request)
        trace = snapshot.settings.server_trace_header
        if trace:
            header = (trace, request.headers.get(trace.lower(), ""))
            return web.Response(response.status, [header, *response.headers], response.body)
        return response

    async def _guarded(self, snapshot: Snapshot, request: web.Request) -> web.Response:
        """The answer, or the dialect's error: nothing that goes wrong escapes."""
        caller: Caller | None = None
        try:
            timer = _Timer(wanted=snapshot.settings.server_timing_enabled)
            caller = identify(snapshot, request.headers.get("authorization"))
            timer.stage()
            if self._extended is not None:
                return await self._beyond(self._extended, snapshot, caller, request, timer)
            return await self._answer(snapshot, caller, request, timer, self._pool)
        except RestError as error:
            refusal = error
        except (DatabaseError, DatabaseUnavailable, PoolTimeout) as error:
            refusal = failure(error, authenticated=caller is not None and not caller.anonymous)
        except (web.BodyTooLarge, web.ClientDisconnected):
            raise
        except Exception as error:
            if self._observer is not None:
                self._observer(request, error)
            else:
                self._log.exception("unexpected failure of %s %s", request.method, request.path)
            refusal = errors.internal()
        return _refused(refusal, verbose=snapshot.settings.client_error_verbosity == "verbose")

    async def _beyond(
        self,
        beyond: Extended,
        snapshot: Snapshot,
        caller: Caller,
        request: web.Request,
        timer: _Timer,
    ) -> web.Response:
        """The answer with extensions, which come back to ``_answer`` for each plain request."""

        async def plain(present: Snapshot, asked: web.Request, database: Database) -> web.Response:
            return await self._answer(present, caller, asked, timer, database)

        return await beyond.answer(plain, self._newer, snapshot, caller, request)

    async def _answer(
        self,
        snapshot: Snapshot,
        caller: Caller,
        request: web.Request,
        timer: _Timer,
        database: Database,
    ) -> web.Response:
        """The stages, one after the other; statements run in ``database``."""
        headers = self._effective_headers(request)
        body = await request.read(_MAX_BODY) if request.method in TAKES_BODY else b""
        shape, values = shape_of(request.method, request.path, request.query, headers)
        template = self._template(snapshot, request, headers, shape, values)
        payload = await _payload(template.request, body)
        rows = rows_of(template.request, values, headers)
        timer.stage()
        if template.request.verb in ("root", "info"):
            response = await self._described(snapshot, caller, template.request, request, database)
            return _timed(response, snapshot.settings, timer)
        try:
            prepared = self._prepared(snapshot, template, payload)
        except MissInCatalog:
            if database is not self._pool:
                raise  # looking needs a connection, and this request holds one
            snapshot = await self._newer(snapshot)
            prepared = self._prepared(snapshot, _Template(template.request), payload)
        prepared = prepared.with_rows(rows)
        timer.stage()
        session = make_session(
            snapshot, caller, prepared.request, prepared.plan, request.path, headers
        )
        raw = payload.raw if payload else b""
        settings = snapshot.settings
        outcome = await execute(
            database, prepared, session, settings, snapshot.catalog, values, raw
        )
        timer.stage()
        response = respond(prepared, outcome, settings, request.query)
        timer.stage()
        if settings.url_use_legacy_target_names and (names := prepared.legacy_names):
            warning = ("Warning", _legacy_warning(names))
            response = web.Response(response.status, [*response.headers, warning], response.body)
        return _timed(response, settings, timer)

    def _effective_headers(self, request: web.Request) -> Mapping[str, str]:
        """The headers, with rows asked for where the project says that is the default."""
        if request.method not in self._extensions.representation_by_default:
            return request.headers
        prefer = request.headers.get("prefer", "")
        if "return=" in prefer:
            return request.headers
        wanted = f"{prefer}, return=representation" if prefer else "return=representation"
        return {**request.headers, "prefer": wanted}

    def _template(
        self,
        snapshot: Snapshot,
        request: web.Request,
        headers: Mapping[str, str],
        shape: Shape,
        values: Values,
    ) -> _Template:
        found = self._plans.get(snapshot, shape)
        literal = self._plans.admits(shape) if found is None else found.request.literal_limits
        if not literal:
            shape = with_open_limit(shape)
            found = self._plans.get(snapshot, shape)
        if found is not None and not found.settled:
            return found
        parsed = parse_request(
            snapshot.settings,
            request.method,
            request.path,
            request.query,
            headers,
            open_slots(shape, values) if found is None else (),
            distinct=self._extensions.distinct,
            literal_limits=literal,
        )
        made = _Template(parsed)
        if found is None:
            self._plans.put(snapshot, shape, made)
        return made

    @staticmethod
    def _prepared(snapshot: Snapshot, template: _Template, payload: Payload | None) -> Prepared:
        """The plan and SQL for a body that holds what this one does."""
        held = None if payload is None else (payload.keys, payload.is_object)
        found = template.prepared.get(held)
        if found is not None:
            return found
        request = replace(template.request, payload=payload)
        plan = make_plan(request, snapshot.catalog, snapshot.settings)
        statement = write_statement(plan, request, snapshot.settings.db_max_rows)
        if payload is not None:
            request = replace(request, payload=replace(payload, raw=b"", pairs=None))
        prepared = Prepared(
            request, plan, statement, fixed_headers(request, plan), tuple(plan.legacy_names)
        )
        template.settled = template.settled or not statement.reusable
        from_form = payload is not None and payload.pairs is not None
        if statement.reusable and not from_form and len(template.prepared) < _MAX_BODY_SHAPES:
            template.prepared[held] = prepared
        return prepared

    async def _newer(self, snapshot: Snapshot) -> Snapshot:
        """A newer snapshot after a miss, or the same one when nothing has changed."""
        await self._source.look_again()
        return self._source.current or snapshot

    async def _described(
        self,
        snapshot: Snapshot,
        caller: Caller,
        asked: ApiRequest,
        request: web.Request,
        database: Database,
    ) -> web.Response:
        """What is there, and what may be done with it."""
        if asked.verb == "root":
            write = self._document
            return await answer_root(write, database, snapshot, caller, asked, request)
        if asked.target.kind == "schema":
            return root_info()
        try:
            return _info(snapshot, asked)
        except MissInCatalog:
            return _info(await self._newer(snapshot), asked)


_MAX_BODY_SHAPES = 64

_LARGE_BODY = 1 << 18
"""Bytes that take some ten milliseconds to read, during which others are to be served."""


async def _payload(request: ApiRequest, body: bytes) -> Payload | None:
    if len(body) < _LARGE_BODY:
        return request_payload(request, body)
    return await asyncio.to_thread(request_payload, request, body)


def _info(snapshot: Snapshot, asked: ApiRequest) -> web.Response:
    if asked.target.kind == "routine":
        return routine_info(find_routine(asked, snapshot.catalog))
    return relation_info(asked, snapshot.catalog)


def _refused(error: RestError, *, verbose: bool) -> web.Response:
    response = errors.error_response(error, verbose=verbose)
    if error.status == 503:
        headers = [*response.headers, ("Retry-After", _RETRY_AFTER)]
        return web.Response(response.status, headers, response.body)
    return response


def _timed(response: web.Response, settings: RestSettings, timer: _Timer) -> web.Response:
    """``response`` with Server-Timing, where that is asked for."""
    if not settings.server_timing_enabled:
        return response
    timer.complete()
    return web.Response(response.status, [*response.headers, timer.header()], response.body)


def _legacy_warning(names: tuple[tuple[str, str], ...]) -> str:
    changes = ", ".join(f"`{name}` to `{alias}`" for name, alias in names)
    return (
        f'299 backstay/{__version__} "Embedded resource was referenced by relation name even'
        " though it has an alias. This is deprecated and will stop working in a future release."
        f' Update {changes} in query string filters, orders or limits."'
    )
