"""The gateway: every request of the public ports passes through ``Gateway.handle``."""

from __future__ import annotations

import functools
from typing import Final

from backstay.clock import monotonic
from backstay.errors import HttpError
from backstay.gateway import errors, health, hosts, ids, keys, limits
from backstay.gateway.cors import cors_headers, is_preflight, preflight
from backstay.gateway.forwarded import Forwarded
from backstay.gateway.hosts import ProjectTable
from backstay.gateway.model import GatewaySettings, Project
from backstay.gateway.router import Route, find_route
from backstay.observe.bus import Bus
from backstay.observe.events import RequestFailed, RequestFinished
from backstay.observe.metrics import Metrics
from backstay.tokens.api_keys import is_loopback
from backstay.web import BodyTooLarge, ClientDisconnected, Request, Response, Service

_PROXIED: Final = frozenset({"forwarded", "via", "x-forwarded-for", "x-real-ip"})
"""A request that bears one of these was passed on."""


class _Visit:
    """What is learnt of a request on its way, for the event at its end."""

    __slots__ = ("project", "service")

    def __init__(self) -> None:
        self.project = ""
        self.service = ""


class Gateway:
    """Serves ``projects`` on any number of ports.

    ``bus`` carries one event per request. ``metrics`` are shown at ``/metrics``, when given, to
    clients on this machine.
    """

    def __init__(
        self,
        projects: ProjectTable,
        settings: GatewaySettings,
        bus: Bus,
        metrics: Metrics | None = None,
    ) -> None:
        self._projects = projects
        self._settings = settings
        self._bus = bus
        self._metrics = metrics if settings.metrics else None
        self._forwarded = Forwarded(settings.trusted_proxies)
        self._ids = ids.RequestIds()

    def on_port(self, port: int) -> Service:
        """``handle`` for requests that come in on ``port``."""
        return functools.partial(self.handle, port=port)

    async def handle(self, request: Request, port: int) -> Response:
        """Answer one request: never raises but when it is cancelled.

        ``request`` is as the server adapter made it, ``client`` being the other end of the socket.
        """
        started = monotonic()
        path, sent = request.path, request.headers
        request.id = self._ids.of(sent)
        visit = _Visit()
        try:
            response = await self._answer(request, port, visit)
        except HttpError as error:
            response = errors.error_response(error, request.id)
        except BodyTooLarge as error:
            response = errors.error_response(errors.BodyRefused(error.limit), request.id)
        except ClientDisconnected:
            response = errors.error_response(errors.Incomplete(), request.id)
        except Exception as error:
            self._bus.emit(
                RequestFailed(
                    project=visit.project,
                    request_id=request.id,
                    service=visit.service,
                    error=error,
                )
            )
            response = errors.failure_response(request.id)
        response.headers = [
            *response.headers,
            *cors_headers(sent, response.headers),
            (ids.HEADER, request.id),
            ("sb-request-id", request.id),
        ]
        self._bus.emit(
            RequestFinished(
                visit.project,
                visit.service,
                request.id,
                request.method,
                path,
                request.client,
                response.status,
                monotonic() - started,
            )
        )
        return response

    async def _answer(self, request: Request, port: int, visit: _Visit) -> Response:
        """The way of a request, in the order it is walked."""
        peer = request.client
        added = self._forwarded.settle(request, port)
        if is_preflight(request):
            return preflight(request.headers)
        limits.check_target(request, self._settings.max_target)
        found = find_route(request.path)
        if found is None:
            return await self._own(request, peer)
        route, path = found
        visit.service = route.service
        project = self._projects.find(request.host, port)
        visit.project = project.name
        service = project.services.get(route.service)
        if route.local and not _is_local(request, peer):
            raise errors.NoRoute
        if service is None:
            raise errors.NotOffered(route.service)
        if route.rewrite_keys:
            added |= self._translate_keys(request, project, route)
        request.headers = {**request.headers, **added}
        request.prefix, request.path = route.prefix, path
        limits.limit_body(request, 0 if route.unlimited else self._settings.max_body)
        if project.asleep:
            await project.awake()
        return await service(request)

    def _translate_keys(self, request: Request, project: Project, route: Route) -> dict[str, str]:
        """Settle whose request it is; the headers that say so to the service."""
        sent = request.headers.get("authorization")
        in_query = keys.query_key(request.query)
        apikey = request.headers.get("apikey") or in_query
        keys.check_presence(apikey, required=self._settings.require_api_key)
        seen = keys.authorization(project.keys, sent, apikey)
        if in_query and route.service == "realtime":
            token = keys.role_token(project.keys, in_query)
            request.query = keys.with_token(request.query, token)
        elif in_query:
            request.query = keys.without_key(request.query)
        if seen is None:
            request.headers = {k: v for k, v in request.headers.items() if k != "authorization"}
            return dict(route.headers)
        return {"authorization": seen, **dict(route.headers)}

    async def _own(self, request: Request, peer: str) -> Response:
        """The few paths that are the gateway's own."""
        match request.path:
            case "/health" | "/live":
                return health.health()
            case "/ready":
                return await health.ready(self._projects)
            case "/metrics" if self._metrics is not None and _is_local(request, peer):
                return health.metrics(self._metrics)
            case _:
                raise errors.NoRoute


def _is_local(request: Request, peer: str) -> bool:
    """Whether a program on this machine asks for itself: no proxy for someone else, and no web
    page of another origin, nor one that made its own name point here (DNS rebinding)."""
    headers = request.headers
    return (
        is_loopback(peer)
        and headers.keys().isdisjoint(_PROXIED)
        and hosts.is_own_name(request.host)
        and hosts.is_own_origin(headers.get("origin"))
    )
