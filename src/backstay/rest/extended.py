"""What a project switched on beyond PostgREST, around the plain service.

    idempotency ─▶ batch ─▶ query by POST │ nested insert │ plain

Each is off unless ``[backstay.rest]`` asks for it; a service with all of them off has no
``Extended`` at all, and answers as PostgREST does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from backstay.catalog.model import Snapshot
from backstay.clock import Clock
from backstay.config.rest import RestExtensions
from backstay.rest import batch, idempotency, nested, nested_insert, override
from backstay.rest.auth import Caller
from backstay.rest.execute import Database
from backstay.rest.transaction import Refused
from backstay.web import Request, Response, bytes_body

MAX_BODY = 1 << 30

Plain = Callable[[Request, Database], Awaitable[Response]]
"""The plain service for one caller, running its statements in the database it is given."""

EffectiveHeaders = Callable[[Request], Mapping[str, str]]


def extended(
    extensions: RestExtensions, pool: Database, clock: Clock, effective: EffectiveHeaders
) -> Extended | None:
    """The extensions around a request; None when none of them is switched on.

    ``effective`` gives the headers that count when a request says nothing of what to return.
    """
    on = (
        extensions.batch,
        extensions.nested_inserts,
        extensions.idempotency,
        extensions.query_by_post,
    )
    return Extended(extensions, pool, clock, effective) if any(on) else None


class Extended:
    """Answers a request with the extensions that are on."""

    def __init__(
        self,
        extensions: RestExtensions,
        pool: Database,
        clock: Clock,
        effective: EffectiveHeaders,
    ) -> None:
        self._on = extensions
        self._pool = pool
        self._clock = clock
        self._effective = effective

    async def answer(
        self, plain: Plain, snapshot: Snapshot, caller: Caller, request: Request
    ) -> Response:
        """The answer. Raises what the plain service raises, and ``RestError`` BSTAY1xx."""

        async def one(asked: Request, database: Database) -> Response:
            return await self._one(plain, snapshot, caller, asked, database)

        async def serve(asked: Request, database: Database) -> Response:
            if not (self._on.batch and batch.asked(asked)):
                return await one(asked, database)
            body = await asked.read(MAX_BODY)
            return await batch.run(one, database, caller, asked, body, self._on.batch_limit)

        try:
            if not (self._on.idempotency and idempotency.asked(request)):
                return await serve(request, self._pool)
            body = await request.read(MAX_BODY)
            return await idempotency.once(
                serve,
                self._pool,
                caller,
                request,
                body,
                clock=self._clock,
                expiry=self._on.idempotency_expiry,
            )
        except Refused as refused:
            return refused.answer

    async def _one(
        self,
        plain: Plain,
        snapshot: Snapshot,
        caller: Caller,
        request: Request,
        database: Database,
    ) -> Response:
        """Answer what is no batch."""
        if self._on.query_by_post and override.asked(request):
            read = override.as_get(request, await request.read(MAX_BODY))
            return override.answered(await plain(read, database))
        if not (self._on.nested_inserts and nested.possible(request)):
            return await plain(request, database)
        body = await request.read(MAX_BODY)
        headers = self._effective(request)
        tree = nested.understand(snapshot, request, headers, body)
        if tree is None:
            return await plain(replace(request, body=bytes_body(body)), database)
        return await nested_insert.insert(tree, database, snapshot, caller, request, headers)
