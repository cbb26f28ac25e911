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
from backstay.rest.errors import MissInCatalog
from backstay.rest.execute import Database
from backstay.rest.transaction import Refused
from backstay.web import Request, Response, bytes_body

MAX_BODY = 1 << 30

Plain = Callable[[Snapshot, Request, Database], Awaitable[Response]]
"""The plain service for one caller, running its statements in the database it is given."""

Newer = Callable[[Snapshot], Awaitable[Snapshot]]
"""A newer snapshot after a miss, or the same one when nothing has changed."""

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
        self._turns = idempotency.Turns()

    async def answer(
        self, plain: Plain, newer: Newer, snapshot: Snapshot, caller: Caller, request: Request
    ) -> Response:
        """The answer. Raises what the plain service raises, and ``RestError`` BSTAY1xx."""
        if not self._concerns(request):
            return await plain(snapshot, request, self._pool)
        body = await request.read(MAX_BODY)
        asked = replace(request, body=bytes_body(body))
        try:
            return await self._answered(plain, snapshot, caller, asked, body)
        except MissInCatalog:
            # The transaction has ended, so that there is a connection to look with.
            later = await newer(snapshot)
            if later is snapshot:
                raise
            return await self._answered(plain, later, caller, asked, body)

    def _concerns(self, request: Request) -> bool:
        on = self._on
        return (
            self._once(request)
            or (on.batch and batch.asked(request))
            or (on.query_by_post and override.asked(request))
            or (on.nested_inserts and nested.possible(request))
        )

    def _once(self, request: Request) -> bool:
        """Whether ``request`` is a write with a key."""
        on = self._on
        reads = on.query_by_post and override.asked(request)
        return on.idempotency and idempotency.asked(request) and not reads

    async def _answered(
        self, plain: Plain, snapshot: Snapshot, caller: Caller, request: Request, body: bytes
    ) -> Response:
        async def one(asked: Request, database: Database) -> Response:
            return await self._one(plain, snapshot, caller, asked, database)

        async def serve(asked: Request, database: Database) -> Response:
            if not (self._on.batch and batch.asked(asked)):
                return await one(asked, database)
            return await batch.run(one, database, caller, asked, body, self._on.batch_limit)

        try:
            if not self._once(request):
                return await serve(request, self._pool)
            expiry = self._on.idempotency_expiry
            claim = idempotency.Claim(caller, request, body, self._clock.now(), expiry)
            async with self._turns.of(claim.id):
                return await idempotency.once(serve, self._pool, claim, request)
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
            return override.answered(await plain(snapshot, read, database))
        if not (self._on.nested_inserts and nested.possible(request)):
            return await plain(snapshot, request, database)
        headers = self._effective(request)
        tree = nested.understand(snapshot, request, headers, await request.read(MAX_BODY))
        if tree is None:
            return await plain(snapshot, request, database)
        return await nested_insert.insert(tree, database, snapshot, caller, request, headers)
